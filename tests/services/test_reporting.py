"""The dashboard's figures, worked out by hand (DESIGN.md 5): to the cent, per currency, nothing made up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from extensions import db
from models import User
from services.reporting import Dashboard, dashboard, initials, institution_view
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution, make_user
from tests.support.reading import read

D = Decimal

USER_GOOD = [
    # name, type, subtype, mask, available, current, limit: Plaid Sandbox's documented accounts at ins_109508
    ("Plaid Checking", "depository", "checking", "0000", "100", "110", "null"),
    ("Plaid Saving", "depository", "savings", "1111", "200", "210", "null"),
    ("Plaid CD", "depository", "cd", "2222", "null", "1000", "null"),
    ("Plaid Credit Card", "credit", "credit card", "3333", "null", "410", "2000"),
    ("Plaid Money Market", "depository", "money market", "4444", "43200", "43200", "null"),
    ("Plaid IRA", "investment", "ira", "5555", "null", "320.76", "null"),
    ("Plaid 401k", "investment", "401k", "6666", "null", "23631.9805", "null"),
    ("Plaid Student Loan", "loan", "student", "7777", "null", "65262", "null"),
    ("Plaid Mortgage", "loan", "mortgage", "8888", "null", "56302.06", "null"),
    ("Plaid HSA", "depository", "hsa", "9001", "6009", "6009", "null"),
    ("Plaid Cash Management", "depository", "cash management", "9002", "12060", "12060", "null"),
    ("Plaid Auto Loan", "loan", "auto", "9003", "null", "23211.33", "null"),
    ("Plaid Home Equity Line of Credit", "loan", "home equity", "9004", "null", "13500.5", "null"),
    ("Plaid Business Credit Card", "credit", "credit card", "9999", "4980", "5020", "10000"),
]
USER_GOOD_CONTRIBUTIONS = [
    D("100"), D("200"), D("1000"), D("-410"), D("43200"), D("320.76"), D("23631.9805"), D("-65262"),
    D("-56302.06"), D("6009"), D("12060"), D("-23211.33"), D("-13500.5"), D("-5020"),
]  # fmt: skip


@pytest.fixture
def user(context) -> User:
    return make_user()


def picture(user: User, *accounts: dict[str, Any]) -> Dashboard:
    """The dashboard of a person with one institution that has these accounts."""
    institution = make_institution(user)
    for changes in accounts:
        make_account(institution, **changes)
    return dashboard(user)


def lines(shown: Dashboard) -> list[tuple[str, Decimal, Decimal]]:
    return [(line.currency, line.holdings, line.net_worth) for line in shown.totals]


def contributions(shown: Dashboard) -> list[Decimal | None]:
    return [account.contribution for view in shown.institutions for account in view.accounts]


def test_the_fourteen_accounts_of_user_good_from_the_banks_answer_to_the_totals(institution, bank, banks):
    rows = [
        plaid.account(
            f"good-{mask}", name=name, type=kind, subtype=subtype, mask=mask,
            available=f"#{available}#", current=f"#{current}#", limit=f"#{limit}#",
        )
        for name, kind, subtype, mask, available, current, limit in USER_GOOD
    ]  # fmt: skip
    answer = json.dumps(plaid.accounts(*rows)).replace('"#', "").replace('#"', "")
    bank.always("/accounts/get", (200, answer.encode()))
    read(institution, banks)

    shown = dashboard(db.session.get_one(User, institution.user_id))

    # 100 + 200 + 1000 - 410 + 43200 + 320.76 + 23631.9805 + 6009 + 12060 - 5020 = 81091.7405
    # 65262 + 56302.06 + 23211.33 + 13500.5 = 158275.89 owed; 81091.7405 - 158275.89 = -77184.1495
    assert lines(shown) == [("USD", D("81091.7405"), D("-77184.1495"))]
    assert contributions(shown) == USER_GOOD_CONTRIBUTIONS
    assert sum(USER_GOOD_CONTRIBUTIONS) == D("-77184.1495")
    assert [label for label, _rows in shown.institutions[0].groups] == [
        "Cash",
        "Credit cards",
        "Investments",
        "Loans",
    ]
    assert [len(rows) for _label, rows in shown.institutions[0].groups] == [6, 2, 2, 4]


@pytest.mark.parametrize(
    "account, contribution, holdings, net_worth",
    [
        pytest.param(
            {"type": "credit", "available": D(2000), "current": D(0), "limit": D(2000)}, D(0), D(0), D(0),
            id="a paid-off card is worth nothing, not its available credit",
        ),
        pytest.param(
            {"available": D(0), "current": D(50)}, D(0), D(0), D(0),
            id="an empty checking account: available 0 is reported and counts",
        ),
        pytest.param(
            {"available": None, "current": D("50.5")}, D("50.5"), D("50.5"), D("50.5"),
            id="available null falls back to current",
        ),
        pytest.param(
            {"available": D("-12.34"), "current": D(5)}, D("-12.34"), D("-12.34"), D("-12.34"),
            id="overdrawn",
        ),
        pytest.param(
            {"type": "credit", "available": None, "current": D("-37.5"), "limit": D(500)},
            D("37.5"), D("37.5"), D("37.5"),
            id="an overpaid card adds",
        ),
        pytest.param(
            {"type": "credit", "available": None, "current": D("410.01"), "limit": None},
            D("-410.01"), D("-410.01"), D("-410.01"),
            id="a card without a limit",
        ),
        pytest.param(
            {"type": "credit", "available": D(5000), "current": None, "limit": D(5000)}, None, None, None,
            id="a card whose debt is unknown is unknown, whatever is available",
        ),
        pytest.param(
            {"type": "loan", "available": None, "current": D("65262")}, D(-65262), D(0), D(-65262),
            id="a loan is only in net worth, and holdings are 0",
        ),
        pytest.param(
            {"type": "loan", "available": None, "current": D("-20")}, D(20), D(0), D(20), id="an overpaid loan adds"
        ),
        pytest.param(
            {"type": "investment", "available": D(7), "current": D("23631.9805")},
            D("23631.9805"), D("23631.9805"), D("23631.9805"),
            id="an investment is worth its current value, not its cash",
        ),
        pytest.param(
            {"type": "brokerage", "available": D(7), "current": D(8)}, D(8), D(8), D(8),
            id="legacy brokerage",
        ),
        pytest.param({"type": "other", "available": D(7), "current": D(8)}, D(8), D(8), D(8), id="other"),
        pytest.param(
            {"type": "pension of 2031", "available": D(7), "current": D(8)}, D(8), D(8), D(8),
            id="unknown type",
        ),
        pytest.param(
            {"type": "investment", "available": D(7), "current": None}, None, None, None,
            id="an investment without a current value is unknown",
        ),
        pytest.param({"available": None, "current": None}, None, None, None, id="all null is unknown"),
        pytest.param(
            {"closed_at": datetime(2026, 1, 1, tzinfo=UTC)}, None, None, None, id="a closed account contributes nothing"
        ),
    ],
)  # fmt: skip
def test_what_one_account_contributes(user, account, contribution, holdings, net_worth):
    shown = picture(user, account)
    assert contributions(shown) == [contribution]
    assert lines(shown) == ([] if contribution is None else [("USD", holdings, net_worth)])
    assert lines(shown) == [(t.currency, t.holdings, t.net_worth) for t in shown.institutions[0].totals]


def test_an_unknown_account_beside_known_ones_changes_no_total(user):
    shown = picture(user, {"available": D(10)}, {"available": None, "current": None})
    assert contributions(shown) == [D(10), None]
    assert lines(shown) == [("USD", D(10), D(10))]


def test_currencies_are_never_added(user):
    shown = picture(
        user,
        {"available": D("100.10")},
        {"available": D("55.55"), "currency": "CAD"},
        {"available": D("0.1234"), "currency": "BTC"},
        {"available": D("1.05"), "currency": "CAD"},
    )
    assert lines(shown) == [
        ("CAD", D("56.60"), D("56.60")),  # most accounts first,
        ("BTC", D("0.1234"), D("0.1234")),  # then by code
        ("USD", D("100.10"), D("100.10")),
    ]


def test_an_account_without_a_currency_is_shown_and_in_no_line(user):
    shown = picture(user, {"available": D(10)}, {"available": D(99), "currency": None})
    assert contributions(shown) == [D(10), D(99)]
    assert lines(shown) == [("USD", D(10), D(10))]


def test_a_currency_with_only_loans_has_holdings_of_zero(user):
    shown = picture(user, {}, {"type": "loan", "available": None, "current": D("9.99"), "currency": "CAD"})
    assert lines(shown) == [("CAD", D(0), D("-9.99")), ("USD", D(100), D(100))]


def test_a_currency_whose_accounts_are_all_unknown_or_closed_has_no_line(user):
    shown = picture(
        user,
        {},
        {"available": None, "current": None, "currency": "CAD"},
        {"currency": "CAD", "closed_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"currency": "EUR", "type": "loan", "available": None, "current": None},
    )
    assert lines(shown) == [("USD", D(100), D(100))]


def test_amounts_that_floats_cannot_add_add_up_exactly(user):
    shown = picture(user, *[{"available": D("0.1")}] * 3, {"available": D("9999999999999.9999")})
    assert lines(shown) == [("USD", D("10000000000000.2999"), D("10000000000000.2999"))]


def test_the_chart_shows_shares_of_the_positive_and_lists_the_others_beside_it(user):
    worth = {"A": [D(300)], "B": [D("-50")], "C": [D(100)], "D": [D(0)], "E": []}
    numbers = {}
    for name, amounts in worth.items():
        institution = make_institution(user, name=name)
        numbers[name] = institution.id
        for amount in amounts:
            make_account(institution, available=amount)
    make_account(make_institution(user, name="Loan"), type="loan", available=None, current=D(500))

    shown = dashboard(user)

    assert [(share.name, share.holdings, share.share) for share in shown.shares] == [
        ("A", D(300), D("0.75")),
        ("C", D(100), D("0.25")),
        ("D", D(0), None),
        ("Loan", D(0), None),
        ("B", D(-50), None),
    ]
    assert lines(shown) == [("USD", D(350), D(-150))]
    assert sum(share.share for share in shown.shares if share.share) == 1
    assert {share.currency for share in shown.shares} == {"USD"}


def test_shares_are_of_one_currency_each(user):
    first, second = make_institution(user, name="First"), make_institution(user, name="Second")
    make_account(first, available=D(30))
    make_account(first, available=D(5), currency="CAD")
    make_account(second, available=D(10))
    shown = dashboard(user)
    assert [(share.name, share.currency, share.share) for share in shown.shares] == [
        ("First", "USD", D("0.75")),
        ("Second", "USD", D("0.25")),
        ("First", "CAD", D(1)),
    ]


def test_when_everything_is_below_zero_there_is_no_share_to_show(user):
    shown = picture(user, {"type": "credit", "available": None, "current": D("12.5")})
    assert [(share.holdings, share.share) for share in shown.shares] == [(D("-12.5"), None)]


def test_institutions_and_accounts_keep_the_order_they_came_in(user):
    institutions = [make_institution(user, name=name) for name in ("Zebra", "Ant", "Mouse")]
    for institution in institutions:
        for name in ("second", "first"):
            make_account(institution, name=name)
    shown = dashboard(user)
    assert [view.name for view in shown.institutions] == ["Zebra", "Ant", "Mouse"]
    assert [account.name for account in shown.institutions[0].accounts] == ["second", "first"]


def test_nobody_sees_anybody_elses(user):
    make_account(make_institution(make_user()))
    shown = dashboard(user)
    assert (shown.is_empty, shown.totals, shown.shares, shown.main) == (True, [], [], None)


def test_a_deleted_account_is_counted_only_as_deleted(user):
    shown = picture(
        user, {}, {"deleted_at": datetime(2026, 1, 1, tzinfo=UTC), "available": None, "current": None}
    )
    assert (shown.institutions[0].account_count, shown.institutions[0].deleted_count) == (1, 1)
    assert lines(shown) == [("USD", D(100), D(100))]


@pytest.mark.parametrize(
    "columns, state, stage, working, error",
    [
        ({"state": "healthy", "stage": "done"}, "healthy", "done", False, None),
        ({"state": "healthy", "stage": "transactions"}, "healthy", "transactions", False, None),
        ({"state": "new", "stage": "connecting", "due_at": 0}, "new", "connecting", True, None),
        ({"state": "healthy", "stage": "accounts", "due_at": 0}, "refreshing", "accounts", True, None),
        ({"state": "healthy", "stage": "done", "lease_until": 60}, "refreshing", "done", True, None),
        ({"state": "healthy", "stage": "done", "lease_until": -1}, "healthy", "done", False, None),
        ({"state": "error", "stage": "accounts", "error_code": "X"}, "error", "done", False, "X"),
        ({"state": "needs_login", "error_code": "X", "due_at": 0}, "refreshing", "done", True, None),
        ({"state": "revoked", "error_code": "ITEM_NOT_FOUND"}, "revoked", "done", False, "ITEM_NOT_FOUND"),
    ],
)
def test_the_state_shown_is_the_last_outcome_or_refreshing(user, columns, state, stage, working, error):
    now = datetime.now(UTC)
    moments = {
        key: now + timedelta(seconds=columns[key]) for key in ("due_at", "lease_until") if key in columns
    }
    institution = make_institution(user, **{**columns, **moments})
    view = institution_view(institution.id)
    assert view is not None
    assert (view.state, view.stage, view.working, view.error_code) == (state, stage, working, error)
    assert (view.error_message is None) == (error is None)


def test_updated_today_counts_in_the_owners_time_zone(user):
    user.timezone = "Pacific/Kiritimati"
    db.session.commit()
    make_institution(user)
    make_institution(user, refreshed_at=datetime.now(UTC) - timedelta(days=2))
    make_institution(user, refreshed_at=None)
    assert dashboard(user).updated_today == 1


def test_a_card_of_nothing_is_none(context):
    assert institution_view(2**62) is None


@pytest.mark.parametrize(
    "name, letters",
    [
        ("First Platypus Bank", "FP"),
        ("bank", "B"),
        ("  ", "?"),
        ("😀 & co", "C"),
        ("1st Bank", "1B"),
        ("Ésa", "É"),
    ],
)
def test_initials_stand_for_a_missing_logo(name, letters):
    assert initials(name) == letters
