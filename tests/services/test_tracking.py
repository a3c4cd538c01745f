"""Trackers on the dashboard: the figures of this month, the pace, the bar, and why a text may not go."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from extensions import db
from models import Account, BudgetTracker, PhoneOptOut, User
from services.reporting import AccountView, dashboard, institution_view
from services.tracking import TrackerView
from tests.support.factories import (
    make_account,
    make_institution,
    make_tracker,
    make_transaction,
    make_user,
)

NOW = datetime(2026, 11, 11, 19, 5, tzinfo=UTC)  # 14:05 in New York, day 11 of 30
NOVEMBER = date(2026, 11, 5)
D = Decimal


def tracked(account: Account, **changes: object) -> BudgetTracker:
    """A tracker of 400.00 with a text every 3 days, created on November 23."""
    days = {"counted_from": date(2026, 11, 23), "next_notification_date": date(2026, 11, 26)}
    return make_tracker(account, **{"notification_frequency": 3, **days, **changes})


@pytest.fixture(autouse=True)
def _on_november_11():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def user(context) -> User:
    return make_user()


def shown(user: User) -> list[AccountView]:
    return [account for view in dashboard(user).institutions for account in view.accounts]


def tracker(user: User, *amounts: str, account: dict[str, Any] | None = None, **changes: Any) -> TrackerView:
    """What the dashboard shows of a tracker whose account has these posted purchases this month."""
    row = make_account(make_institution(user), **account or {})
    tracked(row, **changes)
    for amount in amounts:
        make_transaction(row, amount, date=NOVEMBER)
    (view,) = shown(user)
    assert view.budget_tracker is not None
    return view.budget_tracker


def figures(view: TrackerView) -> tuple[Decimal, Decimal, Decimal]:
    return view.spent, view.pending, view.left


def test_spent_pending_and_left_of_this_month_on_this_account(user):
    institution = make_institution(user)
    checking, card = (
        make_account(institution),
        make_account(institution, type="credit", subtype="credit card"),
    )
    tracked(checking)
    tracked(card, threshold=D("50.25"), notification_frequency=1)
    make_transaction(checking, "170.40", date=date(2026, 11, 1))
    make_transaction(checking, "42", date=date(2026, 11, 30), pending=True)
    make_transaction(checking, "1000", date=date(2026, 10, 31))
    make_transaction(checking, "1000", date=date(2026, 12, 1))
    make_transaction(checking, "-2000", date=NOVEMBER, category="INCOME")
    make_transaction(card, "60.30", date=NOVEMBER)
    make_transaction(card, "-10", date=NOVEMBER)
    one, other = (account.budget_tracker for account in shown(user))
    assert one is not None
    assert other is not None
    # 170.40 + 42 = 212.40 of 400; 60.30 - 10 = 50.30 of 50.25
    assert figures(one) == (D("212.40"), D(42), D("187.60"))
    assert figures(other) == (D("50.30"), D(0), D("-0.05"))
    assert (one.is_over, other.is_over) == (False, True)
    card_view = institution_view(institution.id)
    assert card_view is not None
    assert [account.budget_tracker for account in card_view.accounts] == [one, other]


def test_exactly_the_budget_is_not_over(user):
    view = tracker(user, "400")
    assert (view.left, view.is_over, view.bar) == (0, False, (100, 100, 100))


def test_a_month_in_which_more_came_back_than_went_out_shows_nothing_spent(user):
    view = tracker(user, "10", "-50")
    assert figures(view) == (D(0), D(0), D(400))
    assert view.pace == "Day 11 of 30"


@pytest.mark.parametrize(
    "posted, pending, bar",
    [
        (None, None, (D(0), D(0), D(100))),
        ("100", None, (D(25), D(25), D(100))),
        ("100", "100", (D(25), D(50), D(100))),
        (None, "100", (D(0), D(25), D(100))),
        ("600", "200", (D(75), D(100), D(50))),  # 800 of 400: the budget ends in the middle
        ("0.01", None, (D(0), D(0), D(100))),
    ],
)
def test_the_bar_in_percent_counted_pending_and_where_the_budget_ends(user, posted, pending, bar):
    account = make_account(make_institution(user))
    tracked(account)
    for amount, waits in ((posted, False), (pending, True)):
        if amount:
            make_transaction(account, amount, date=NOVEMBER, pending=waits)
    (view,) = shown(user)
    assert view.budget_tracker is not None
    assert view.budget_tracker.bar == bar


def test_days_and_months_are_the_owners(user):
    user.timezone = "Pacific/Kiritimati"
    db.session.commit()
    account = make_account(make_institution(user))
    tracked(account, next_notification_date=date(2026, 12, 3))
    make_transaction(account, "5", date=date(2026, 12, 1))
    make_transaction(account, "7", date=date(2026, 11, 30))
    with time_machine.travel(datetime(2026, 11, 30, 12, 0, tzinfo=UTC), tick=False):
        (view,) = shown(user)
    assert view.budget_tracker is not None
    assert view.budget_tracker.spent == 5  # it is December 1 there
    assert view.budget_tracker.pace == "Day 1 of 31, too early to tell a pace"
    assert view.budget_tracker.next_text == "on Thursday, Dec 3"


def test_the_words_about_pace_and_texts(user):
    view = tracker(user, "198", next_notification_date=date(2026, 11, 15), notification_frequency=1)
    assert view.pace == "Day 11 of 30; at this rate about $540 by month end"
    assert (view.next_text, view.every) == ("on Sunday, Nov 15", "every day")


def test_the_demo_shows_the_text_that_would_go(context):
    view = tracker(make_user(is_demo=True), "212.4", account={"name": "Plaid Checking"})
    assert view.text == (
        "CashView: you have spent $212.40 of your $400.00 budget for Plaid Checking this month. "
        "Reply STOP to opt out."
    )


READY = {"account_type": "development", "texts_agreed_at": NOW, "phone_verified_at": NOW}


@pytest.mark.parametrize(
    "changes, why_not",
    [
        ({}, "sandbox"),
        ({**READY, "account_type": "sandbox"}, "sandbox"),
        ({"is_demo": True}, "demo"),
        ({**READY, "is_demo": True}, "demo"),
        ({"account_type": "development"}, "no_consent"),
        ({**READY, "texts_agreed_at": None}, "no_consent"),
        ({**READY, "phone_verified_at": None}, "not_verified"),
        ({**READY, "phone_problem": "21614"}, "bad_number"),
        ({**READY, "phone_problem": "21614", "phone_verified_at": None}, "bad_number"),
        (READY, None),
    ],
)
def test_why_no_text_goes(context, changes, why_not):
    assert tracker(make_user(**changes)).why_not == why_not


def test_an_opt_out_belongs_to_the_number(context):
    user, other = make_user(**READY), make_user(**READY, phone_number="+14155550132")
    db.session.add(PhoneOptOut(phone_hash=user.phone_hash, phone_number=user.phone_number, source="reply"))
    db.session.commit()
    assert (tracker(user).why_not, tracker(other).why_not) == ("opted_out", None)


def test_a_closed_account_keeps_its_tracker_but_gets_no_text(context):
    assert tracker(make_user(**READY), "7", account={"closed_at": NOW}).why_not == "closed"


@pytest.mark.parametrize(
    "account, can_track",
    [
        ({}, True),
        ({"type": "credit", "subtype": "credit card"}, True),
        ({"subtype": "savings"}, False),
        ({"type": "loan", "subtype": "mortgage"}, False),
        ({"closed_at": NOW}, False),
    ],
)
def test_where_a_tracker_can_be_created(user, account, can_track):
    row = make_account(make_institution(user), **account)
    assert [view.can_track for view in shown(user)] == [can_track]
    tracked(row)
    assert [view.can_track for view in shown(user)] == [False]
