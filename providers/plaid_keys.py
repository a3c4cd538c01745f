"""The keys Plaid signs webhooks with: looked up by an id that whoever calls us may choose, so never freely.

One per process. Keys and unknown ids are remembered, a bounded number of each; look-ups of unknown ids have a
budget; while the vendor does not answer nothing is looked up at all for some seconds. Whoever asks waits less than
a second; the look-up goes on without them, so that the vendor's next try finds the key here.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from providers.base import Asking, Banks, ForgedWebhookError, Kind, ProviderError, WebhookKey

KEY_SECONDS = 24 * 3600.0
"""Plaid: fetch a key anew about once a day, it may have been ended since."""
UNKNOWN_SECONDS = 600.0
"""How long an id that the vendor does not know is not asked about again."""
AWAY_SECONDS = 5.0
"""After a look-up that failed, or took too long: nobody else waits for the same."""
MOST_KEYS, MOST_UNKNOWN = 32, 1024
BUDGET, BUDGET_SECONDS = 10, 6.0
"""Look-ups of ids we have never seen: so many at once, and one more every so many seconds."""
PATIENCE = 0.6
"""Seconds to wait for a look-up: a webhook is answered within one, and the rest of it needs some."""

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
        self._running: dict[Name, Future[_Known]] = {}
        self._away: tuple[float, ProviderError] | None = None

    def find(self, environment: str, key_id: str) -> WebhookKey:
        """The key, in less than a second. ForgedWebhookError when there is none, it has ended, or too many unknown
        ones were asked for; ProviderError when the vendor does not answer (in time)."""
        if environment not in set(self._banks):  # nothing else can have sent us anything
            raise ForgedWebhookError("not from an environment of ours")
        name = (environment, key_id)
        known = self._remembered(name) or self._looked_up(name)
        if known.key is None or known.key.expired:
            raise ForgedWebhookError("no living key")
        return known.key

    def _remembered(self, name: Name) -> _Known | None:
        known = self._keys.get(name) or self._unknown.get(name)
        return known if known and known.until > self._clock() else None

    def _looked_up(self, name: Name) -> _Known:
        """What the vendor says, if it does in time; webhooks that come together share one look-up."""
        with self._lock:
            if known := self._remembered(name):  # by another thread, a moment ago
                return known
            if self._away and self._away[0] > self._clock():
                raise self._away[1]
            running = self._running.get(name) or self._begin(name)
        try:
            return running.result(PATIENCE)
        except FutureTimeout:
            late = ProviderError("KEY_LOOK_UP_LATE", Kind.RETRY)
            if not running.done():
                self._leave_in_peace(late)
            raise late from None

    def _begin(self, name: Name) -> Future[_Known]:
        """A look-up in a thread of its own: no time-out of a socket ends a name server that hangs, or a client that
        takes its time to load."""
        if name not in self._keys:  # one that was good yesterday costs nothing: strangers cannot use that up
            self._spend()
        running: Future[_Known] = Future()
        thread = threading.Thread(target=self._look_up, args=(name, running), daemon=True, name="webhook key")
        self._running[name] = running
        try:
            thread.start()
        except RuntimeError:  # the system has no thread to give just now
            del self._running[name]
            raise ProviderError("KEY_LOOK_UP_LATE", Kind.RETRY) from None
        return running

    def _look_up(self, name: Name, running: Future[_Known]) -> None:
        try:
            known = self._remember(name, self._ask(*name))
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it was
            if isinstance(error, ProviderError):
                self._leave_in_peace(error)
            self._end(name)
            running.set_exception(error)
        else:
            self._end(name)
            self._away = None
            running.set_result(known)

    def _end(self, name: Name) -> None:
        with self._lock:
            del self._running[name]

    def _ask(self, environment: str, key_id: str) -> WebhookKey | None:
        """The vendor's answer; None when it knows no such key. In the look-up's own thread, and so is `asking`."""
        try:
            with self._asking(environment):
                return self._banks[environment].webhook_key(key_id)
        except ProviderError as error:
            if error.kind is not Kind.INPUT:
                raise
            return None

    def _leave_in_peace(self, error: ProviderError) -> None:
        self._away = (self._clock() + AWAY_SECONDS, error)

    def _spend(self) -> None:
        now = self._clock()
        self._budget = min(BUDGET, self._budget + (now - self._counted_at) / BUDGET_SECONDS)
        self._counted_at = now
        if self._budget < 1:
            raise ForgedWebhookError("too many unknown keys")
        self._budget -= 1

    def _remember(self, name: Name, key: WebhookKey | None) -> _Known:
        shelf, most, seconds = (
            (self._keys, MOST_KEYS, KEY_SECONDS)
            if key is not None
            else (self._unknown, MOST_UNKNOWN, UNKNOWN_SECONDS)
        )
        with self._lock:
            self._keys.pop(name, None)
            shelf[name] = known = _Known(key, self._clock() + seconds)
            shelf.move_to_end(name)
            while len(shelf) > most:
                shelf.popitem(last=False)
        return known
