"""Keeping to a vendor's published limits, together with every other worker when the counters are in Redis.

Plaid counts calls per minute, for each Item and for the whole client. A call that would be one too many waits a
little; when that is not enough it fails as the vendor's own refusal would (Kind.LIMIT), without having been made.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from functools import cached_property

from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from providers.base import Kind, ProviderError

log = logging.getLogger(__name__)

PER_MINUTE: dict[str, dict[str, tuple[int | None, int]]] = {
    "production": {
        "accounts_get": (15, 15_000),
        "accounts_balance_get": (5, 1_200),
        "transactions_sync": (50, 2_500),
        "item_get": (15, 5_000),
        "item_remove": (30, 2_000),
        "institutions_get_by_id": (None, 400),
    },
    "sandbox": {
        "accounts_get": (100, 5_000),
        "accounts_balance_get": (25, 100),
        "transactions_sync": (50, 1_000),
        "item_get": (40, 5_000),
        "item_remove": (100, 500),
        "institutions_get_by_id": (None, 400),
    },
}
"""Environment -> method -> calls a minute for one Item (None: not counted) and for the client, as Plaid publishes."""
PATIENCE_SECONDS = 20.0
STEP_SECONDS = 0.25


class Pacer:
    """Waits for room under the limits of one environment. `sleep` takes seconds."""

    def __init__(
        self, environment: str, storage_uri: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._environment, self._storage_uri, self._sleep = environment, storage_uri, sleep

    @cached_property
    def _limiter(self) -> SlidingWindowCounterRateLimiter:
        return SlidingWindowCounterRateLimiter(storage_from_string(self._storage_uri, wrap_exceptions=True))

    def __call__(self, method: str, access_token: str | None) -> None:
        """Return when the call may be made. ProviderError PACED after 20 seconds without room."""
        limits = PER_MINUTE[self._environment].get(method)
        if limits is None:
            return
        keys = self._keys(method, access_token, *limits)
        waited = 0.0
        while not self._room(keys):
            if waited >= PATIENCE_SECONDS:
                raise ProviderError("PACED", Kind.LIMIT)
            self._sleep(STEP_SECONDS)
            waited += STEP_SECONDS

    def _keys(
        self, method: str, access_token: str | None, per_item: int | None, per_client: int
    ) -> list[tuple[RateLimitItemPerMinute, str]]:
        keys = [(RateLimitItemPerMinute(per_client), f"{self._environment}:{method}")]
        if per_item is not None and access_token:
            item = hashlib.sha256(access_token.encode()).hexdigest()[:24]
            keys.append((RateLimitItemPerMinute(per_item), f"{self._environment}:{method}:{item}"))
        return keys

    def _room(self, keys: list[tuple[RateLimitItemPerMinute, str]]) -> bool:
        """Whether every limit has room; then the call counts in all of them. Counters that cannot be reached stop
        nothing: the vendor has its own."""
        try:
            if not all(self._limiter.test(limit, key) for limit, key in keys):
                return False
            for limit, key in keys:
                self._limiter.hit(limit, key)
        except StorageError as error:
            log.warning("vendor limits are not counted just now: %s", type(error).__name__)
        return True
