"""What a person does to an institution: refresh it, delete it, restore the accounts they deleted."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import event, select, text

from database import utcnow
from domain.errors import Conflict, NotFound, TooSoon
from extensions import db
from models import FinancialInstitution, ItemRemoval, User
from services.accounts import delete_account
from services.institutions import (
    delete_institution,
    logo_of,
    ready_in,
    refresh_everything,
    refresh_now,
    restore_accounts,
)
from services.ownership import owned_account, owned_institution
from services.refreshing import Outcome
from services.reporting import institution_view
from services.users import delete_user
from services.waiting import due_now
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution, make_user
from tests.support.reading import account_row, amounts, balances, count, cursors, read
from tests.support.statements import StatementCounter
from tests.support.together import together

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


@pytest.fixture
def healthy(context):
    """A healthy institution with one account."""
    institution = make_institution(make_user())
    make_account(institution)
    return institution


def owner(institution) -> User:
    return db.session.get_one(User, institution.user_id)


def spoil_token(institution) -> None:
    """What lost keys do: the stored token can no longer be read."""
    db.session.execute(
        text("UPDATE financial_institutions SET access_token = 'gAAAA-not-ours' WHERE id = :id"),
        {"id": institution.id},
    )
    db.session.commit()
    db.session.expire_all()


# --- refreshing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["new", "healthy", "needs_login", "expiring", "error"])
def test_a_refresh_is_accepted_in_every_state_but_revoked(healthy, engine, state):
    healthy.state = state
    db.session.commit()
    refresh_now(healthy)
    assert (healthy.realtime_wanted, healthy.stage) == (True, "accounts")
    assert healthy.working(datetime.now(UTC))
    assert engine.tasks == [("refresh_now", {"institution_id": healthy.id}, 0)]


def test_a_revoked_institution_refuses(healthy, engine):
    healthy.state = "revoked"
    db.session.commit()
    for act in (refresh_now, restore_accounts):
        with pytest.raises(Conflict) as refusal:
            act(healthy)
        assert refusal.value.code == "access_ended"
    db.session.rollback()
    db.session.expire_all()
    assert (healthy.due_at, healthy.realtime_wanted) == (None, False)
    assert engine.tasks == []


def test_within_sixty_seconds_of_the_last_one_a_refresh_is_too_soon(healthy, bank, banks, engine):
    bank.always("/accounts/balance/get", plaid.accounts(plaid.account("a1")))
    with time_machine.travel(NOW, tick=False) as clock:
        refresh_now(healthy)
        read(healthy, banks)
        clock.shift(17.5)
        with pytest.raises(TooSoon) as refusal:
            refresh_now(healthy)
        assert 42 < refusal.value.retry_after <= 44
        clock.shift(42.4)
        with pytest.raises(TooSoon) as refusal:
            refresh_now(healthy)
        assert refusal.value.retry_after == 1
        clock.shift(0.1)
        refresh_now(healthy)
    assert len(engine.tasks) == 2


def test_the_sixty_seconds_run_from_the_acceptance_whatever_came_of_it(healthy, bank, banks):
    bank.always("/accounts/balance/get", plaid.failure("ITEM_LOGIN_REQUIRED"))
    with time_machine.travel(NOW, tick=False) as clock:
        refresh_now(healthy)
        clock.shift(20)
        assert read(healthy, banks) is Outcome.FAILED
        clock.shift(10)
        with pytest.raises(TooSoon) as refusal:
            refresh_now(healthy)
        assert 30 <= refusal.value.retry_after <= 31
        clock.shift(30)
        refresh_now(healthy)


def test_a_refresh_that_is_running_is_joined_not_doubled(healthy, engine):
    refresh_now(healthy)
    refresh_now(healthy)
    assert len(engine.tasks) == 1


def test_a_new_institutions_first_reading_is_joined(institution, engine):
    institution.due_at = datetime.now(UTC)
    db.session.commit()
    refresh_now(institution)
    assert (institution.realtime_wanted, engine.tasks) == (False, [])


def test_of_two_refreshes_asked_at_once_one_starts_and_one_joins(app, healthy, bank, banks, engine):
    bank.always("/accounts/balance/get", plaid.accounts(plaid.account("a1")))
    number = healthy.id

    def ask() -> None:
        refresh_now(db.session.get_one(FinancialInstitution, number))

    assert together(app, ask, ask, ask) == [None, None, None]
    assert len(engine.tasks) == 1
    read(healthy, banks)
    assert len(bank.asked("/accounts/balance/get")) == 1
    refusals = together(app, ask, ask)
    assert [type(refusal) for refusal in refusals] == [TooSoon, TooSoon]
    assert len(engine.tasks) == 1


# --- deleting -------------------------------------------------------------------------------------------


def test_deleting_writes_the_removal_in_the_same_commit_and_wakes_a_worker(healthy, engine):
    number, token, item = healthy.id, healthy.access_token, healthy.plaid_item_id
    user = owner(healthy)
    with StatementCounter(db.engine) as counter:
        delete_institution(user, healthy)
    assert counter.commits == 1
    removal = db.session.scalars(select(ItemRemoval)).one()
    assert (removal.plaid_item_id, removal.access_token, removal.environment) == (item, token, "sandbox")
    assert removal.due_at <= datetime.now(UTC)
    assert (removal.attempts, removal.error_code, removal.lease_until) == (0, None, None)
    assert balances() == {}
    assert engine.tasks == [("remove_item", {"removal_id": removal.id}, 0)]
    with pytest.raises(NotFound):
        owned_institution(user, number)


def test_a_deletion_that_fails_leaves_institution_and_no_removal(healthy, engine):
    def fail(_connection, _cursor, statement, *_rest):
        if statement.startswith("DELETE FROM financial_institutions"):
            raise RuntimeError("the disk is full")

    user = owner(healthy)
    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(RuntimeError):
            delete_institution(user, healthy)
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)
    db.session.rollback()
    assert (count(FinancialInstitution), count(ItemRemoval), engine.tasks) == (1, 0, [])


def test_two_clicks_on_delete_at_once_make_one_removal(app, healthy):
    number, user_id = healthy.id, healthy.user_id
    all_saw_it = threading.Barrier(3)

    def click() -> None:
        institution = db.session.get_one(FinancialInstitution, number)
        user = db.session.get_one(User, user_id)
        all_saw_it.wait(30)
        delete_institution(user, institution)

    results = together(app, click, click, click)

    assert sorted(type(result).__name__ for result in results) == ["NoneType", "NotFound", "NotFound"], (
        results
    )
    assert (count(FinancialInstitution), count(ItemRemoval)) == (0, 1)


def test_a_stranger_can_not_delete_it(healthy):
    stranger = make_user()
    with pytest.raises(NotFound):
        owned_institution(stranger, healthy.id)
    with pytest.raises(NotFound):
        delete_institution(stranger, healthy)
    db.session.rollback()
    assert (count(FinancialInstitution), count(ItemRemoval)) == (1, 0)


def test_an_institution_whose_token_can_not_be_read_can_still_be_deleted(healthy, engine):
    user = owner(healthy)
    spoil_token(healthy)
    delete_institution(user, owned_institution(user, healthy.id))
    assert count(FinancialInstitution) == 0
    kept = db.session.execute(text("SELECT access_token FROM item_removals")).scalar_one()
    assert kept == "gAAAA-not-ours", "with the old keys back the Item can still be ended"


def test_a_profile_with_a_token_that_can_not_be_read_can_still_be_deleted(healthy, engine):
    make_institution(owner(healthy))
    user = owner(healthy)
    spoil_token(healthy)
    delete_user(user)
    assert (count(User), count(FinancialInstitution), count(ItemRemoval)) == (0, 0, 2)
    assert len(engine.tasks) == 2


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30, 2**62])
def test_an_id_that_cannot_be_is_simply_not_there(healthy, number):
    user = owner(healthy)
    for find in (owned_institution, owned_account):
        with pytest.raises(NotFound):
            find(user, number)


def test_a_logo_is_given_and_a_missing_one_is_not_found(healthy):
    with pytest.raises(NotFound):
        logo_of(healthy)
    healthy.logo = b"\x89PNG\r\n\x1a\n"
    db.session.commit()
    assert logo_of(healthy) == b"\x89PNG\r\n\x1a\n"


# --- restoring ------------------------------------------------------------------------------------------


@pytest.fixture
def half_deleted(institution, bank, banks):
    """Two accounts with two transactions each; the person deleted the second account."""
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2", available=7)))
    bank.next(
        "/transactions/sync",
        plaid.page(
            [
                plaid.transaction("t1", 1),
                plaid.transaction("t2", 2, account_id="a2"),
                plaid.transaction("t3", 3),
                plaid.transaction("t4", 4, account_id="a2"),
            ],
            cursor="c1",
        ),
    )
    read(institution, banks)
    delete_account(account_row("a2"))
    return institution


def test_restoring_brings_the_account_back_with_its_whole_history_as_it_is_now(
    half_deleted, bank, banks, engine
):
    """Meanwhile the bank removed t3, posted t4 anew with another amount, and added t5 and t6."""
    update = [plaid.transaction("t4", 4.44, account_id="a2"), plaid.transaction("t5", 5)]
    bank.next("/transactions/sync", plaid.page(update, removed=["t3"], cursor="c2"))
    read(half_deleted, banks)
    assert amounts() == {"t1": Decimal(1), "t5": Decimal(5)}

    restore_accounts(half_deleted)

    assert half_deleted.transactions_cursor is None
    assert engine.tasks == [("refresh", {"institution_id": half_deleted.id}, 0)]
    now = [
        plaid.transaction("t1", 1),
        plaid.transaction("t2", 2, account_id="a2"),
        plaid.transaction("t4", 4.44, account_id="a2"),
        plaid.transaction("t6", 6),
    ]
    bank.next("/transactions/sync", plaid.page(now, cursor="c3"))
    assert read(half_deleted, banks) is Outcome.DONE
    assert amounts() == {"t1": Decimal(1), "t2": Decimal(2), "t4": Decimal("4.44"), "t6": Decimal(6)}
    assert account_row("a2").deleted_at is None
    assert balances()["a2"] == (Decimal(7), Decimal(110), None, "USD")
    assert cursors(bank.asked("/transactions/sync")) == [None, "c1", None]
    view = institution_view(half_deleted.id)
    assert view is not None
    assert (view.account_count, view.deleted_count) == (2, 0)


def test_until_the_restored_history_is_there_the_old_rows_stay(half_deleted, bank, banks):
    restore_accounts(half_deleted)
    bank.next("/transactions/sync", plaid.failure("INSTITUTION_DOWN"), plaid.NOT_READY)
    assert read(half_deleted, banks) is Outcome.FAILED
    assert amounts() == {"t1": Decimal(1), "t3": Decimal(3)}
    assert read(half_deleted, banks) is Outcome.WAITING
    assert amounts() == {"t1": Decimal(1), "t3": Decimal(3)}
    bank.next("/transactions/sync", plaid.page([plaid.transaction("t2", 2, account_id="a2")], cursor="c9"))
    assert read(half_deleted, banks) is Outcome.DONE
    assert amounts() == {"t2": Decimal(2)}


def test_restoring_takes_the_lease_from_whoever_reads_and_is_due_at_once(half_deleted):
    half_deleted.lease_id, half_deleted.lease_until = "another", datetime.now(UTC) + timedelta(minutes=5)
    db.session.commit()
    restore_accounts(half_deleted)
    assert (half_deleted.lease_id, half_deleted.lease_until) == (None, None)
    assert due_now(datetime.now(UTC)) == [(half_deleted.id, False)]


def test_refreshing_everything_joins_what_runs_and_leaves_out_what_may_not_be(context, engine):
    user, now = make_user(), utcnow()
    free = make_institution(user)
    asked = make_institution(user, realtime_at=now - timedelta(seconds=20))
    make_institution(user, state="revoked")
    make_institution(make_user())
    assert refresh_everything(user) == 1
    assert engine.tasks == [("refresh_now", {"institution_id": free.id}, 0)]
    assert refresh_everything(user) == 0  # joined: one is running
    db.session.expire_all()
    row = db.session.get_one(FinancialInstitution, free.id)
    row.due_at = None
    db.session.commit()
    with pytest.raises(TooSoon) as refused:
        refresh_everything(user)
    assert 35 <= refused.value.retry_after <= 40  # the first that may be asked again
    assert db.session.get_one(FinancialInstitution, asked.id).realtime_wanted is False


def test_refreshing_nothing_is_no_error(context, engine):
    assert refresh_everything(make_user()) == 0
    assert engine.tasks == []


@pytest.mark.parametrize("ago, seconds", [(None, 0), (0, 60), (59.5, 1), (60, 0), (3600, 0), (-5, 65)])
def test_when_a_bank_may_be_asked_again(ago, seconds):
    now = utcnow()
    assert ready_in(None if ago is None else now - timedelta(seconds=ago), now) == seconds
