"""What becomes of a text after it was accepted: queued, sending, sent, delivered; or how it fails."""

from __future__ import annotations

from datetime import datetime, timedelta

from simulator.switches import Switches
from simulator.twilio import faults
from simulator.twilio.account import Account
from simulator.twilio.background import Timeline
from simulator.twilio.callbacks import Callbacks
from simulator.twilio.texts import WAITING, Text, Texts

_NEXT = {"accepted": "queued", "queued": "sending", "sending": "sent", "sent": "delivered"}
_EXPIRED = 30036
_SHORTEST_WAIT_S = 0.05


class Life:
    """Moves texts on, one status after every `step_s` seconds. A text that a switch holds waits in its status."""

    def __init__(
        self,
        texts: Texts,
        account: Account,
        switches: Switches,
        timeline: Timeline,
        callbacks: Callbacks,
        step_s: float,
    ) -> None:
        self._texts, self._account, self._switches = texts, account, switches
        self._timeline, self._callbacks, self._step_s = timeline, callbacks, step_s

    def begin(self, text: Text) -> None:
        self._timeline.after(self._step_s, lambda: self._advance(text.sid))

    def resume(self) -> None:
        """Goes on with the texts that were on their way when the simulator ended."""
        for text in self._texts.all():
            if text.status in WAITING:
                self.begin(text)

    def _advance(self, sid: str) -> None:
        text = self._texts.get(sid)
        if text is None or text.status not in WAITING:
            return
        expired = text.status != "sent" and self._expired(text)
        if not expired and faults.held(self._switches, text.person):
            self._timeline.after(max(self._step_s, _SHORTEST_WAIT_S), lambda: self._advance(sid))
            return
        with self._texts.changing(text):
            if expired:
                text.status, text.error_code = "failed", _EXPIRED
            else:
                self._step(text)
        self._callbacks.tell(text)
        if text.status in WAITING:
            self.begin(text)

    def _expired(self, text: Text) -> bool:
        now = datetime.fromisoformat(self._texts.now())
        return now > datetime.fromisoformat(text.created_at) + timedelta(seconds=text.validity_s)

    def _step(self, text: Text) -> None:
        if text.status == "sending":
            text.fate, text.fate_status = faults.fate(self._switches, text.person)
            text.sent_at = self._texts.now()
        end = (text.status, text.fate_status)
        if end in {("sending", "failed"), ("sent", "undelivered")}:
            text.status, text.error_code = text.fate_status or "failed", text.fate
        else:
            text.status = _NEXT[text.status]
        if text.sender is None:
            text.sender = self._account.number
