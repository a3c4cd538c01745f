"""The keys Plaid signs webhooks with: looked up by an id that whoever calls us may choose, so never freely.

One per process. Keys and unknown ids are remembered, a bounded number of each; look-ups of unknown ids have a
budget; while the vendor does not answer nothing is looked up at all for some seconds.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from providers.base import Asking, BankGateway, Banks, ForgedWebhookError, Kind, ProviderError, WebhookKey

KEY_SECONDS = 24 * 3600.0
"""Plaid: fetch a key anew about once a day, it may have been ended since."""
UNKNOWN_SECONDS = 600.0
"""How long an id that the vendor does not know is not asked about again."""
AWAY_SECONDS = 5.0
"""After a look-up that failed: nobody else waits for the same."""
MOST_KEYS, MOST_UNKNOWN = 32, 1024
BUDGET, BUDGET_SECONDS = 10, 6.0
"""Look-ups of ids we have never seen: so many at once, and one more every so many seconds."""
PATIENCE = 3.0
"""Seconds to wait for another thread's look-up, which may be of the same key."""

Name = tuple[str, str]
"""Environment and key id."""


def untold(_environment: str) -> AbstractContextManager[None]:
    """An `Asking` that tells nobody."""
    return nullcontext()


@dataclass(frozen=True)
class _Known:
    key: WebhookKey | None
    """None: the vendor knows no such key."""
    until: float


class Keys:
    """Environment and key id to a key that may be believed."""

    def __init__(
        self, banks: Banks, clock: Callable[[], float] = time.monotonic, asking: Asking = untold
    ) -> None:
        self._banks, self._clock, self._asking = banks, clock, asking
        self._lock = threading.Lock()
        self._keys: OrderedDict[Name, _Known] = OrderedDict()
        self._unknown: OrderedDict[Name, _Known] = OrderedDict()
        self._budget, self._counted_at = float(BUDGET), clock()
        self._away: tuple[float, ProviderError] | None = None

    def find(self, environment: str, key_id: str) -> WebhookKey:
        """The key. ForgedWebhookError when there is none, it has ended, or too many unknown ones were asked for;
        ProviderError when the vendor does not answer."""
        bank = _bank(self._banks, environment)
        name = (environment, key_id)
        known = self._remembered(name) or self._looked_up(bank, name)
        if known.key is None or known.key.expired:
            raise ForgedWebhookError("no living key")
        return known.key

    def _remembered(self, name: Name) -> _Known | None:
        known = self._keys.get(name) or self._unknown.get(name)
        return known if known and known.until > self._clock() else None

    def _looked_up(self, bank: BankGateway, name: Name) -> _Known:
        """Ask the vendor, one thread at a time: webhooks that come together want the same key."""
        if not self._lock.acquire(timeout=PATIENCE):
            raise ProviderError("KEY_LOOK_UP_BUSY", Kind.RETRY)
        try:
            return self._remembered(name) or self._ask(bank, name)
        finally:
            self._lock.release()

    def _ask(self, bank: BankGateway, name: Name) -> _Known:
        if self._away and self._away[0] > self._clock():
            raise self._away[1]
        if name not in self._keys:  # one that was good yesterday costs nothing: strangers cannot use that up
            self._spend()
        try:
            with self._asking(name[0]):
                key = bank.webhook_key(name[1])
        except ProviderError as error:
            if error.kind is not Kind.INPUT:
                self._away = (self._clock() + AWAY_SECONDS, error)
                raise
            key = None
        return self._remember(name, key)

    def _spend(self) -> None:
        now = self._clock()
        self._budget = min(BUDGET, self._budget + (now - self._counted_at) / BUDGET_SECONDS)
        self._counted_at = now
        if self._budget < 1:
            raise ForgedWebhookError("too many unknown keys")
        self._budget -= 1

    def _remember(self, name: Name, key: WebhookKey | None) -> _Known:
        self._keys.pop(name, None)
        shelf, most, seconds = (
            (self._keys, MOST_KEYS, KEY_SECONDS)
            if key is not None
            else (self._unknown, MOST_UNKNOWN, UNKNOWN_SECONDS)
        )
        shelf[name] = known = _Known(key, self._clock() + seconds)
        shelf.move_to_end(name)
        while len(shelf) > most:
            shelf.popitem(last=False)
        return known


def _bank(banks: Banks, environment: str) -> BankGateway:
    """The gateway of an environment we have keys for; nothing else can have sent us anything."""
    try:
        return banks[environment]
    except KeyError:
        raise ForgedWebhookError("not from an environment of ours") from None
