"""Colours of institutions, made visible on the page's own grounds (WCAG 2.2, 1.4.11: 3 to 1).

A bank's brand colour is chosen for the bank's paper. On ours it keeps its hue and moves towards black or white until
it can be told from the card it is drawn on.
"""

from __future__ import annotations

import re
from functools import lru_cache

LIGHT_CARD, DARK_CARD = "#ffffff", "#172120"
"""The cards of the two themes: --card of static/src/styles/tokens.css (a test keeps them equal)."""

VISIBLE = 3.0
_STEPS = 20
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_Rgb = tuple[float, float, float]


@lru_cache(maxsize=2048)
def on_light(color: str) -> str:
    """The colour as it is drawn on a light card: '#rrggbb'."""
    return _seen_on(color, LIGHT_CARD, (0.0, 0.0, 0.0))


@lru_cache(maxsize=2048)
def on_dark(color: str) -> str:
    """The colour as it is drawn on a dark card: '#rrggbb'."""
    return _seen_on(color, DARK_CARD, (1.0, 1.0, 1.0))


def contrast(one: str, other: str) -> float:
    """WCAG's ratio of two '#rrggbb' colours, 1 to 21."""
    lighter, darker = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def is_color(text: str | None) -> bool:
    """Is this a '#rrggbb' colour?"""
    return bool(text and _HEX.fullmatch(text))


def _seen_on(color: str, card: str, towards: _Rgb) -> str:
    start = _rgb(color)
    for step in range(_STEPS + 1):
        share = step / _STEPS
        mixed = _hex(tuple(a + (b - a) * share for a, b in zip(start, towards, strict=True)))
        if contrast(mixed, card) >= VISIBLE:
            return mixed
    raise AssertionError("black and white can be told from every card")


def _rgb(color: str) -> _Rgb:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(rgb: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in rgb)


def _luminance(rgb: _Rgb) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
