"""Why this number? The page and its JSON, for months that are there and months that are not."""

from __future__ import annotations

from datetime import date

import pytest

from extensions import db
from models import Account
from tests.support.factories import make_account, make_institution, make_tracker, make_transaction, make_user
from tests.views.conftest import sign_in


@pytest.fixture
def account(app):
    """An account with a budget of 400 and November's rows; its id and its owner's browser."""
    with app.app_context():
        user = make_user()
        owned = make_account(make_institution(user), name="Everyday")
        make_tracker(owned)
        make_transaction(owned, "12.3456", name="Corner <b>Shop</b>")
        make_transaction(owned, "-2.5", name="Corner Shop")
        make_transaction(
            owned, "900", category="INCOME", category_detail="INCOME_SALARY", name="Payday", pending=True
        )
        make_transaction(owned, "77", date=date(2026, 10, 31))
        return owned.id, sign_in(app, user.id)


def test_the_page_lists_every_row_and_adds_up(account):
    number, browser = account
    page = browser.get(f"/accounts/{number}/spending?month=2026-11").text
    assert "Spending in November 2026" in page
    assert "$9.8456" in page
    assert "$390.1544 left" in page
    assert "Corner &lt;b&gt;Shop&lt;/b&gt;" in page
    assert "Left out. Income: it is not spending" in page
    assert "Refund: takes off what was spent" in page
    assert "$77" not in page
    assert "October 2026" in page


def test_the_json_has_exact_figures(account):
    number, browser = account
    answer = browser.get(f"/accounts/{number}/spending?month=2026-11", headers={"Accept": "application/json"})
    body = answer.get_json()
    assert {key: body[key] for key in ("spent", "pending", "raw", "threshold", "left", "currency")} == {
        "spent": "9.8456",
        "pending": "0.00",
        "raw": "9.8456",
        "threshold": "400.00",
        "left": "390.1544",
        "currency": "USD",
    }
    assert [row["effect"] for row in body["transactions"]] == ["0.00", "-2.50", "12.3456"]


@pytest.mark.parametrize(
    "month", ["", "2026", "2026-13", "2026-00", "26-11", "2026-11-01", "x" * 3000, "２０２６-11", "0000-01"]
)
def test_a_month_that_is_none_is_refused(account, month):
    number, browser = account
    assert browser.get(f"/accounts/{number}/spending", query_string={"month": month}).status_code == 400


def test_a_month_without_rows_says_so(account):
    number, browser = account
    assert (
        "no transaction on this account for March 1999"
        in browser.get(f"/accounts/{number}/spending?month=1999-03").text
    )


def test_more_refunds_than_spending_is_shown_as_nothing_and_said_so(app, account):
    number, browser = account
    with app.app_context():
        make_transaction(db.session.get_one(Account, number), "-500", name="Airline")
    page = browser.get(f"/accounts/{number}/spending?month=2026-11").text
    assert "<strong>$0.00</strong> spent" in page
    assert "More came back than went out: shown as $0.00." in page
    assert "490.1544" in page
