"""Every colour a bank may have can be told from the card, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.colors import DARK_CARD, LIGHT_CARD, VISIBLE, contrast, is_color, on_dark, on_light

TOKENS = Path(__file__).resolve().parents[2] / "static" / "src" / "styles" / "tokens.css"
colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(colors)
def test_every_colour_is_seen_on_both_cards(color):
    assert contrast(on_light(color), LIGHT_CARD) >= VISIBLE
    assert contrast(on_dark(color), DARK_CARD) >= VISIBLE


@pytest.mark.parametrize("color", ["#0b6b5b", "#1f5fa8", "#c00000"])
def test_a_colour_that_is_seen_stays_as_it_is(color):
    assert on_light(color) == color


def test_a_dark_colour_gets_lighter_in_the_dark_and_keeps_its_hue():
    assert on_dark("#000000") != "#000000"
    red, green, blue = (int(on_dark("#101060")[at : at + 2], 16) for at in (1, 3, 5))
    assert red == green < blue


def test_the_ratio_is_wcags():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


def test_the_cards_are_those_of_the_styles():
    cards = re.findall(r"--card: (#[0-9a-f]+);", TOKENS.read_text(encoding="utf-8"))
    assert cards == [LIGHT_CARD.replace("#ffffff", "#fff"), DARK_CARD]


@pytest.mark.parametrize(
    "text", [None, "", "red", "#fff", "#12345g", "#1234567", '"><b>', "#\u0661\u0661\u0661111"]
)
def test_what_is_no_colour(text):
    assert not is_color(text)
