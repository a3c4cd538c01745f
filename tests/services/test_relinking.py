"""A bank that was linked anew: what the person made moves to the new connection, and the old one goes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from domain.errors import BadInput, Conflict, NotFound
from extensions import db
from models import (
    Account,
    BalanceSnapshot,
    BudgetTracker,
    FinancialInstitution,
    ItemRemoval,
    TextMessage,
    Transaction,
    User,
)
from services import relinking
from services.accounts import delete_account
from services.linking import link
from services.relinking import move, plan_move
from services.reporting import institution_view
from tests.support import scripted_plaid as plaid
from tests.support.factories import (
    make_account,
    make_institution,
    make_tracker,
    make_transaction,
    make_user,
)
from tests.support.reading import read
from tests.support.together import elsewhere

SAME = {"plaid_institution_id": "ins_1", "name": "Bank of Tests"}


@pytest.fixture
def user(context):
    return make_user()


@pytest.fixture
def old(user):
    """It wants a login, since yesterday."""
    return make_institution(user, state="needs_login", error_code="ITEM_LOGIN_REQUIRED", **SAME)


@pytest.fixture
def new(old, user):
    """The same bank, linked after it; its history is in."""
    return make_institution(user, transactions_status="HISTORICAL_UPDATE_COMPLETE", **SAME)


@pytest.fixture
def pair(old, new):
    """A checking account, old and new."""
    return make_account(old, name="Checking", mask="0000"), make_account(new, name="Checking", mask="0000")


def moved(user, old, **choices):
    return move(user, old.id, choices.get("choices", suggested(user, old.id)))


def suggested(user, old_id):
    return {row.face.id: row.suggested for row in plan_move(user, old_id).accounts}


def dates_of(account_id: int) -> list[date]:
    rows = db.session.query(Transaction).filter_by(account_id=account_id).order_by(Transaction.date)
    return [row.date for row in rows]


def text_about(tracker: BudgetTracker, user, day: date) -> TextMessage:
    row = TextMessage(
        user_id=user.id, budget_tracker_id=tracker.id, kind="budget", local_date=day,
        phone_hash=user.phone_hash, body="spent", status="sent",
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return row


def test_the_tracker_is_the_same_row_and_its_texts_stay_its_own(user, old, new, pair, engine):
    tracker = make_tracker(pair[0])
    number, text_id = tracker.id, text_about(tracker, user, date(2026, 11, 10)).id
    before = (tracker.threshold, tracker.next_notification_date, tracker.counted_from)
    moved(user, old)
    db.session.expire_all()
    (tracker,) = db.session.query(BudgetTracker)
    assert (tracker.id, tracker.account_id) == (number, pair[1].id)
    assert (tracker.threshold, tracker.next_notification_date, tracker.counted_from) == before
    assert db.session.get_one(TextMessage, text_id).budget_tracker_id == number


def test_history_moves_as_far_as_the_new_connection_does_not_reach_back(user, old, new, pair, engine):
    for day in (1, 2, 3, 4):
        make_transaction(pair[0], "10", date=date(2026, 10, day))
    make_transaction(pair[0], "99", date=date(2026, 10, 1), pending=True)
    make_transaction(pair[1], "10", date=date(2026, 10, 3))
    moved(user, old)
    assert dates_of(pair[1].id) == [date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 3)]
    rows = db.session.query(Transaction).all()
    assert {row.financial_institution_id for row in rows} == {new.id}
    assert all(not row.pending for row in rows)


def test_all_of_it_moves_where_the_new_account_has_none(user, old, new, pair, engine):
    make_transaction(pair[0], "10", date=date(2026, 10, 1))
    make_transaction(pair[0], "10", date=date(2026, 11, 20))
    moved(user, old)
    assert dates_of(pair[1].id) == [date(2026, 10, 1), date(2026, 11, 20)]


def test_snapshots_before_the_new_ones_move(user, old, new, pair, engine):
    for account, day, amount in ((pair[0], 1, 1), (pair[0], 2, 2), (pair[1], 2, 20), (pair[1], 3, 30)):
        snapshot(account, day, amount)
    moved(user, old)
    rows = db.session.query(BalanceSnapshot).order_by(BalanceSnapshot.local_date)
    assert [(row.account_id, row.current) for row in rows] == [(pair[1].id, n) for n in (1, 20, 30)]


def test_what_was_deleted_stays_deleted(user, old, new, pair, engine):
    pair[0].deleted_at = datetime(2026, 11, 1, tzinfo=UTC)
    db.session.commit()
    make_transaction(pair[1], "10")
    moved(user, old)
    db.session.expire_all()
    account = db.session.get_one(Account, pair[1].id)
    assert account.deleted_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert (account.available, account.current) == (None, None)
    assert db.session.query(Transaction).count() == 0
    assert institution_view(new.id).deleted_count == 1


def test_the_old_connection_goes_and_its_item_is_ended(user, old, new, pair, engine):
    item, token, number = old.plaid_item_id, old.access_token, old.id
    assert moved(user, old) == "Bank of Tests"
    assert db.session.get(FinancialInstitution, number) is None
    (removal,) = db.session.query(ItemRemoval)
    assert (removal.plaid_item_id, removal.access_token) == (item, token)
    assert engine.tasks == [("remove_item", {"removal_id": removal.id}, 0)]


def test_what_moved_survives_a_reading_from_the_start(user, old, new, pair, engine, bank, banks):
    """Restoring a deleted account reads all of the history again; what came from before is not in it."""
    make_transaction(pair[0], "10", date=date(2024, 1, 1))
    new.transactions_cursor = None
    pair[1].plaid_account_id = "a1"
    db.session.commit()
    moved(user, old)
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.always("/transactions/sync", plaid.page([plaid.transaction("t1")], cursor="c1"))
    read(new, banks)
    assert dates_of(pair[1].id) == [date(2024, 1, 1), date(2026, 11, 10)]


def test_it_may_be_moved_a_second_time(user, old, new, pair, engine):
    make_transaction(pair[0], "10", date=date(2024, 1, 1), plaid_transaction_id="t" * 128)
    moved(user, old)
    new.state = "needs_login"
    db.session.commit()
    third = make_institution(user, transactions_status="HISTORICAL_UPDATE_COMPLETE", **SAME)
    account = make_account(third, name="Checking", mask="0000")
    moved(user, new)
    assert dates_of(account.id) == [date(2024, 1, 1)]


def snapshot(account: Account, day: int, amount: int) -> None:
    row = {"account_id": account.id, "local_date": date(2026, 11, day), "current": Decimal(amount)}
    db.session.add(BalanceSnapshot(**row))
    db.session.commit()


@pytest.mark.parametrize("first", ["the oldest", "the newer one"])
def test_of_two_broken_ones_both_days_are_kept_whichever_moves_first(user, old, new, pair, engine, first):
    """Linked three times: of each day the newest word stays, once, and no day is lost."""
    new.state, new.error_code = "needs_login", "ITEM_LOGIN_REQUIRED"
    third = make_institution(user, transactions_status="HISTORICAL_UPDATE_COMPLETE", **SAME)
    accounts = (*pair, make_account(third, name="Checking", mask="0000"))
    days = ((1, 2, 3), (2, 3, 4, 5), (5, 6))
    for number, (account, known) in enumerate(zip(accounts, days, strict=True)):
        for day in known:
            make_transaction(account, str(number), date=date(2026, 11, day))
    for account, day, amount in ((0, 1, 1), (1, 3, 3), (1, 4, 4), (2, 4, 40), (2, 5, 50)):
        snapshot(accounts[account], day, amount)
    numbers = [old.id, new.id]
    for number in numbers if first == "the oldest" else reversed(numbers):
        move(user, number, suggested(user, number))
    rows = db.session.query(Transaction).order_by(Transaction.date)
    told = [(row.date.day, int(row.amount)) for row in rows]
    assert told == [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2)]
    kept = db.session.query(BalanceSnapshot).order_by(BalanceSnapshot.local_date)
    assert [int(row.current) for row in kept] == [1, 3, 40, 50]


def test_rows_moved_before_their_giver_was_told_count_as_the_oldest(user, old, new, pair, engine):
    """Their ids say only that they were moved. What the connection that has them read itself is not lost for it."""
    db.session.delete(old)
    new.state, new.error_code = "needs_login", "ITEM_LOGIN_REQUIRED"
    third = make_institution(user, transactions_status="HISTORICAL_UPDATE_COMPLETE", **SAME)
    account = make_account(third, name="Checking", mask="0000")
    for day, number in ((1, "moved:a1"), (2, "moved:a2"), (3, "b3"), (4, "b4")):
        make_transaction(pair[1], "1", date=date(2026, 11, day), plaid_transaction_id=number)
    make_transaction(account, "1", date=date(2026, 11, 5))
    moved(user, new)
    assert dates_of(account.id) == [date(2026, 11, day) for day in (1, 2, 3, 4, 5)]


def test_ambiguous_accounts_are_left_to_the_person(user, old, new, pair, engine):
    twin = make_account(new, name="Checking", mask="0000")
    make_tracker(pair[0])
    plan = plan_move(user, old.id)
    (row,) = plan.accounts
    assert (row.suggested, row.matters) == (None, True)
    assert {face.id for face in plan.targets} == {pair[1].id, twin.id}
    move(user, old.id, {pair[0].id: twin.id})
    (tracker,) = db.session.query(BudgetTracker)
    assert tracker.account_id == twin.id


def test_a_tracker_of_the_new_account_stays(user, old, new, pair, engine):
    make_tracker(pair[0], threshold=Decimal(1))
    kept = make_tracker(pair[1], threshold=Decimal(2)).id
    moved(user, old)
    assert [row.id for row in db.session.query(BudgetTracker)] == [kept]


def test_what_is_left_behind_goes_with_the_old_connection(user, old, new, pair, engine):
    make_tracker(pair[0])
    make_transaction(pair[0], "10", date=date(2026, 10, 1))
    move(user, old.id, {pair[0].id: None})
    assert db.session.query(BudgetTracker).count() == 0
    assert db.session.query(Transaction).count() == 0


def test_choices_that_are_none_are_refused_and_nothing_moves(user, old, new, pair, engine):
    stranger = make_account(make_institution(make_user()))
    second = make_account(old, name="Savings")
    for choices in (
        {pair[0].id: stranger.id},
        {pair[0].id: pair[0].id},
        {stranger.id: pair[1].id},
        {pair[0].id: pair[1].id, second.id: pair[1].id},
    ):
        with pytest.raises(BadInput):
            move(user, old.id, choices)
    assert db.session.get(FinancialInstitution, old.id) is not None
    assert engine.tasks == []


def test_only_ones_own(old, new, pair, engine):
    stranger = make_user()
    for attempt in (lambda: plan_move(stranger, old.id), lambda: move(stranger, old.id, {})):
        with pytest.raises(NotFound):
            attempt()


@pytest.mark.parametrize(
    "of, changes",
    [
        ("old", {"state": "healthy"}),
        ("new", {"state": "needs_login"}),
        ("new", {"plaid_institution_id": "ins_2"}),
        ("new", {"environment": "production"}),
        ("new", {"transactions_status": "INITIAL_UPDATE_COMPLETE"}),
    ],
)
def test_nothing_moves_where_nothing_was_replaced(user, old, new, pair, of, changes):
    row = {"old": old, "new": new}[of]
    for name, value in changes.items():
        setattr(row, name, value)
    db.session.commit()
    with pytest.raises(Conflict):
        plan_move(user, old.id)
    need = institution_view(old.id).need
    assert need is None or need.act != "move"


@pytest.fixture
def before_the_lock(app, monkeypatch):
    """Somebody else does this between the plan and the lock."""
    lock = relinking._lock

    def wait_for(change) -> None:
        def late(*args) -> None:
            elsewhere(app, change)
            lock(*args)

        monkeypatch.setattr(relinking, "_lock", late)

    return wait_for


def set_columns(table, number: int, **changes):
    def change() -> None:
        for name, value in changes.items():
            setattr(db.session.get_one(table, number), name, value)
        db.session.commit()

    return change


@pytest.mark.parametrize(
    "of, changes",
    [
        ("old", {"state": "healthy"}),
        ("old", {"state": "expiring"}),
        ("new", {"state": "needs_login"}),
        ("new", {"state": "revoked"}),
        ("new", {"transactions_status": "INITIAL_UPDATE_COMPLETE"}),
    ],
)
def test_what_changes_before_the_lock_stops_the_move(
    user, old, new, pair, engine, before_the_lock, of, changes
):
    make_tracker(pair[0])
    number = {"old": old, "new": new}[of].id
    before_the_lock(set_columns(FinancialInstitution, number, **changes))
    with pytest.raises(Conflict):
        moved(user, old)
    assert [row.account_id for row in db.session.query(BudgetTracker)] == [pair[0].id]
    assert engine.tasks == []


def test_one_linked_yet_again_before_the_lock_stops_the_move(user, old, new, pair, before_the_lock):
    user_id = user.id

    def link_again() -> None:
        newest = make_institution(
            db.session.get_one(User, user_id), transactions_status="HISTORICAL_UPDATE_COMPLETE", **SAME
        )
        make_account(newest, name="Checking", mask="0000")

    before_the_lock(link_again)
    with pytest.raises(Conflict):
        moved(user, old)


def test_an_account_deleted_before_the_lock_gets_nothing(user, old, new, pair, engine, before_the_lock):
    make_transaction(pair[0], "10", date=date(2024, 1, 1))
    target = pair[1].id
    before_the_lock(lambda: delete_account(db.session.get_one(Account, target)))
    with pytest.raises(BadInput):
        moved(user, old)
    assert dates_of(pair[0].id) == [date(2024, 1, 1)]
    assert dates_of(target) == []


def test_an_old_account_deleted_before_the_lock_stays_deleted(user, old, new, pair, engine, before_the_lock):
    deleted, target = pair[0].id, pair[1].id
    make_transaction(pair[1], "10")
    before_the_lock(lambda: delete_account(db.session.get_one(Account, deleted)))
    moved(user, old)
    db.session.expire_all()
    assert db.session.get_one(Account, target).deleted_at is not None
    assert dates_of(target) == []


def test_another_login_at_the_same_bank_is_not_offered(user, old, new):
    make_account(old, name="Checking", mask="0000")
    make_account(new, name="Checking", mask="7777")
    assert institution_view(old.id).need.act == "reconnect"


def test_the_broken_card_offers_it(user, old, new, pair):
    need = institution_view(old.id).need
    assert (need.act, need.label) == ("move", "Move over")
    assert institution_view(new.id).need is None


def test_a_new_connection_that_ends_soon_replaces_it_as_well(user, old, new, pair):
    new.state, new.error_code = "expiring", "PENDING_DISCONNECT"
    db.session.commit()
    assert institution_view(old.id).need.act == "move"


def test_a_purged_one_moves_its_tracker_only(user, old, new, pair, engine):
    old.state, old.error_code, old.purged_at = "revoked", "USER_PERMISSION_REVOKED", old.created_at
    make_tracker(pair[0])
    assert institution_view(old.id).need.act == "move"
    moved(user, old)
    (tracker,) = db.session.query(BudgetTracker)
    assert tracker.account_id == pair[1].id


METADATA = {
    "institution": {"institution_id": "ins_1", "name": "Bank of Tests"},
    "accounts": [{"id": "x", "name": "Checking", "mask": "0000"}],
}


@pytest.mark.parametrize(
    "state, error, code",
    [
        ("healthy", None, "already_linked"),
        ("error", "INSTITUTION_DOWN", "already_linked"),
        ("error", "INVALID_UPDATED_USERNAME", "same_login"),
        ("needs_login", "ITEM_LOGIN_REQUIRED", "same_login"),
        ("revoked", None, "same_login"),
    ],
)
def test_linking_asks_whether_it_is_the_same_login(user, bank, banks, state, error, code):
    make_account(make_institution(user, state=state, error_code=error, **SAME), name="Checking", mask="0000")
    with pytest.raises(Conflict) as refused:
        link(user, "public-1", METADATA, confirm_duplicate=False, banks=banks)
    assert refused.value.code == code
    assert bank.asked("/item/public_token/exchange") == []


def test_one_that_works_counts_more_than_one_that_does_not(user, banks):
    for state in ("needs_login", "healthy"):
        make_account(make_institution(user, state=state, **SAME), name="Checking", mask="0000")
    with pytest.raises(Conflict) as refused:
        link(user, "public-1", METADATA, confirm_duplicate=False, banks=banks)
    assert refused.value.code == "already_linked"
