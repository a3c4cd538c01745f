"""How long a text is for the phone network, and text that stays short: the GSM-7 alphabet of 3GPP TS 23.038.

One character outside the alphabet makes a whole text UCS-2, with 70 instead of 160 characters a segment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
"""Characters written as an escape and a second septet: they count twice."""

_SINGLE_GSM, _MANY_GSM = 160, 153
_SINGLE_UCS2, _MANY_UCS2 = 70, 67

_PLAIN = {
    **dict.fromkeys("‘’‚‛′ʹʻʼ`´‹›", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃•", "-"),
    "⁄": "/", "∕": "/", "·": ".", "×": "x", "÷": "/", "±": "+/-", "≈": "~", "¢": "c", "µ": "u", "μ": "u",
    "©": "(c)", "®": "(R)", "ç": "c", "Œ": "OE", "œ": "oe", "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Ð": "D",
    "ð": "d", "Þ": "Th", "þ": "th", "ı": "i", "Ħ": "H", "ħ": "h", "ẞ": "ß",
}  # fmt: skip
"""What NFKD does not take apart. Everything on the right is GSM-7."""
_JOINER = "\u200d"


def is_gsm(text: str) -> bool:
    """Whether every character is in the GSM-7 alphabet or its extension table."""
    return all(char in BASIC or char in EXTENSION for char in text)


def septets(char: str) -> int:
    """What one character counts in a GSM-7 text; one outside the alphabet counts its UTF-16 units."""
    if char in BASIC:
        return 1
    return 2 if char in EXTENSION else _utf16_units(char)


def segments(body: str) -> int:
    """In how many segments a text goes out, and is paid for; 0 for an empty one."""
    if is_gsm(body):
        return _count((septets(char) for char in body), _SINGLE_GSM, _MANY_GSM)
    return _count((_utf16_units(char) for char in body), _SINGLE_UCS2, _MANY_UCS2)


def gsm_safe(text: str) -> str:
    """One line of `text` in GSM-7: typographic signs made plain, accents dropped where the alphabet lacks them,
    emoji, control and direction characters left out, other letters as '?'. Runs of spaces become one."""
    spelled = "".join(_spelled(char) for char in unicodedata.normalize("NFC", text))
    return " ".join(spelled.split())


def cut_words(text: str, limit: int) -> str:
    """The longest beginning of `text` that is at most `limit` septets: whole words, unless the first is longer.

    Never cuts between a character and the marks that belong to it.
    """
    text = text.strip()
    end = _end_within(text, limit)
    if end == len(text):
        return text
    head = text[:end]
    if not text[end].isspace() and (cut := re.match(r"(.*\S)\s", head, re.DOTALL)):
        return cut[1]
    return head.rstrip()


def _spelled(char: str) -> str:
    if char.isspace():
        return " "
    if char in BASIC or char in EXTENSION:
        return char
    if char in _PLAIN:
        return _PLAIN[char]
    taken_apart = [
        part for part in unicodedata.normalize("NFKD", char) if unicodedata.category(part)[0] != "M"
    ]
    if taken_apart and taken_apart != [char]:
        spelled = [_spelled(part) for part in taken_apart]
        if "?" not in spelled:
            return "".join(spelled)
    return "" if _leaves_nothing(char) else "?"


def _leaves_nothing(char: str) -> bool:
    """Controls and unassigned code points, marks without a character of ours, emoji and other pictures."""
    category = unicodedata.category(char)
    return category[0] in "CM" or category in ("So", "Sk")


def _count(sizes: Iterable[int], single: int, many: int) -> int:
    """Segments for characters of these sizes; a character is never split between two."""
    sizes = list(sizes)
    if sum(sizes) <= single:
        return 1 if sizes else 0
    count, free = 1, many
    for size in sizes:
        if size > free:
            count, free = count + 1, many
        free -= size
    return count


def _utf16_units(char: str) -> int:
    return 2 if ord(char) > 0xFFFF else 1


def _end_within(text: str, limit: int) -> int:
    """How many characters fit into `limit`, ending where a new character of the reader's begins."""
    used = best = 0
    for position, char in enumerate(text):
        if not (_continues(char) or text[position - 1 : position] == _JOINER):
            best = position
        used += septets(char)
        if used > limit:
            return best
    return len(text)


def _continues(char: str) -> bool:
    """Whether this belongs to the character before it: accents, variation selectors, skin tones, joiners."""
    return unicodedata.category(char)[0] == "M" or char == _JOINER or "\U0001f3fb" <= char <= "\U0001f3ff"
