"""What the phone page shows, in the words it uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.twilio import segments
from simulator.twilio.errors import OUTCOMES
from simulator.twilio.numbers import normalised, pretty
from simulator.twilio.service import Twilio
from simulator.twilio.texts import INBOUND, REPLY, Text

_STATES = {
    "accepted": "On its way",
    "queued": "On its way",
    "sending": "On its way",
    "sent": "Sent",
    "delivered": "Delivered",
    "canceled": "Canceled",
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A text as the page shows it. `arrived`: it is on the phone."""

    sid: str
    body: str
    mine: bool
    arrived: bool
    failed: bool
    state: str
    at: str
    iso: str


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """One number in the list, with its newest text."""

    number: str
    pretty: str
    snippet: str
    at: str
    iso: str
    chosen: bool
    opted_out: bool


@dataclass(frozen=True, kw_only=True)
class Screen:
    """The whole page. `number` is the one whose texts are shown, None when there is none; `asked` says that a person
    chose it.
    """

    conversations: list[Conversation]
    number: str | None
    pretty: str
    asked: bool
    opted_out: bool
    texts: list[Shown]


def screen(twilio: Twilio, asked: str | None) -> Screen:
    """The page for the number asked for, else for the one with the newest text."""
    found = twilio.texts.conversations()
    wanted = normalised(asked) if asked else None
    number = wanted if wanted in found else next(iter(found), None)
    return Screen(
        conversations=[
            _conversation(twilio, each, texts[-1], chosen=each == number) for each, texts in found.items()
        ],
        number=number,
        pretty=pretty(number or ""),
        asked=number is not None and number == wanted,
        opted_out=number is not None and twilio.texts.opted_out(number),
        texts=[_shown(text) for text in found.get(number or "", [])],
    )


def _conversation(twilio: Twilio, number: str, newest: Text, *, chosen: bool) -> Conversation:
    return Conversation(
        number=number,
        pretty=pretty(number),
        snippet=("You: " if newest.direction == INBOUND else "") + newest.body,
        at=_at(newest.created_at),
        iso=newest.created_at,
        chosen=chosen,
        opted_out=twilio.texts.opted_out(number),
    )


def _shown(text: Text) -> Shown:
    return Shown(
        sid=text.sid,
        body=text.body,
        mine=text.direction == INBOUND,
        arrived=text.status in {"delivered", "received"},
        failed=text.status in {"failed", "undelivered"},
        state=_state(text),
        at=_at(text.created_at),
        iso=text.created_at,
    )


def _state(text: Text) -> str:
    """What became of a text, in words."""
    if text.direction == INBOUND:
        return _heard(text.note)
    if text.error_code is not None:
        return f"Did not arrive: {OUTCOMES[text.error_code].message}"
    said = "Delivered, an automatic answer" if text.direction == REPLY else _STATES[text.status]
    count = segments.count(text.body)
    return f"{said}, {count} segments" if count > 1 else said


def _heard(note: str | None) -> str:
    """What became of a reply's way to the app."""
    if note is None:
        return "Sent, waiting for the app"
    if note.startswith("2"):
        return "Sent, the app has it"
    return "Sent, but the app did not take it" if note[0].isdigit() else "Sent, but the app was not reached"


def _at(iso: str) -> str:
    """'14:05' in the machine's time zone, with the day when it is not today's."""
    moment = datetime.fromisoformat(iso).astimezone()
    time = f"{moment:%H:%M}"
    return (
        time if moment.date() == datetime.now().astimezone().date() else f"{moment:%b} {moment.day}, {time}"
    )


def document(text: Text) -> dict[str, Any]:
    """A text for programs."""
    return {
        "sid": text.sid,
        "direction": text.direction,
        "from": text.sender,
        "to": text.to,
        "body": text.body,
        "status": text.status,
        "error_code": text.error_code,
        "num_segments": segments.count(text.body),
        "status_callback": text.callback,
        "validity_period": text.validity_s,
        "created_at": text.created_at,
        "updated_at": text.updated_at,
        "sent_at": text.sent_at,
        "note": text.note,
    }
