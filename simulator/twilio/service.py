"""The simulated Twilio as a whole: what its API and the phone page work on."""

from __future__ import annotations

from collections import deque
from typing import Any

from simulator.clock import Clock
from simulator.store import Store
from simulator.switches import Switches
from simulator.twilio.account import Account
from simulator.twilio.background import Timeline
from simulator.twilio.callbacks import Callbacks
from simulator.twilio.errors import TwilioError
from simulator.twilio.inbound import Inbound
from simulator.twilio.life import Life
from simulator.twilio.posting import Poster
from simulator.twilio.rules import Draft
from simulator.twilio.texts import FROM_API, Text, Texts


class Twilio:
    """Texts happen in real time, whatever date the banks stand still at. `step_s` is how long a text stays in each
    status; `inbound_url` None leaves the address for replies as it was kept.
    """

    def __init__(
        self, store: Store, switches: Switches, account: Account, step_s: float, inbound_url: str | None
    ) -> None:
        self.account, self.switches = account, switches
        self.texts = Texts(store, Clock())
        self.poster = Poster(account.token)
        timeline = Timeline()
        callbacks = Callbacks(account, switches, timeline, self.poster)
        self._life = Life(self.texts, account, switches, timeline, callbacks, step_s)
        self.inbound = Inbound(self.texts, account, switches, callbacks, self.poster)
        self._calls: deque[dict[str, Any]] = deque(maxlen=2000)
        if inbound_url is not None:
            self.texts.set_inbound_url(inbound_url)
        self._life.resume()

    def send(self, draft: Draft, *, test: bool) -> Text:
        """Accepts a text. TwilioError when the number has opted out."""
        text = self.texts.make(
            direction=FROM_API,
            to=draft.to,
            sender=draft.sender,
            body=draft.body,
            status="accepted" if draft.service else "queued",
        )
        text.service, text.callback, text.validity_s = draft.service, draft.callback, draft.validity_s
        if not test:
            if self.texts.opted_out(draft.to):
                raise TwilioError(21610)
            self.texts.keep(text)
            self._life.begin(text)
        return text

    def note_call(self, endpoint: str, to: str | None, status: int) -> None:
        """Remembers a call of the API, for whoever wants to count them."""
        self._calls.append({"at": self.texts.now(), "endpoint": endpoint, "to": to, "status": status})

    def calls(self) -> list[dict[str, Any]]:
        """The last calls, newest first. `status` is what was answered, or would have been."""
        return list(reversed(self._calls))
