"""Fault row 42: a bank reports null, another currency, a negative zero and 10^15. No error, and no false number."""

from __future__ import annotations

import json

import pytest

from services.refreshing import Outcome, refresh
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_user
from tests.views.conftest import sign_in

ODD = {
    "plain": ("100.10", "USD", "100.10"),
    "null": ("null", "USD", None),
    "other": ("55.55", "CAD", "55.55"),
    "zero": ("-0.0", "USD", "0.00"),
    "huge": ("1e15", "USD", None),
    "hugely below": ("-1000000000000000", "USD", None),
    "none": ("7", None, "7.00"),
}
"""By name: what the bank says is there, in which currency, and what is shown as available."""


def reported() -> tuple[int, bytes]:
    rows = [
        plaid.account(name, name=name, available=f"@{name}", current=f"@{name}", iso_currency_code=currency)
        for name, (_, currency, _) in ODD.items()
    ]
    body = json.dumps(plaid.accounts(*rows))
    for name, (number, _, _) in ODD.items():
        body = body.replace(f'"@{name}"', number)
    return 200, body.encode()


@pytest.fixture
def browser(app, bank, banks):
    bank.always("/accounts/get", reported())
    odd = [
        plaid.transaction("t1", 12.5, account_id="plain"),
        plaid.transaction("t2", -0.0, account_id="plain"),
        plaid.transaction("t3", 99, account_id="plain", iso_currency_code="CAD"),
        plaid.transaction("t4", 3, account_id="other", iso_currency_code="CAD"),
    ]
    bank.always("/transactions/sync", plaid.page(odd, cursor="c1"))
    with app.app_context():
        user = make_user("ada")
        number = make_institution(user, transactions_cursor=None).id
        assert refresh(number, banks, 60) is Outcome.DONE
        return sign_in(app, user.id)


def test_row_42_every_amount_is_shown_as_it_is_or_as_unknown(browser):
    (institution,) = browser.get("/dashboard.json").get_json()["institutions"]
    shown = {each["name"]: each for each in institution["accounts"]}
    assert {name: each["available"] for name, each in shown.items()} == {
        name: value for name, (_, _, value) in ODD.items()
    }
    assert shown["none"]["currency"] is None
    for name in ("null", "huge", "hugely below"):
        assert shown[name]["contribution"] is None, "unknown is not zero"


def test_row_42_currencies_are_not_added_and_what_is_unknown_is_in_no_sum(browser):
    totals = browser.get("/dashboard.json").get_json()["totals"]
    lines = {line["currency"]: (float(line["holdings"]), float(line["net_worth"])) for line in totals}
    assert lines == {"USD": (100.10, 100.10), "CAD": (55.55, 55.55)}


def test_row_42_the_page_says_it_in_words(browser):
    page = browser.page("/").markup
    assert "$100.10" in page
    assert "-$0" not in page
    assert "\N{MINUS SIGN}$0" not in page
    assert "1,000,000,000,000,000" not in page
    assert browser.get("/totals/why").status_code == 200


def test_row_42_what_was_spent_in_another_currency_is_not_spending_of_this_account(browser):
    (institution,) = browser.get("/dashboard.json").get_json()["institutions"]
    plain = next(each for each in institution["accounts"] if each["name"] == "plain")
    answer = browser.get(
        f"/accounts/{plain['id']}/spending?month=2026-11", headers={"Accept": "application/json"}
    )
    assert answer.status_code == 200
    assert float(answer.get_json()["spent"]) == 12.5
