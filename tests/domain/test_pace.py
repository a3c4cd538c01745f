"""Where a month is going: right by hand, rounded as a guess, silent where it would mislead."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pace import FIRST_TELLING_DAY, format_about, pace_words, projected

D = Decimal
AMOUNTS = st.decimals(min_value=D("0.01"), max_value=D(10_000_000), places=2)


@pytest.mark.parametrize(
    "spent, today, words",
    [
        # 198 / 11 * 30 = 540
        ("198", date(2026, 11, 11), "Day 11 of 30; at this rate about $540 by month end"),
        # 212.40 / 11 * 30 = 579.27..
        ("212.40", date(2026, 11, 11), "Day 11 of 30; at this rate about $580 by month end"),
        ("3.10", date(2026, 12, 15), "Day 15 of 31; at this rate about $6.40 by month end"),  # 6.4066..
        ("10", date(2027, 2, 14), "Day 14 of 28; at this rate about $20 by month end"),
        ("10", date(2028, 2, 14), "Day 14 of 29; at this rate about $21 by month end"),  # 20.71..
        ("2254.07", date(2026, 11, 26), "Day 26 of 30; at this rate about $2,600 by month end"),
        ("1500", date(2026, 11, 1), "Day 1 of 30, too early to tell a pace"),
        ("1500", date(2026, 11, 3), "Day 3 of 30, too early to tell a pace"),
        (
            "1500",
            date(2026, 11, 4),
            "Day 4 of 30; at this rate about $11,200 by month end",
        ),  # 11250, half-even
        ("0", date(2026, 11, 1), "Day 1 of 30"),
        ("0", date(2026, 11, 20), "Day 20 of 30"),
        ("900", date(2026, 11, 30), "Day 30 of 30, the last of the month"),
        ("0", date(2026, 2, 28), "Day 28 of 28, the last of the month"),
    ],
)
def test_the_pace_in_words(spent, today, words):
    assert pace_words(D(spent), "USD", today) == words


@pytest.mark.parametrize(
    "amount, currency, words",
    [
        ("0.014", "USD", "$0.01"),
        ("9.994", "USD", "$10"),
        ("99.6", "USD", "$100"),
        ("999.99", "USD", "$1,000"),
        ("12345.67", "USD", "$12,300"),
        ("10000000", "USD", "$10,000,000"),
        ("53.7", "EUR", "€54"),
        ("5371", "JPY", "¥5,370"),
        ("0.05371", "BTC", "0.054 BTC"),
        ("2", "BTC", "2.00 BTC"),
        ("17.2", None, "17"),
    ],
)
def test_a_guess_is_rounded_and_has_no_cents_behind_a_whole_number(amount, currency, words):
    assert format_about(D(amount), currency) == words


@given(AMOUNTS, st.integers(FIRST_TELLING_DAY, 30))
def test_a_month_never_comes_to_less_than_was_spent(spent, day):
    assert projected(spent, day, 30) >= spent * (1 - D("1e-20"))


@given(AMOUNTS)
def test_a_guess_is_near(amount):
    shown = D(format_about(amount, "USD").lstrip("$").replace(",", ""))
    assert abs(shown - amount) <= max(amount * D("0.05"), D("0.005"))
