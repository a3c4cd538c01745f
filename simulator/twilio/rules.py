"""What may be sent: every documented check of a create call, in one order, the first that fails answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from simulator.twilio import segments
from simulator.twilio.account import Account
from simulator.twilio.errors import TwilioError
from simulator.twilio.numbers import MAGIC_FROM, MAGIC_SENDER, MAGIC_TO, normalised

MOST_LETTERS = 1600
MOST_VALIDITY_S = 36_000
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A text that may be sent. `sender` is None when the messaging service is to choose one."""

    to: str
    sender: str | None
    service: str | None
    body: str
    callback: str | None
    validity_s: int


def draft(form: Mapping[str, str], account: Account, *, test: bool) -> Draft:
    """The text that a create call asks for. TwilioError when there is something wrong with it.

    `test`: by the test credentials, which know one sender and no messaging service.
    """
    to, sender, service = (_given(form, name) for name in ("To", "From", "MessagingServiceSid"))
    if to is None:
        raise TwilioError(21604)
    if sender is None and service is None:
        raise TwilioError(21603)
    body = _body(form)
    recipient = _recipient(to)
    return Draft(
        to=recipient,
        sender=None if sender is None else _sender(sender, recipient, account, test=test),
        service=None if service is None else _service(service, account, test=test),
        body=body,
        callback=_callback(_given(form, "StatusCallback")),
        validity_s=_validity(_given(form, "ValidityPeriod")),
    )


def _given(form: Mapping[str, str], name: str) -> str | None:
    return form.get(name, "").strip() or None


def _body(form: Mapping[str, str]) -> str:
    body = form.get("Body", "")
    if not body.strip():
        raise TwilioError(21602)
    if form.get("SmartEncoded", "").lower() == "true":
        body = segments.smart(body)
    if len(body) > MOST_LETTERS:
        raise TwilioError(21617)
    return body


def _recipient(to: str) -> str:
    number = normalised(to)
    if number is None:
        raise TwilioError(21211, f"The 'To' number {to[:40]} is not a valid phone number")
    if number in MAGIC_TO:
        raise TwilioError(MAGIC_TO[number])
    return number


def _sender(given: str, to: str, account: Account, *, test: bool) -> str:
    number = normalised(given)
    if number is None:
        raise TwilioError(21212, f"The 'From' number {given[:40]} is not a valid phone number")
    if number in MAGIC_FROM:
        raise TwilioError(MAGIC_FROM[number])
    if number != (MAGIC_SENDER if test else account.number):
        raise TwilioError(21606)
    if number == to:
        raise TwilioError(21266)
    return number


def _service(given: str, account: Account, *, test: bool) -> str:
    if not _SERVICE.fullmatch(given):
        raise TwilioError(21705)
    if test or given != account.service:
        raise TwilioError(21701)
    return given


def _callback(url: str | None) -> str | None:
    if url is not None and not postable(url):
        raise TwilioError(21609)
    return url


def postable(url: str) -> bool:
    """Whether it is an http(s) address that could be posted to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = not re.search(r"[\s\x00-\x1f]", url) and re.fullmatch(r"[A-Za-z0-9.\-:]+", host)
    return bool(plain) and parts.scheme in {"http", "https"} and port != 0


def _validity(given: str | None) -> int:
    if given is None:
        return MOST_VALIDITY_S
    if not re.fullmatch(r"\d{1,9}", given) or not 1 <= int(given) <= MOST_VALIDITY_S:
        raise TwilioError(21624)
    return int(given)
