"""What counts as spending: every category's verdict, and figures that never mislead."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.spending import Reason, SpendingClass, Spent, Verdict, classify, is_eligible
from domain.spending_words import category_words, verdict_words

OUT, IN = Decimal("12.34"), Decimal("-12.34")
COUNTED, REFUND = Verdict(SpendingClass.COUNTED), Verdict(SpendingClass.REFUND)


def left_out(reason: Reason) -> Verdict:
    return Verdict(SpendingClass.LEFT_OUT, reason)


CASES = [
    # primary, detailed, money out, money in
    ("FOOD_AND_DRINK", "FOOD_AND_DRINK_RESTAURANT", COUNTED, REFUND),
    ("TRAVEL", "TRAVEL_FLIGHTS", COUNTED, REFUND),
    ("BANK_FEES", "BANK_FEES_CASH_ADVANCE", COUNTED, REFUND),
    ("RENT_AND_UTILITIES", "RENT_AND_UTILITIES_RENT", COUNTED, REFUND),
    ("GOVERNMENT_AND_NON_PROFIT", "GOVERNMENT_AND_NON_PROFIT_TAX_PAYMENT", COUNTED, REFUND),
    ("LOAN_PAYMENTS", "LOAN_PAYMENTS_MORTGAGE_PAYMENT", COUNTED, REFUND),
    ("LOAN_PAYMENTS", "LOAN_PAYMENTS_CASH_ADVANCES", COUNTED, REFUND),
    (
        "LOAN_PAYMENTS",
        "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT",
        left_out(Reason.CARD_PAYMENT),
        left_out(Reason.CARD_PAYMENT),
    ),
    ("INCOME", "INCOME_SALARY", left_out(Reason.INCOME), left_out(Reason.INCOME)),
    ("INCOME", "INCOME_WAGES", left_out(Reason.INCOME), left_out(Reason.INCOME)),
    ("INCOME", "INCOME_TAX_REFUND", left_out(Reason.INCOME), left_out(Reason.INCOME)),
    (
        "LOAN_DISBURSEMENTS",
        "LOAN_DISBURSEMENTS_CASH_ADVANCES",
        left_out(Reason.BORROWED),
        left_out(Reason.BORROWED),
    ),
    ("TRANSFER_IN", "TRANSFER_IN_DEPOSIT", left_out(Reason.TRANSFER_IN), left_out(Reason.TRANSFER_IN)),
    (
        "TRANSFER_OUT",
        "TRANSFER_OUT_ACCOUNT_TRANSFER",
        left_out(Reason.TRANSFER_OUT),
        left_out(Reason.TRANSFER_OUT),
    ),
    ("TRANSFER_OUT", "TRANSFER_OUT_SAVINGS", left_out(Reason.TRANSFER_OUT), left_out(Reason.TRANSFER_OUT)),
    ("TRANSFER_OUT", None, left_out(Reason.TRANSFER_OUT), left_out(Reason.TRANSFER_OUT)),
    ("TRANSFER_OUT", "TRANSFER_OUT_WITHDRAWAL", COUNTED, REFUND),
    ("TRANSFER_OUT", "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS", COUNTED, REFUND),
    ("TRANSFER_OUT", "TRANSFER_OUT_FROM_APPS", COUNTED, REFUND),
    ("OTHER", "OTHER_OTHER", COUNTED, left_out(Reason.UNCATEGORISED_IN)),
    (None, None, COUNTED, left_out(Reason.UNCATEGORISED_IN)),
    ("SOMETHING_NEW", "SOMETHING_NEW_ENTIRELY", COUNTED, left_out(Reason.UNCATEGORISED_IN)),
    ("", "", COUNTED, left_out(Reason.UNCATEGORISED_IN)),
]


@pytest.mark.parametrize("primary, detailed, out, money_in", CASES)
def test_every_category_has_its_verdict(primary, detailed, out, money_in):
    assert classify(OUT, primary, detailed) == out
    assert classify(IN, primary, detailed) == money_in


def test_nothing_counts_as_nothing():
    assert classify(Decimal(0), "FOOD_AND_DRINK", None) == COUNTED
    assert classify(Decimal("-0"), None, None) == COUNTED


money = st.decimals(min_value=-(10**9), max_value=10**9, places=4)


@given(money, st.text() | st.none(), st.text() | st.none())
def test_every_transaction_has_one_verdict_and_a_reason_only_when_it_is_left_out(amount, primary, detailed):
    verdict = classify(amount, primary, detailed)
    assert (verdict.reason is not None) == (verdict.spending_class is SpendingClass.LEFT_OUT)
    assert verdict_words(verdict.spending_class, verdict.reason)


@given(money, money, st.decimals(min_value="0.01", max_value=10**7, places=2))
def test_figures_never_mislead(raw, raw_pending, threshold):
    spent = Spent(raw, raw_pending)
    assert spent.spent >= 0
    assert 0 <= spent.pending <= spent.spent
    assert spent.left(threshold) + spent.spent == threshold


def test_more_refunds_than_spending_earns_no_budget():
    spent = Spent(Decimal("-400"), Decimal("-10"))
    assert (spent.spent, spent.pending, spent.left(Decimal("300"))) == (0, 0, Decimal("300"))


@pytest.mark.parametrize(
    "kind, subtype, eligible",
    [
        ("credit", "credit card", True),
        ("credit", None, True),
        ("credit", "paypal", True),
        ("depository", "checking", True),
        ("depository", "paypal", True),
        ("depository", "savings", False),
        ("depository", None, False),
        ("loan", "student", False),
        ("investment", "ira", False),
    ],
)
def test_which_accounts_may_have_a_budget(kind, subtype, eligible):
    assert is_eligible(kind, subtype) is eligible


@pytest.mark.parametrize(
    "primary, detailed, words",
    [
        ("FOOD_AND_DRINK", "FOOD_AND_DRINK_GROCERIES", "Groceries"),
        ("TRANSFER_OUT", "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS", "Transfer out from apps"),
        ("TRAVEL", None, "Travel"),
        (None, None, "Uncategorised"),
    ],
)
def test_categories_in_words(primary, detailed, words):
    assert category_words(primary, detailed) == words
