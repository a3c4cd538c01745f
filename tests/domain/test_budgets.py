"""What a person may type for a budget and its days, and when texts are due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budgets import (
    MAX_THRESHOLD,
    TypedError,
    first_text,
    parse_frequency,
    parse_threshold,
    text_after_edit,
)

D = Decimal
T = TypeVar("T")
DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2199, 12, 1))
FREQUENCIES = st.integers(1, 15)
IN_DIGITS = "Please enter an amount in digits, such as 400 or 1,250.50."
ABOVE_ZERO = "Please enter an amount above 0."
TWO_DIGITS = "Please use at most two digits after the point."
AT_MOST = "Please enter at most 10,000,000."


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("400", "400"),
        ("400.00", "400"),
        ("400.5", "400.5"),
        ("400.", "400"),
        (".5", "0.5"),
        ("0.01", "0.01"),
        ("  400  ", "400"),
        ("007", "7"),
        ("$400", "400"),
        ("$ 1,000.50", "1000.50"),
        ("1,000.50", "1000.50"),
        ("10,000,000", "10000000"),
        ("10000000.00", "10000000"),
        ("0" * 30 + "9", "9"),
    ],
)
def test_an_amount_as_people_type_it(typed, meant):
    assert parse_threshold(typed) == D(meant)


@pytest.mark.parametrize(
    "typed, sentence",
    [
        *((text, ABOVE_ZERO) for text in ("0", "0.00", "$0", "0,000", "-0")),
        *((text, ABOVE_ZERO) for text in ("-5", "-$5", "$-5", "\u22125", "-Infinity")),
        *((text, TWO_DIGITS) for text in ("1.005", "0.001", "400.000", "1.500")),
        *((text, AT_MOST) for text in ("10000000.01", "10,000,001", "9" * 40)),
        *(
            (text, IN_DIGITS)
            for text in (
                "", " ", "lots", "NaN", "nan", "sNaN", "Infinity", "inf", "1e309", "1e2", "0x10", "1_000", "+5",
                "1,00", "1,5", "1.000,50", "10,00,000", "1,,000", ",100", "1 000", "4oo", "$", "$$5", ".", "$.",
                "1.2.3", "４００", "٤٠٠", "½", "400\x00", "400 USD", "1" * 41, "<b>5</b>",
            )
        ),
    ],
)  # fmt: skip
def test_what_is_no_such_amount_is_refused_in_a_sentence(typed, sentence):
    with pytest.raises(TypedError) as refused:
        parse_threshold(typed)
    assert str(refused.value) == sentence


def test_the_accounts_own_symbol_may_lead_and_no_other():
    assert parse_threshold("€ 400", "€") == 400
    assert parse_threshold("CA$400", "CA$") == 400
    assert parse_threshold("$400", "CA$") == 400
    assert parse_threshold("400", "") == 400
    with pytest.raises(TypedError, match="in digits"):
        parse_threshold("€400", "$")


@given(st.integers(1, int(MAX_THRESHOLD * 100)), st.booleans(), st.sampled_from(["", "$", "$ "]))
def test_every_amount_in_cents_comes_back_as_it_was_written(cents, grouped, lead):
    amount = D(cents).scaleb(-2)
    assert parse_threshold(lead + (f"{amount:,.2f}" if grouped else f"{amount:.2f}")) == amount


def meant_or_refused(parse: Callable[[str], T], typed: str) -> T | None:
    """What it means; None when it is refused in a sentence. Any other error goes through."""
    try:
        return parse(typed)
    except TypedError as error:
        return None if str(error).endswith(".") else pytest.fail(str(error))


@given(st.one_of(st.text(max_size=60), st.text("0123456789.,$-+eE \u0663\uff11naNif", max_size=20)))
def test_whatever_is_typed_is_a_budget_or_a_sentence(typed):
    amount = meant_or_refused(parse_threshold, typed)
    assert amount is None or (0 < amount <= MAX_THRESHOLD and amount * 100 == int(amount * 100))


@pytest.mark.parametrize("typed, days", [("1", 1), ("15", 15), (" 3 ", 3), ("03", 3)])
def test_days_as_people_type_them(typed, days):
    assert parse_frequency(typed) == days


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "0", "16", "-1", "+3", "3.0", "3,0", "1e0", "1_5", "0x3", "three", "NaN", "１", "٣", "²", "3 days",
        "1 5", "3\x00", "9" * 400,
    ],
)  # fmt: skip
def test_what_is_no_number_of_days_is_refused_in_a_sentence(typed):
    with pytest.raises(TypedError, match=r"^Please enter a whole number of days from 1 to 15\.$"):
        parse_frequency(typed)


@given(st.text(max_size=6))
def test_whatever_is_typed_is_days_or_a_sentence(typed):
    assert meant_or_refused(parse_frequency, typed) in (None, *range(1, 16))


def test_the_first_text_comes_frequency_days_after_creation():
    assert first_text(date(2026, 12, 30), 3) == date(2027, 1, 2)


@pytest.mark.parametrize(
    "counted_from, frequency, due",
    [
        (date(2026, 11, 20), 7, date(2026, 11, 27)),
        (date(2026, 11, 20), 1, date(2026, 11, 24)),  # the 21st is past: tomorrow
        (date(2026, 11, 20), 3, date(2026, 11, 24)),  # today is too late for today
        (date(2026, 11, 20), 4, date(2026, 11, 24)),
        (date(2026, 11, 23), 1, date(2026, 11, 24)),
        (date(2026, 11, 23), 15, date(2026, 12, 8)),
        (date(2026, 6, 1), 15, date(2026, 11, 24)),  # long silent
    ],
)
def test_after_an_edit_on_november_23_the_next_text_counts_from_the_last_one(counted_from, frequency, due):
    assert text_after_edit(date(2026, 11, 23), counted_from, frequency) == due


@given(DAYS, st.integers(0, 400), FREQUENCIES)
def test_an_edit_never_makes_a_text_due_today_nor_later_than_a_new_tracker_would(today, days_ago, frequency):
    due = text_after_edit(today, today - timedelta(days=days_ago), frequency)
    assert today < due <= first_text(today, frequency)
