"""What Twilio's refusals and a failing network ask of us. Only codes are read: Twilio's sentences may change."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from providers.base import TextError, TextKind

KIND_OF_CODE = {
    "21730": TextKind.NOT_SENT,  # Twilio's own maintenance
    "14107": TextKind.LIMIT,  # too many texts a second
    "20429": TextKind.LIMIT,
    "21611": TextKind.LIMIT,  # ten hours of texts wait at our number already
    "30001": TextKind.LIMIT,
    "30022": TextKind.LIMIT,
    "30023": TextKind.LIMIT,
    "21211": TextKind.NUMBER,
    "21265": TextKind.NUMBER,  # a short code
    "21266": TextKind.NUMBER,  # our own number
    "21408": TextKind.NUMBER,  # a country that is not switched on
    "21612": TextKind.NUMBER,
    "21614": TextKind.NUMBER,
    "21635": TextKind.NUMBER,  # a landline
    "21610": TextKind.OPTED_OUT,
    "21608": TextKind.UNVERIFIED,
    "572005": TextKind.UNVERIFIED,
    "20003": TextKind.CONFIG,
    "20005": TextKind.CONFIG,
    "20404": TextKind.CONFIG,
    "21212": TextKind.CONFIG,
    "21603": TextKind.CONFIG,
    "21606": TextKind.CONFIG,
    "21659": TextKind.CONFIG,
    "21660": TextKind.CONFIG,
    "21701": TextKind.CONFIG,
    "21703": TextKind.CONFIG,
    "21705": TextKind.CONFIG,
    "30002": TextKind.CONFIG,
    "30034": TextKind.CONFIG,
    "21602": TextKind.CONTENT,
    "21617": TextKind.CONTENT,
}
"""Twilio's codes in answers to a request. Codes that come in callbacks are in domain.delivery."""

OUR_SIDE = (401, 403, 404, 407)
"""HTTP statuses that say that we, not the text, are wrong: keys, permissions, address, proxy."""
LONGEST_WAIT = 86_400.0


def from_response(status: int, body: str, retry_after: str | None = None) -> TextError:
    """The error for an answer outside 2xx. What is not Twilio's envelope (a proxy's HTML) is HTTP_<status>."""
    code = _code(body)
    kind = _kind(status, code)
    return TextError(code or f"HTTP_{status}", kind, retry_after=_seconds(retry_after))


def from_transport(error: Exception, *, began: bool, tls: bool) -> TextError:
    """The error for a connection that failed: before the request `began` nothing can have been sent.

    `tls`: the two sides could not agree on a secure connection, which trying again will not change.
    """
    code = f"TRANSPORT_{type(error).__name__}"
    if began:
        return TextError(code, TextKind.UNKNOWN)
    return TextError(code, TextKind.CONFIG if tls else TextKind.NOT_SENT)


def _kind(status: int, code: str | None) -> TextKind:
    """Twilio: a 429 is never processed. A 5xx or a redirect says nothing about whether the text went out."""
    if status == 429:
        return TextKind.LIMIT
    if not 400 <= status < 500:
        return TextKind.UNKNOWN
    if code in KIND_OF_CODE:
        return KIND_OF_CODE[code]
    if status in OUR_SIDE:
        return TextKind.CONFIG
    # A refusal of tomorrow would be refused again; one that is not Twilio's says nothing.
    return TextKind.CONTENT if code else TextKind.UNKNOWN


def _code(body: str) -> str | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return digits(parsed.get("code")) if isinstance(parsed, dict) else None


def digits(value: object) -> str | None:
    """A Twilio code, given as a number or as text, as text; None for anything else."""
    text = value if isinstance(value, str) else str(value) if type(value) is int else ""
    return text if re.fullmatch("[0-9]{1,7}", text) else None


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in either of its forms, seconds or a date, as seconds from now; None when it is neither."""
    text = (retry_after or "").strip()
    if re.fullmatch("[0-9]{1,9}", text):
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (aware - datetime.now(UTC)).total_seconds()), LONGEST_WAIT)
