"""Phone numbers as Twilio takes them, and its magic ones, which always fail in the same way."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"[\s().\-\u2010-\u2015]+")
_E164 = re.compile(r"\+[1-9]\d{7,14}")
_NORTH_AMERICAN = re.compile(r"\+1[2-9]\d\d[2-9]\d{6}")

MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
MAGIC_SENDER = "+15005550006"
"""The only sender that works with test credentials."""


def normalised(text: str) -> str | None:
    """'(415) 555-2671' as '+14155552671'; None when it is no phone number. Without a + it is a US number."""
    bare = _PUNCTUATION.sub("", text)
    if re.fullmatch(r"\d{10}", bare):
        bare = f"+1{bare}"
    elif re.fullmatch(r"1\d{10}", bare):
        bare = f"+{bare}"
    good = _NORTH_AMERICAN if bare.startswith("+1") else _E164
    return bare if good.fullmatch(bare) else None


def pretty(number: str) -> str:
    """'+14155552671' as '+1 415 555 2671'; another country's number as it is."""
    if not _NORTH_AMERICAN.fullmatch(number):
        return number
    return f"+1 {number[2:5]} {number[5:8]} {number[8:]}"
