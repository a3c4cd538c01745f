"""Kinds of accounts in a person's words, whatever a bank calls them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.subtypes import subtype_words


@pytest.mark.parametrize(
    "account_type, subtype, words",
    [
        ("depository", "checking", "Checking"), ("depository", "money market", "Money market"),
        ("depository", "cd", "CD"), ("depository", "cash management", "Cash management"),
        ("depository", "hsa", "HSA"), ("depository", "paypal", "PayPal"), ("depository", "ebt", "EBT"),
        ("credit", "credit card", "Credit card"), ("credit", "paypal", "PayPal"),
        ("investment", "ira", "IRA"), ("investment", "401k", "401(k)"), ("investment", "403B", "403(b)"),
        ("investment", "roth", "Roth IRA"), ("investment", "roth 401k", "Roth 401(k)"),
        ("investment", "529", "529 plan"), ("brokerage", "mutual fund", "Mutual fund"), ("investment", "tfsa", "TFSA"),
        ("investment", "non-taxable brokerage account", "Non-taxable brokerage account"),
        ("loan", "student", "Student loan"), ("loan", "mortgage", "Mortgage"), ("loan", "auto", "Auto loan"),
        ("loan", "line of credit", "Line of credit"), ("loan", "loan", "Loan"),
        ("loan", "home equity loan", "Home equity loan"),
        ("investment", "prediction_market", "Prediction market"), ("depository", "SAVINGS", "Savings"),
        ("depository", None, "Bank account"), ("credit", None, "Card"), ("loan", None, "Loan"),
        ("investment", "other", "Investment"), ("loan", "other", "Loan"), ("other", None, "Account"),
        ("crypto vault", None, "Crypto vault"), ("", "", "Account"), ("other", "student", "Student"),
    ],
)  # fmt: skip
def test_words(account_type, subtype, words):
    assert subtype_words(account_type, subtype) == words


@given(st.text(), st.none() | st.text())
def test_any_type_and_subtype_have_words(account_type, subtype):
    words = subtype_words(account_type, subtype)
    assert words
    assert words == " ".join(words.split())
