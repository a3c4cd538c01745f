"""Status callbacks: one for each change of a text's status, unless a switch drops, repeats, delays or reorders it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from simulator.switches import Switches
from simulator.twilio import faults
from simulator.twilio.account import Account
from simulator.twilio.background import Timeline
from simulator.twilio.posting import Delivery, Form, Poster
from simulator.twilio.texts import DONE, Text

API_VERSION = "2010-04-01"


class Callbacks:
    """Reports what becomes of texts to the address each was created with."""

    def __init__(self, account: Account, switches: Switches, timeline: Timeline, poster: Poster) -> None:
        self._account, self._switches = account, switches
        self._timeline, self._poster = timeline, poster
        self._lock = threading.Lock()
        self._held: dict[str, list[Callable[[], None]]] = {}

    def tell(self, text: Text) -> None:
        """Reports the status a text has now, if it was created with an address for that."""
        if text.callback is None:
            return
        form = status_form(text, self._account.sid)
        delivery = Delivery(
            kind="status", sid=text.sid, status=text.status, url=text.callback, at=text.updated_at
        )
        if text.status not in DONE and faults.take(self._switches, "callback_reorder", text.person):
            with self._lock:
                self._held.setdefault(text.sid, []).append(lambda: self._poster.post(delivery, form))
            return
        self.send("callback", text.person, delivery, lambda: self._poster.post(delivery, form))
        if text.status in DONE:
            self._release(text.sid)

    def _release(self, sid: str) -> None:
        """The last word about a text was said; what was held back follows, the later first."""
        with self._lock:
            held = self._held.pop(sid, [])
        for post in reversed(held):
            post()

    def send(self, what: str, number: str, delivery: Delivery, post: Callable[[], None]) -> None:
        """Posts, or what the switches named `<what>_drop`, `_repeat` and `_delay` make of that."""
        if faults.take(self._switches, f"{what}_drop", number):
            delivery.outcome = "dropped by a switch"
            self._poster.note(delivery)
            return
        repeated = faults.take(self._switches, f"{what}_repeat", number)
        delayed = faults.take(self._switches, f"{what}_delay", number)
        for _ in range(2 if repeated else 1):
            if delayed:
                self._timeline.after(delayed.seconds, post)
            else:
                post()


def status_form(text: Text, account_sid: str) -> Form:
    """The fields of a status callback."""
    form = {
        "MessageSid": text.sid,
        "SmsSid": text.sid,
        "MessageStatus": text.status,
        "SmsStatus": text.status,
        "To": text.to,
        "From": text.sender or "",
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
    }
    if text.service:
        form["MessagingServiceSid"] = text.service
    if text.error_code is not None:
        form["ErrorCode"] = str(text.error_code)
    if text.status in {"delivered", "undelivered"}:
        form["RawDlrDoneDate"] = datetime.fromisoformat(text.updated_at).strftime("%y%m%d%H%M")
    return form
