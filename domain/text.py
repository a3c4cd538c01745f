"""Text from people and banks: what can be stored, and what makes one clean line."""

from __future__ import annotations

import unicodedata

_DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_BREAKS = ("Cc", "Zl", "Zp")


def storable(text: str) -> str:
    """The text without what a database or UTF-8 cannot hold: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def is_clean_line(text: str) -> bool:
    """One line a person could have meant: no control characters, line separators, lone surrogates, or marks that
    turn the direction of the text around them. Emoji and right-to-left letters are fine."""
    return not any(
        unicodedata.category(char) in (*_BREAKS, "Cs") or char in _DIRECTION_OVERRIDES for char in text
    )


def one_line(text: str) -> str:
    """A name somebody else gave, as one clean line: breaks and control characters become one blank, marks that turn
    the direction of the text around them are gone. Everything else, markup too, is text and stays as it is."""
    if text.isprintable():  # nearly every name: no break, no mark, no surrogate in it
        return text.strip()
    kept = (
        " " if unicodedata.category(char) in _BREAKS else char
        for char in storable(text)
        if char not in _DIRECTION_OVERRIDES
    )
    return " ".join("".join(kept).split())


def isolated(name: str) -> str:
    """The name for use inside a plain sentence: whichever way it is written, the words around it keep their order."""
    return name if name.isascii() else f"{_FIRST_STRONG_ISOLATE}{name}{_POP_ISOLATE}"
