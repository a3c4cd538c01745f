"""Budget trackers: who may have one, when its texts are due, and what happens when two want the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.errors import NotFound
from extensions import db
from models import Account, BudgetTracker, TextMessage, User
from services import budgets
from services.accounts import delete_account
from services.institutions import restore_accounts
from services.ownership import owned_account, owned_tracker
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution, make_tracker, make_user
from tests.support.reading import account_row, count, read
from tests.support.together import elsewhere, together

NOW = datetime(2026, 11, 23, 19, 5, tzinfo=UTC)  # 14:05 in New York
D = Decimal


def tracked(account: Account, **changes: object) -> BudgetTracker:
    """A tracker of 400.00 with a text every 3 days, created on November 23."""
    days = {"counted_from": date(2026, 11, 23), "next_notification_date": date(2026, 11, 26)}
    return make_tracker(account, **{"notification_frequency": 3, **days, **changes})


@pytest.fixture
def user(context) -> User:
    return make_user()


@pytest.fixture
def account(user) -> Account:
    return make_account(make_institution(user))


def row() -> tuple[Decimal, int, date, date]:
    """The only tracker, as the database has it now."""
    db.session.rollback()
    db.session.expire_all()
    tracker = db.session.query(BudgetTracker).one()
    return (
        tracker.threshold,
        tracker.notification_frequency,
        tracker.counted_from,
        tracker.next_notification_date,
    )


def test_a_tracker_counts_from_today_and_its_first_text_comes_frequency_days_later(user, account):
    tracker = budgets.create(account, D("1250.50"), 3, user, NOW)
    assert tracker.account_id == account.id
    assert tracker.created_at == NOW
    assert row() == (D("1250.50"), 3, date(2026, 11, 23), date(2026, 11, 26))


@pytest.mark.parametrize(
    "zone, today",
    [
        ("Pacific/Pago_Pago", date(2026, 11, 23)),  # UTC-11
        ("America/New_York", date(2026, 11, 23)),
        ("Pacific/Kiritimati", date(2026, 11, 24)),  # UTC+14
    ],
)
def test_today_is_the_owners(user, account, zone, today):
    user.timezone = zone
    budgets.create(account, D(400), 1, user, NOW)
    assert row()[2:] == (today, date(2026, 11, today.day + 1))


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "depository", "subtype": "checking"},
        {"type": "depository", "subtype": "paypal"},
        {"type": "credit", "subtype": "paypal"},
        {"type": "credit", "subtype": "credit card"},
        {"type": "credit", "subtype": None},
    ],
    ids=str,
)
def test_cards_checking_and_paypal_accounts_may_have_one(user, kind):
    budgets.create(make_account(make_institution(user), **kind), D(400), 3, user, NOW)
    assert count(BudgetTracker) == 1


@pytest.mark.parametrize(
    "kind",
    [
        {"subtype": "savings"},
        {"subtype": None},
        {"type": "loan", "subtype": "student"},
        {"type": "investment", "subtype": "ira"},
        {"subtype": "checking", "closed_at": NOW},
        {"type": "credit", "subtype": "credit card", "closed_at": NOW},
    ],
    ids=str,
)
def test_no_other_account_may(user, kind):
    with pytest.raises(budgets.NotEligible):
        budgets.create(make_account(make_institution(user), **kind), D(400), 3, user, NOW)
    assert count(BudgetTracker) == 0


def test_an_account_has_at_most_one(user, account):
    budgets.create(account, D(400), 3, user, NOW)
    with pytest.raises(budgets.TrackerExists):
        budgets.create(account, D(500), 5, user, NOW)
    assert row()[:2] == (D(400), 3)


def test_of_several_tabs_at_once_one_creates_it(app, user, account):
    number, owner = account.id, user.id

    def create(threshold: int) -> BudgetTracker:
        mine = db.session.get_one(User, owner)
        return budgets.create(owned_account(mine, number), D(threshold), 3, mine, NOW)

    results = together(app, *[lambda n=n: create(n) for n in (100, 200, 300)])
    made = [result for result in results if isinstance(result, BudgetTracker)]
    assert len(made) == 1, results
    assert [type(result) for result in results].count(budgets.TrackerExists) == 2, results
    assert row()[0] == made[0].threshold


def test_none_is_created_for_an_account_that_was_deleted_a_moment_ago(app, user, account):
    number = account.id
    db.session.commit()
    elsewhere(app, lambda: delete_account(db.session.get_one(Account, number)))
    with pytest.raises(NotFound):  # `account` still looks alive here
        budgets.create(account, D(400), 3, user, NOW)
    assert count(BudgetTracker) == 0


def test_creating_and_deleting_the_account_at_once_leaves_no_tracker_without_an_account(app, user, account):
    user_id = user.id
    for _ in range(5):
        fresh = make_account(make_institution(user)).id

        def create(number: int = fresh) -> object:
            mine = db.session.get_one(User, user_id)
            return budgets.create(owned_account(mine, number), D(400), 3, mine, NOW)

        results = together(
            app, create, lambda number=fresh: delete_account(db.session.get_one(Account, number))
        )
        assert isinstance(results[0], (BudgetTracker, NotFound)), results
        assert results[1] is None
    assert count(BudgetTracker) == 0


def test_a_new_budget_moves_no_text(user, account):
    tracker = tracked(account)
    budgets.update(tracker, D("99.99"), 3, user, NOW)
    assert row() == (D("99.99"), 3, date(2026, 11, 23), date(2026, 11, 26))


def test_a_new_budget_does_not_even_move_a_text_that_is_overdue(user, account):
    tracker = tracked(account, counted_from=date(2026, 11, 1), next_notification_date=date(2026, 11, 4))
    budgets.update(tracker, D("99.99"), 3, user, NOW)
    assert row() == (D("99.99"), 3, date(2026, 11, 1), date(2026, 11, 4))


@pytest.mark.parametrize(
    "frequency, due",
    [(1, date(2026, 11, 24)), (4, date(2026, 11, 24)), (5, date(2026, 11, 25)), (15, date(2026, 12, 5))],
)
def test_a_new_frequency_counts_from_the_last_text_and_is_never_due_today(user, account, frequency, due):
    tracker = tracked(account, counted_from=date(2026, 11, 20))
    budgets.update(tracker, D(400), frequency, user, NOW)
    assert row() == (D(400), frequency, date(2026, 11, 20), due)


def test_an_edit_counts_from_a_text_that_went_while_the_page_was_open(app, user, account):
    tracker = tracked(account, counted_from=date(2026, 11, 20), next_notification_date=date(2026, 11, 23))
    number = tracker.id

    def text_goes():
        same = db.session.get_one(BudgetTracker, number)
        same.counted_from, same.next_notification_date = date(2026, 11, 23), date(2026, 11, 26)
        db.session.commit()

    elsewhere(app, text_goes)
    budgets.update(tracker, D(400), 5, user, NOW)
    assert row() == (D(400), 5, date(2026, 11, 23), date(2026, 11, 28))


@pytest.mark.parametrize(
    "act", [budgets.delete, lambda tracker: budgets.update(tracker, D(1), 1, User(timezone="UTC"), NOW)]
)
def test_editing_or_deleting_what_another_tab_has_deleted(app, account, act):
    tracker = tracked(account)
    number = tracker.id
    elsewhere(app, lambda: budgets.delete(db.session.get_one(BudgetTracker, number)))
    with pytest.raises(NotFound):
        act(tracker)
    assert count(BudgetTracker) == 0


def test_a_deleted_tracker_leaves_its_texts_and_makes_room_for_another(user, account):
    tracker = tracked(account)
    text = TextMessage(
        user_id=user.id, budget_tracker_id=tracker.id, kind="budget", local_date=date(2026, 11, 23),
        phone_hash=user.phone_hash, body="CashView: words", status="sent",
    )  # fmt: skip
    db.session.add(text)
    db.session.commit()
    first = tracker.id
    budgets.delete(tracker)
    db.session.refresh(text)
    assert text.budget_tracker_id is None
    assert budgets.create(account, D(500), 1, user, NOW).id > first, (
        "an id never comes to mean something else"
    )


def test_another_persons_tracker_is_not_there(user, account):
    tracked(account)
    assert owned_tracker(user, account.id).account_id == account.id
    for stranger in (make_user(), make_user(is_demo=True)):
        with pytest.raises(NotFound):
            owned_tracker(stranger, account.id)
    with pytest.raises(NotFound):
        owned_tracker(user, make_account(make_institution(user)).id)
    for number in (0, -1, 2**63, 10**30):
        with pytest.raises(NotFound):
            owned_tracker(user, number)


def test_a_deleted_account_loses_its_tracker_for_good(institution, bank, banks, engine):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2")))
    read(institution, banks)
    tracked(account_row("a1"))
    tracked(account_row("a2"), threshold=D(7))
    delete_account(account_row("a1"))
    assert row()[0] == 7
    restore_accounts(institution)
    read(institution, banks)
    assert account_row("a1").deleted_at is None
    assert row()[0] == 7, "the other one is untouched, this one does not come back"


def test_a_refresh_leaves_trackers_alone(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    read(institution, banks)
    tracked(account_row("a1"))
    before = row()
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", available=1)))
    read(institution, banks)
    assert row() == before
