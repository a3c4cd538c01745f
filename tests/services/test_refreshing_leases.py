"""Who may write: one worker at a time, a dead one is taken over, a deleted institution stays deleted."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from extensions import db
from models import Account, BalanceSnapshot, FinancialInstitution, ItemRemoval, Transaction, User
from services.accounts import delete_account
from services.institutions import delete_institution, restore_accounts
from services.refreshing import Outcome, refresh
from services.users import delete_user
from services.waiting import due_now
from tests.support import scripted_plaid as plaid
from tests.support.reading import account_row, amounts, balances, count, cursors, read
from tests.support.together import elsewhere, meanwhile, together

ACCOUNTS = plaid.accounts(plaid.account("a1"))
PAGE = plaid.page([plaid.transaction("t1", 1)], cursor="c1")


@pytest.fixture
def script(bank):
    bank.always("/accounts/get", ACCOUNTS)
    bank.always("/transactions/sync", PAGE)
    return bank


def row(number: int) -> FinancialInstitution:
    return db.session.get_one(FinancialInstitution, number)


def test_a_second_worker_finds_it_busy_and_asks_the_vendor_nothing(app, institution, script, banks):
    outcomes = []
    number = institution.id
    script.next(
        "/accounts/get",
        meanwhile(app, lambda: outcomes.append(refresh(number, banks, lease_seconds=60)), ACCOUNTS),
    )
    assert read(institution, banks) is Outcome.DONE
    assert outcomes == [Outcome.BUSY]
    assert len(script.asked("/accounts/get")) == 1


def test_of_many_workers_at_once_exactly_one_reads(app, institution, script, banks):
    turned_away = threading.Semaphore(0)

    def once_the_others_gave_up(_body):
        assert all(turned_away.acquire(timeout=10) for _ in range(3))
        return ACCOUNTS

    script.always("/accounts/get", once_the_others_gave_up)
    number = institution.id

    def work():
        outcome = refresh(number, banks, lease_seconds=60)
        if outcome is Outcome.BUSY:
            turned_away.release()
        return outcome

    outcomes = together(app, *[work] * 4)

    assert sorted(outcomes) == [Outcome.BUSY, Outcome.BUSY, Outcome.BUSY, Outcome.DONE]
    assert len(script.asked("/accounts/get")) == 1


def test_a_living_lease_is_respected_and_an_expired_one_is_taken_over(institution, script, banks):
    now = datetime.now(UTC)
    institution.lease_id, institution.lease_until = "another", now + timedelta(seconds=30)
    institution.due_at = now
    db.session.commit()
    assert read(institution, banks) is Outcome.BUSY
    assert due_now(now) == []
    assert script.requests == []

    institution.lease_until = now - timedelta(seconds=1)
    db.session.commit()
    assert due_now(now) == [(institution.id, False)]
    assert read(institution, banks) is Outcome.DONE
    assert (institution.lease_id, institution.due_at) == (None, None)
    assert amounts() == {"t1": Decimal(1)}


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("path", ["/accounts/get", "/transactions/sync"])
def test_a_worker_that_lost_its_lease_writes_nothing_more(app, institution, script, banks, path, watched):
    """While it reads, its lease runs out and another worker does the whole refresh with newer data."""
    number = institution.id
    institution.due_at = datetime.now(UTC) if watched else None
    db.session.commit()
    newer = plaid.accounts(plaid.account("a1", available=55))

    def take_over() -> None:
        db.session.execute(
            text("UPDATE financial_institutions SET lease_until = :past"),
            {"past": datetime.now(UTC).replace(tzinfo=None) - timedelta(days=2)},
        )
        db.session.commit()
        script.next("/accounts/get", newer)
        script.next("/transactions/sync", plaid.page([plaid.transaction("newer", 2)], cursor="c9"))
        assert refresh(number, banks, lease_seconds=60) is Outcome.DONE

    stale = {"/accounts/get": ACCOUNTS, "/transactions/sync": PAGE}[path]
    script.next(path, meanwhile(app, take_over, stale))

    assert read(institution, banks) is Outcome.BUSY

    assert balances() == {"a1": (Decimal(55), Decimal(110), None, "USD")}
    assert amounts() == {"newer": Decimal(2)}
    assert (institution.transactions_cursor, institution.lease_id, institution.state) == (
        "c9",
        None,
        "healthy",
    )


def test_a_worker_that_lost_its_lease_and_then_fails_does_not_spoil_the_state(
    app, institution, script, banks
):
    number = institution.id

    def take_over() -> None:
        other = row(number)
        other.lease_id, other.lease_until = "another", datetime.now(UTC) + timedelta(seconds=60)
        db.session.commit()

    script.next("/transactions/sync", meanwhile(app, take_over, plaid.failure("ITEM_LOGIN_REQUIRED")))
    assert read(institution, banks) is Outcome.FAILED
    assert (institution.lease_id, institution.state, institution.error_code) == ("another", "new", None)


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("path", ["/item/get", "/accounts/get", "/transactions/sync"])
def test_an_institution_deleted_in_the_middle_stays_deleted(app, institution, script, banks, path, watched):
    institution.due_at = datetime.now(UTC) if watched else None
    db.session.commit()
    number = institution.id

    def delete() -> None:
        delete_institution(db.session.get_one(User, row(number).user_id), row(number))

    answer = {"/item/get": {"item": plaid.ITEM, "status": None}, "/accounts/get": ACCOUNTS}.get(path, PAGE)
    script.next(path, meanwhile(app, delete, answer))

    assert refresh(number, banks, lease_seconds=60) is Outcome.BUSY
    db.session.rollback()
    assert [count(table) for table in (FinancialInstitution, Account, BalanceSnapshot, Transaction)] == [
        0,
        0,
        0,
        0,
    ]
    assert count(ItemRemoval) == 1


@pytest.mark.parametrize("path", ["/accounts/get", "/transactions/sync"])
def test_a_user_deleted_in_the_middle_stays_deleted_with_everything(app, institution, script, banks, path):
    number, user_id = institution.id, institution.user_id
    answer = {"/accounts/get": ACCOUNTS, "/transactions/sync": PAGE}[path]
    script.next(path, meanwhile(app, lambda: delete_user(db.session.get_one(User, user_id)), answer))

    assert refresh(number, banks, lease_seconds=60) is Outcome.BUSY
    db.session.rollback()
    tables = (User, FinancialInstitution, Account, BalanceSnapshot, Transaction)
    assert [count(table) for table in tables] == [0, 0, 0, 0, 0]
    assert count(ItemRemoval) == 1


def test_a_failure_of_a_deleted_institution_is_nobodys(app, institution, script, banks):
    number = institution.id

    def delete() -> None:
        delete_institution(db.session.get_one(User, row(number).user_id), row(number))

    script.next("/accounts/get", meanwhile(app, delete, plaid.failure("ITEM_NOT_FOUND")))
    assert refresh(number, banks, lease_seconds=60) is Outcome.FAILED
    db.session.rollback()
    assert count(FinancialInstitution) == 0


def test_an_account_deleted_in_the_middle_stays_deleted_without_transactions(app, institution, script, banks):
    read(institution, banks)
    institution.due_at = datetime.now(UTC)
    db.session.commit()
    update = plaid.page([plaid.transaction("t2", 2)], cursor="c2")
    script.next("/transactions/sync", meanwhile(app, lambda: delete_account(account_row("a1")), update))

    assert read(institution, banks) is Outcome.DONE

    assert account_row("a1").deleted_at is not None
    assert (account_row("a1").available, account_row("a1").current) == (None, None)
    assert amounts() == {}
    assert count(BalanceSnapshot) == 0
    assert institution.transactions_cursor == "c2"


def test_restoring_while_a_refresh_runs_does_not_get_the_old_cursor_back(app, institution, script, banks):
    read(institution, banks)
    number = institution.id
    delete_account(account_row("a1"))
    old = plaid.page([plaid.transaction("t2", 2)], cursor="c2")
    script.next("/transactions/sync", meanwhile(app, lambda: restore_accounts(row(number)), old))

    assert read(institution, banks) is Outcome.BUSY, "its lease was taken away"
    assert institution.transactions_cursor is None
    assert due_now(datetime.now(UTC)) == [(number, False)]

    both = plaid.page([plaid.transaction("t1", 1), plaid.transaction("t2", 2)], cursor="c2")
    script.next("/transactions/sync", both)
    assert read(institution, banks) is Outcome.DONE
    assert cursors(script.asked("/transactions/sync")) == [None, "c1", None]
    assert amounts() == {"t1": Decimal(1), "t2": Decimal(2)}
    assert account_row("a1").deleted_at is None


def test_two_institutions_are_refreshed_side_by_side(app, institution, script, banks):
    from tests.support.factories import make_institution, make_user

    other = make_institution(make_user()).id
    mine = institution.id
    gate = threading.Barrier(2)

    def both_at_once(_body):
        gate.wait(10)  # passes only if the two refreshes are reading at the same time
        return ACCOUNTS

    script.always("/accounts/get", both_at_once)
    outcomes = together(app, *[lambda number=number: refresh(number, banks, 60) for number in (mine, other)])
    assert outcomes == [Outcome.DONE, Outcome.DONE]
    assert count(Transaction) == 2


def test_no_transaction_is_open_while_the_vendor_is_asked(app, institution, script, banks):
    """Another connection can write to the same row during every call, at once."""
    institution.due_at = datetime.now(UTC)
    db.session.commit()
    number, written = institution.id, []

    def write() -> None:
        db.session.execute(
            text("UPDATE financial_institutions SET primary_color = '#000000' WHERE id = :id"), {"id": number}
        )
        db.session.commit()
        written.append(True)

    for path, answer in (
        ("/item/get", {"item": plaid.ITEM, "status": None}),
        ("/institutions/get_by_id", {"institution": {"institution_id": "ins_1", "name": "Bank"}}),
        ("/accounts/get", ACCOUNTS),
        ("/transactions/sync", PAGE),
    ):
        script.next(path, meanwhile(app, write, answer))
    assert read(institution, banks) is Outcome.DONE
    assert len(written) == 4
    assert elsewhere(app, lambda: amounts()) == {"t1": Decimal(1)}


def a_lease_a_page(monkeypatch) -> None:
    """By the clock of the reader every page takes a whole lease of 60 s."""
    clock = iter(range(0, 100_000, 60))
    monkeypatch.setattr("services.leases.monotonic", lambda: next(clock))


def test_a_history_longer_than_a_lease_keeps_it(app, institution, script, banks, monkeypatch):
    a_lease_a_page(monkeypatch)
    number, leases = institution.id, []

    def look() -> None:
        leases.append(row(number).lease_until)

    pages = [plaid.page(cursor=f"c{page}", more=page < 3) for page in (1, 2, 3)]
    script.next("/transactions/sync", *[meanwhile(app, look, page) for page in pages])

    assert refresh(number, banks, 60) is Outcome.DONE
    assert leases == sorted(set(leases)), "the lease was not renewed"


def test_a_reader_that_lost_its_lease_stops_reading(app, institution, script, banks, monkeypatch):
    a_lease_a_page(monkeypatch)
    number = institution.id

    def take() -> None:
        row(number).lease_id = "another"
        db.session.commit()

    page = plaid.page([plaid.transaction("t1")], cursor="c1", more=True)
    script.next("/transactions/sync", meanwhile(app, take, page))

    assert refresh(number, banks, 60) is Outcome.BUSY
    assert len(script.asked("/transactions/sync")) == 1
    assert count(Transaction) == 0
