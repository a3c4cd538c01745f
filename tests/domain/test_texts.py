"""The words of a text: exact figures, one segment wherever it can be, names that cannot break it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.segments import is_gsm, segments
from domain.texts import BudgetNews, budget_text, code_text, fingerprint


def news(
    name: str = "Plaid Checking", spent: str = "212.40", threshold: str = "400", **changes
) -> BudgetNews:
    values = {"currency": "USD", "as_of": None, **changes}
    return BudgetNews(name, Decimal(spent), Decimal(threshold), **values)


def test_the_text_as_it_stands_in_the_design():
    assert budget_text(news(), opt_out_line=False) == (
        "CashView: you have spent $212.40 of your $400.00 budget for Plaid Checking this month."
    )


def test_older_numbers_say_from_when_they_are():
    assert budget_text(news(as_of=date(2026, 11, 7)), opt_out_line=True) == (
        "CashView: as of Nov 7 you had spent $212.40 of your $400.00 budget for Plaid Checking this month."
        " Reply STOP to opt out."
    )


@pytest.mark.parametrize(
    "name, shown",
    [
        ("Everyday “Free” Checking – Joint", 'Everyday "Free" Checking - Joint'),
        ("Crédit Mutuel Épargne", "Crédit Mutuel Épargne"),
        ("Счёт", "????"),
        ("💳 Card 💳", "Card"),
        ("", "your account"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}evil\n\tname", "evil name"),
    ],
)
def test_names_are_made_safe(name, shown):
    assert f"budget for {shown} this month." in budget_text(news(name), opt_out_line=False)


def test_a_long_name_gives_way_at_a_whole_word_so_that_one_segment_is_enough():
    body = budget_text(
        news("Chase Sapphire Preferred Rewards Visa Signature Card ending in 1234"), opt_out_line=True
    )
    assert segments(body) == 1
    assert "for Chase Sapphire Preferred Rewards Visa this month." in body


@pytest.mark.parametrize(
    "currency, words",
    [
        ("EUR", "€212.40"),
        ("GBP", "£212.40"),
        ("INR", "INR 212.40"),
        ("BTC", "212.40 BTC"),
        (None, "spent 212.40"),
        ("JPY", "¥212"),
    ],
)
def test_every_currency_can_be_texted(currency, words):
    body = budget_text(news(currency=currency), opt_out_line=False)
    assert is_gsm(body)
    assert words in body


amounts = st.decimals(min_value=0, max_value=10**7, places=2)


@given(st.text(max_size=200), amounts, amounts.filter(bool), st.booleans(), st.dates() | st.none())
def test_any_text_is_plain_and_short(name, spent, threshold, line, as_of):
    body = budget_text(BudgetNews(name, spent, threshold, "USD", as_of), opt_out_line=line)
    assert is_gsm(body)
    assert segments(body) == 1
    assert body.startswith("CashView: ")
    assert body.endswith("Reply STOP to opt out." if line else "this month.")
    assert "\n" not in body


def test_two_texts_of_a_day_are_told_apart_by_their_account_and_not_by_their_amounts():
    first = budget_text(news(), opt_out_line=True)
    later = budget_text(news(spent="1,999.99".replace(",", ""), as_of=date(2026, 11, 7)), opt_out_line=False)
    assert fingerprint(first) == fingerprint(later)
    assert fingerprint(first) != fingerprint(budget_text(news("Savings"), opt_out_line=True))


def test_a_code_is_one_segment():
    assert segments(code_text("123456")) == 1
    assert "123456" in code_text("123456")


def test_a_long_name_is_told_apart_by_its_beginning_however_much_of_it_fits():
    name = "Premium Everyday Rewards Checking Joints"
    first = budget_text(news(name, "1234567.89", "9000000", as_of=date(2026, 11, 7)), opt_out_line=True)
    later = budget_text(news(name, "12", "9000000"), opt_out_line=False)
    assert fingerprint(first) == fingerprint(later)
