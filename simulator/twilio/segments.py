"""How many SMS a body takes: GSM-7 where every character is in its alphabet, else UCS-2 for all of it."""

from __future__ import annotations

_GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_7_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Each of these takes the room of two."""
_ALONE_GSM, _JOINED_GSM = 160, 153
_ALONE_UCS, _JOINED_UCS = 70, 67
_LOOK_ALIKES = {
    "'": "\u2018\u2019\u201a\u00b4`",
    '"': "\u201c\u201d\u201e\u00ab\u00bb",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2212",
    " ": "\u00a0\u2009\u202f",
    "...": "\u2026",
    "*": "\u2022",
    "": "\u200b",
}
_LIKE = str.maketrans({letter: plain for plain, letters in _LOOK_ALIKES.items() for letter in letters})


def count(body: str) -> int:
    """The segments of a body; an empty one takes one."""
    if all(letter in _GSM_7 or letter in _GSM_7_EXTENDED for letter in body):
        return _packed([2 if letter in _GSM_7_EXTENDED else 1 for letter in body], _ALONE_GSM, _JOINED_GSM)
    return _packed([len(letter.encode("utf-16-be")) // 2 for letter in body], _ALONE_UCS, _JOINED_UCS)


def smart(body: str) -> str:
    """SmartEncoded: letters with a look-alike in GSM-7 are replaced by it."""
    return body.translate(_LIKE)


def _packed(sizes: list[int], alone: int, joined: int) -> int:
    """A letter of two units is never split between segments."""
    if sum(sizes) <= alone:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > joined:
            segments, used = segments + 1, 0
        used += size
    return segments
