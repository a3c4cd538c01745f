"""The texts there are, sent and received, and the numbers that have opted out. Kept on disk, safe under threads."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from simulator.clock import Clock
from simulator.store import Store

WAITING = frozenset({"accepted", "queued", "sending", "sent"})
"""A text in one of these goes on changing by itself."""
DONE = frozenset({"delivered", "undelivered", "failed", "received"})
INBOUND, FROM_API, REPLY = "inbound", "outbound-api", "outbound-reply"


@dataclass(kw_only=True)
class Text:
    """One text. Numbers are E.164; `sender` is None until the messaging service has chosen one. Times are ISO, UTC.

    `fate` is the error code it is going to end with. `note` says what became of an inbound text's webhook: the HTTP
    status, or a word when there was none.
    """

    sid: str
    serial: int
    direction: str
    to: str
    sender: str | None
    body: str
    status: str
    created_at: str
    updated_at: str
    sent_at: str | None = None
    service: str | None = None
    callback: str | None = None
    validity_s: int = 36_000
    error_code: int | None = None
    fate: int | None = None
    fate_status: str | None = None
    note: str | None = None

    @property
    def person(self) -> str:
        """The number of the person, whichever way the text went."""
        return (self.sender or "") if self.direction == INBOUND else self.to


class Texts:
    """Everything in memory, every change written before a call returns."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.RLock()
        kept = (Text(**each) for each in store.load("texts").values())
        self._all = {text.sid: text for text in sorted(kept, key=lambda text: text.serial)}
        last = max((text.serial for text in self._all.values()), default=0)
        self._serials = itertools.count(last + 1)
        self._phone = store.load("phone")

    def now(self) -> str:
        return self._clock.now().isoformat()

    def make(self, *, direction: str, to: str, sender: str | None, body: str, status: str) -> Text:
        """A new text that is not kept yet."""
        now = self.now()
        with self._lock:
            serial = next(self._serials)
        return Text(
            sid=f"SM{secrets.token_hex(16)}",
            serial=serial,
            direction=direction,
            to=to,
            sender=sender,
            body=body,
            status=status,
            created_at=now,
            updated_at=now,
        )

    def keep(self, text: Text) -> None:
        with self._lock:
            self._all[text.sid] = text
            self._store.save("texts", text.sid, asdict(text))

    @contextmanager
    def changing(self, text: Text) -> Iterator[Text]:
        """The text, to be changed by nobody else meanwhile; saved afterwards unless it was deleted."""
        with self._lock:
            yield text
            text.updated_at = self.now()
            if text.sid in self._all:
                self.keep(text)

    def get(self, sid: str) -> Text | None:
        return self._all.get(sid)

    def delete(self, text: Text) -> None:
        with self._lock:
            self._all.pop(text.sid, None)
            self._store.delete("texts", text.sid)

    def all(self) -> list[Text]:
        """Oldest first."""
        with self._lock:
            return sorted(self._all.values(), key=lambda text: text.serial)

    def conversations(self) -> dict[str, list[Text]]:
        """The texts of each person's number, oldest first; the number with the newest text comes first."""
        found: dict[str, list[Text]] = {}
        for text in self.all():
            found.setdefault(text.person, []).append(text)
        return dict(sorted(found.items(), key=lambda each: each[1][-1].serial, reverse=True))

    # What is known of numbers, and where replies go

    def opted_out(self, number: str) -> bool:
        return number in self._phone

    def opt_out(self, number: str, *, out: bool) -> bool:
        """Blocks a number or lifts that; whether this changed anything."""
        with self._lock:
            if out == self.opted_out(number):
                return False
            if out:
                self._keep_phone(number, {"opted_out_at": self.now()})
            else:
                del self._phone[number]
                self._store.delete("phone", number)
            return True

    def inbound_url(self) -> str | None:
        return self._phone.get("inbound", {}).get("url")

    def set_inbound_url(self, url: str | None) -> None:
        with self._lock:
            self._keep_phone("inbound", {"url": url})

    def _keep_phone(self, key: str, document: dict[str, str | None]) -> None:
        self._phone[key] = document
        self._store.save("phone", key, document)
