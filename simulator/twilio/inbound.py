"""What a person's reply sets off: keywords at Twilio, the webhook of the app, and the app's answer."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from simulator.switches import Switches
from simulator.twilio import faults, segments
from simulator.twilio.account import Account
from simulator.twilio.callbacks import API_VERSION, Callbacks
from simulator.twilio.posting import Delivery, Form, Poster
from simulator.twilio.texts import INBOUND, REPLY, Text, Texts

STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT"})
START = frozenset({"START", "YES", "UNSTOP"})
HELP = frozenset({"HELP", "INFO"})
_ANSWERS = {
    "STOP": "You are unsubscribed and will get no more texts from this number. Reply START to get them again.",
    "START": "You are subscribed again. Reply STOP to end texts, HELP for help. Msg & data rates may apply.",
    "HELP": "Reply STOP to end texts from this number, START to get them again. Msg & data rates may apply.",
}


def keyword(body: str) -> str | None:
    """STOP, START or HELP when the whole message is such a word; `STOP please` is none to Twilio."""
    word = body.strip().upper()
    return next((name for name, words in _WORDS.items() if word in words), None)


_WORDS = {"STOP": STOP, "START": START, "HELP": HELP}


class Inbound:
    """Takes replies."""

    def __init__(
        self, texts: Texts, account: Account, switches: Switches, callbacks: Callbacks, poster: Poster
    ) -> None:
        self._texts, self._account, self._switches = texts, account, switches
        self._callbacks, self._poster = callbacks, poster

    def reply(self, number: str, body: str) -> Text:
        """A person at `number` (E.164) answers the last text they got. The app hears of it in the background."""
        text = self._texts.make(
            direction=INBOUND, to=self._account.number, sender=number, body=body, status="received"
        )
        text.sent_at = text.created_at
        text.service = self._service_of(number)
        self._texts.keep(text)
        word = keyword(body)
        if word is not None:
            self._honour(number, word)
        self._tell(text, word)
        return text

    def _service_of(self, number: str) -> str | None:
        """The messaging service that texts the number, if one does."""
        sent = [text for text in self._texts.all() if text.to == number]
        return sent[-1].service if sent else None

    def _honour(self, number: str, word: str) -> None:
        """Twilio's own part: it blocks or frees the number, and says so once."""
        changed = word != "HELP" and self._texts.opt_out(number, out=word == "STOP")
        if changed or word == "HELP":
            self._answer(number, _ANSWERS[word])

    def _answer(self, number: str, body: str) -> None:
        text = self._texts.make(
            direction=REPLY, to=number, sender=self._account.number, body=body, status="delivered"
        )
        text.sent_at = text.created_at
        self._texts.keep(text)

    # The webhook

    def _tell(self, text: Text, word: str | None) -> None:
        url = self._texts.inbound_url()
        if url is None:
            self._note(text, "no address")
            return
        number = text.person
        form = self._form(text, word if word and faults.advanced(self._switches, number) else None)
        delivery = Delivery(kind="inbound", sid=text.sid, status="received", url=url, at=text.created_at)

        def answered(body: bytes) -> None:
            self._note(text, str(delivery.outcome))
            for said in spoken(body):
                if not self._texts.opted_out(number):
                    self._answer(number, said)

        self._callbacks.send("inbound", number, delivery, lambda: self._poster.post(delivery, form, answered))
        if delivery.outcome != "waiting":
            self._note(text, str(delivery.outcome))

    def _note(self, text: Text, note: str) -> None:
        with self._texts.changing(text):
            text.note = note

    def _form(self, text: Text, opt_out_type: str | None) -> Form:
        form = {
            "MessageSid": text.sid,
            "SmsSid": text.sid,
            "SmsMessageSid": text.sid,
            "AccountSid": self._account.sid,
            "From": text.sender or "",
            "To": text.to,
            "Body": text.body,
            "NumMedia": "0",
            "NumSegments": str(segments.count(text.body)),
            "SmsStatus": "received",
            "ApiVersion": API_VERSION,
            "FromCountry": "US",
            "ToCountry": "US",
        }
        if text.service:
            form["MessagingServiceSid"] = text.service
        if opt_out_type:
            form["OptOutType"] = opt_out_type
        return form


def spoken(twiml: bytes) -> list[str]:
    """The texts that a TwiML answer asks for; none when it is no TwiML."""
    if b"<!" in twiml.replace(b"<![CDATA[", b""):
        return []  # comments and document types: nothing an app of ours sends
    try:
        root = ET.fromstring(twiml)  # noqa: S314  # no document type, so no entities to expand
    except ET.ParseError:
        return []
    said = [
        " ".join("".join(element.itertext()).split())
        for element in root
        if element.tag in {"Message", "Sms"} and root.tag == "Response"
    ]
    return [words for words in said if words]
