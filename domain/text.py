"""Text from people and banks: what can be stored, and what makes one clean line."""

from __future__ import annotations

import unicodedata

_DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def storable(text: str) -> str:
    """The text without what a database or UTF-8 cannot hold: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def is_clean_line(text: str) -> bool:
    """One line a person could have meant: no control characters, line separators, lone surrogates, or marks that
    turn the direction of the text around them. Emoji and right-to-left letters are fine."""
    return not any(
        unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") or char in _DIRECTION_OVERRIDES
        for char in text
    )
