"""What can be changed about the simulator while it runs: faults, delays, and what a bank shows of its accounts.

A switch holds for one Item, one institution or everybody, on one endpoint or several, once, some times, for a while
or until it is lifted. Switches are kept on disk and outlive a restart.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from simulator.clock import Clock
from simulator.errors import KINDS
from simulator.records import later
from simulator.store import Store

FAULTS = frozenset({"error", "http_500", "html", "truncated", "hang", "drop"})
"""What a call can meet instead of its answer."""
CHANGES = frozenset({"account_appears", "account_vanishes", "balance_unknown"})
"""What can change about an Item's accounts."""
WEBHOOKS = frozenset({"webhook_twice", "webhook_after_next", "webhook_lost", "webhook_retry"})
"""What can become of a webhook on its way: sent twice, sent after the next one of its Item, never sent, or, when it
was not answered 200, sent again sooner than the vendor would."""
KINDS_OF_SWITCH = FAULTS | CHANGES | WEBHOOKS | {"latency", "mutation"}
EVERYWHERE, AT_THE_BANK = "*", "bank"
BANK_ENDPOINTS = frozenset(
    {"/accounts/get", "/accounts/balance/get", "/transactions/sync", "/transactions/refresh"}
)
"""What `bank` stands for: the endpoints that need the bank, and so fail with an Item or an institution. The others
(/item/get, /item/remove, /link/token/create...) go on working, as Plaid's do.
"""


@dataclass(frozen=True)
class Target:
    """What a call is about. `vendor` None is Plaid; `to` is the person's number of a call to Twilio."""

    institution_id: str | None = None
    item_id: str | None = None
    vendor: str | None = None
    to: str | None = None


@dataclass(kw_only=True)
class Switch:
    """One switch. `times` None: every time; `until` (ISO, UTC) None: until lifted. `code` belongs to `error`,
    `milliseconds` to `latency` and `webhook_retry`, `seconds` to `hang`, `account` (its key in the life) to the
    changes. With `after` a fault comes when the call has done its work: only the answer is lost. `vendor`, `to` and
    `status` belong to simulator.twilio.faults; without a vendor it is Plaid's.
    """

    kind: str
    id: str = ""
    endpoint: str = EVERYWHERE
    institution_id: str | None = None
    item_id: str | None = None
    code: str | None = None
    times: int | None = None
    until: str | None = None
    milliseconds: float = 0
    seconds: float = 0
    after: bool = False
    account: str | None = None
    vendor: str | None = None
    to: str | None = None
    status: str | None = None

    def holds_for(self, target: Target) -> bool:
        if self.vendor != target.vendor or self.to not in {None, target.to}:
            return False
        if self.item_id is not None and self.item_id != target.item_id:
            return False
        return self.institution_id is None or self.institution_id == target.institution_id

    def holds_at(self, path: str) -> bool:
        return self.endpoint in {EVERYWHERE, path} or (
            self.endpoint == AT_THE_BANK and path in BANK_ENDPOINTS
        )


def usual_endpoint(kind: str, code: str | None) -> str:
    """Where a switch holds when nothing is said: errors of Items and institutions where the bank is needed."""
    if kind == "mutation":
        return "/transactions/sync"
    broken = kind == "error" and code in KINDS and KINDS[code].type in {"ITEM_ERROR", "INSTITUTION_ERROR"}
    return AT_THE_BANK if broken else EVERYWHERE


class Switches:
    """All switches, safe under many threads. `latency_ms`: how long every vendor's endpoint takes anyway."""

    def __init__(self, store: Store, clock: Clock, latency_ms: float = 0) -> None:
        self.latency_ms = latency_ms
        self._store, self._clock = store, clock
        self._lock = threading.RLock()
        self._all = {key: Switch(**each) for key, each in store.load("switches").items()}

    def add(self, switch: Switch) -> Switch:
        """Turns it on; the same switch with its id. The oldest of several that hold for a call counts."""
        with self._lock:
            switch.id = f"{self._next():06d}-{secrets.token_hex(3)}"
            self._all[switch.id] = switch
            self._store.save("switches", switch.id, asdict(switch))
        return switch

    def _next(self) -> int:
        return 1 + max((int(key.split("-")[0]) for key in self._all), default=0)

    def all(self) -> list[Switch]:
        """The switches that are on, oldest first."""
        with self._lock:
            for switch in list(self._all.values()):
                if later(self._clock.now(), switch.until):
                    self.lift(switch.id)
            return sorted(self._all.values(), key=lambda each: each.id)

    def lift(self, id_: str) -> bool:
        """Turns one off; whether it was on."""
        with self._lock:
            self._store.delete("switches", id_)
            return self._all.pop(id_, None) is not None

    def lift_all(self, item_id: str | None = None) -> int:
        """Turns all off (of one Item: those that name it); how many."""
        with self._lock:
            chosen = [each.id for each in self.all() if item_id is None or each.item_id == item_id]
            return sum(self.lift(each) for each in chosen)

    def find(self, kinds: Collection[str], path: str, target: Target) -> list[Switch]:
        """Those of some kinds that hold for a call."""
        on = self.all() if self._all else []
        return [each for each in on if each.kind in kinds and each.holds_at(path) and each.holds_for(target)]

    def take(self, kinds: Collection[str], path: str, target: Target) -> Switch | None:
        """The one that meets a call, which counts as one of its times."""
        with self._lock:
            found = self.find(kinds, path, target)
            if found:
                self._used(found[0])
            return found[0] if found else None

    def _used(self, switch: Switch) -> None:
        if switch.times is None:
            return
        switch.times -= 1
        if switch.times > 0:
            self._store.save("switches", switch.id, asdict(switch))
        else:
            self.lift(switch.id)

    def delay(self, path: str, target: Target) -> float:
        """How long a call takes, in seconds, the general latency included."""
        more = 0.0
        with self._lock:
            for switch in self.find({"latency"}, path, target):
                more += switch.milliseconds
                self._used(switch)
        return (self.latency_ms + more) / 1000

    def meets_webhook(self, kind: str, target: Target) -> Switch | None:
        """The switch of a kind that meets a webhook about to be sent, which counts as one of its times."""
        return self.take({kind}, EVERYWHERE, target) if self._all else None

    def changes(self, target: Target) -> list[Switch]:
        """What is changed about the accounts of an Item."""
        on = self.all() if self._all else []
        return [each for each in on if each.kind in CHANGES and each.holds_for(target)]

    def error_code(self, type_: str, target: Target) -> str | None:
        """The code of an error of one type that holds wherever the bank is needed, if there is one."""
        codes = (each.code for each in self.find({"error"}, "/accounts/get", target) if _wide(each))
        return next((code for code in codes if code and KINDS[code].type == type_), None)

    def repair(self, item_id: str) -> None:
        """A person has signed in again: errors of this Item are over."""
        with self._lock:
            for switch in self.all():
                if switch.kind == "error" and switch.item_id == item_id and _of_item(switch.code):
                    self.lift(switch.id)


def _wide(switch: Switch) -> bool:
    return switch.endpoint in {EVERYWHERE, AT_THE_BANK}


def _of_item(code: str | None) -> bool:
    return code is not None and KINDS[code].type == "ITEM_ERROR"


def described(switch: Switch) -> dict[str, Any]:
    """A switch as JSON shows it: only what is set."""
    return {key: value for key, value in asdict(switch).items() if value not in (None, 0, False)}
