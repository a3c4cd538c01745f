"""Exact money: what comes in, how it rests, what a person and a program read."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import LIMIT, format_money, from_units, money_parts, plain, to_amount, to_units, tone_of

D = Decimal
MINUS = "\u2212"
AMOUNTS = st.decimals(min_value=-LIMIT + 1, max_value=LIMIT - 1, places=4)


@pytest.mark.parametrize(
    "given_value, kept",
    [
        (1, "1"),
        (D("12.345"), "12.345"),
        (D("-410"), "-410"),
        (D("0"), "0"),
        (D("1.00005"), "1.0000"),  # half-even: to the even neighbour
        (D("1.00015"), "1.0002"),
        (D("-1.00005"), "-1.0000"),
        (D("81091.74049999999"), "81091.7405"),
        (D("1E-400"), "0"),
        (D("9999999999999.99994"), "9999999999999.9999"),
        (-(10**13) + 1, "-9999999999999"),
    ],
)
def test_a_number_is_kept_to_four_places_half_even(given_value, kept):
    assert to_amount(given_value) == D(kept)


@pytest.mark.parametrize(
    "unknown",
    [
        None,
        "12.50",
        "",
        True,
        False,
        [],
        {},
        1.5,
        D("NaN"),
        D("sNaN"),
        D("Infinity"),
        D("-Infinity"),
        10**13,
        -(10**13),
        D("9999999999999.99995"),
        D("1E+400"),
        pytest.param(10**5000, id="5000 digits"),
    ],
)
def test_what_is_no_sane_number_is_unknown_and_never_an_error(unknown):
    assert to_amount(unknown) is None


@given(AMOUNTS)
def test_an_amount_survives_storage_and_json_exactly(amount):
    assert from_units(to_units(amount)) == amount
    assert abs(to_units(amount)) < 2**63
    assert D(json.loads(json.dumps(plain(amount)))) == amount


@given(st.lists(AMOUNTS, max_size=20))
def test_adding_stored_units_is_adding_amounts(amounts):
    assert from_units(sum(to_units(amount) for amount in amounts)) == sum(amounts, D(0))


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_any_decimal_is_an_amount_within_the_limit_or_unknown(value):
    amount = to_amount(value)
    if amount is None:
        assert not value.is_finite() or abs(value) > LIMIT - 1
    else:
        assert abs(amount - value) <= D("0.00005")
        assert abs(amount) < LIMIT


@pytest.mark.parametrize(
    "amount, text",
    [
        (D("1"), "1.00"),
        (D("1.10"), "1.10"),
        (D("81091.7405"), "81091.7405"),
        (D("-77184.1495"), "-77184.1495"),
        (D("43.200"), "43.20"),
        (D("0.125"), "0.125"),
        (D("0"), "0.00"),
        (D("-0"), "0.00"),
        (D("-0.00001"), "0.00"),
        (D("1E+3"), "1000.00"),
        (D("9999999999999.9999"), "9999999999999.9999"),
        (None, None),
    ],
)
def test_json_says_exactly_the_amount(amount, text):
    assert plain(amount) == text


@pytest.mark.parametrize(
    "amount, currency, text",
    [
        (D("1184.22"), "USD", "$1,184.22"),
        (D("-410"), "USD", f"{MINUS}$410.00"),
        (D("2300"), "CAD", "CA$2,300.00"),
        (D("-0.5"), "CAD", f"{MINUS}CA$0.50"),
        (D("1234568"), "JPY", "¥1,234,568"),
        (D("0.0421"), "BTC", "0.0421 BTC"),
        (D("-1.5"), "BTC", f"{MINUS}1.50 BTC"),
        (D("5"), "CHF", "CHF\N{NO-BREAK SPACE}5.00"),
        (D("5"), None, "5.00"),
        (D("0"), "USD", "$0.00"),
        (D("-0.00"), "USD", "$0.00"),
        (D("0.005"), "USD", "$0.00"),
        (D("0.015"), "USD", "$0.02"),
        (D("-0.004"), "USD", "$0.00"),
        (D("-0.4"), "JPY", "¥0"),
        (D("9999999999999.99"), "USD", "$9,999,999,999,999.99"),
        (None, "USD", "unknown"),
    ],
)
def test_a_person_reads_a_symbol_groups_and_a_real_minus(amount, currency, text):
    assert format_money(amount, currency) == text


@given(AMOUNTS, st.sampled_from(["USD", "CAD", "JPY", "KWD", "BTC", "X" * 16, None]))
def test_a_minus_never_stands_before_a_zero_and_parts_agree_with_the_whole(amount, currency):
    text, parts = format_money(amount, currency), money_parts(amount, currency)
    shown_as_zero = not any(digit in "123456789" for digit in text)
    assert text.startswith(MINUS) == (amount < 0 and not shown_as_zero)
    assert parts.whole + parts.cents == text.removeprefix(MINUS)
    expected = ("", "zero") if shown_as_zero else (MINUS, "neg") if amount < 0 else ("+", "pos")
    assert (parts.sign, parts.tone) == expected
    assert parts.spoken == {"": "", MINUS: "minus ", "+": "plus "}[parts.sign]


def test_the_hero_is_cut_before_the_cents():
    parts = money_parts(D("-77184.1495"), "USD")
    assert (parts.sign, parts.whole, parts.cents, parts.spoken) == (MINUS, "$77,184", ".15", "minus ")


@pytest.mark.parametrize(
    "amount, tone", [(D("0.0001"), "pos"), (D("-0.0001"), "neg"), (D("-0"), "zero"), (None, "unknown")]
)
def test_tone(amount, tone):
    assert tone_of(amount) == tone
