"""Transactions that are still being prepared: the ladder of tries after linking, then the job's runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from extensions import db
from models import BalanceSnapshot
from services.refreshing import Outcome
from services.waiting import due_now, scheduled_now
from tests.support import scripted_plaid as plaid
from tests.support.reading import amounts, balances, count, cursors, read

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
LADDER = [1, 2, 4, 8, 15, 30, 60]


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def linked(clock, institution, bank):
    """Linked this second: a worker is wanted, balances are there, transactions are not."""
    institution.due_at = institution.scheduled_at = NOON
    db.session.commit()
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.always("/transactions/sync", plaid.NOT_READY)
    return institution


def test_balances_show_at_once_and_the_tries_climb_the_ladder(linked, bank, banks, clock, engine):
    for number, step in enumerate(LADDER, start=1):
        assert read(linked, banks) is Outcome.WAITING
        now = datetime.now(UTC)
        assert linked.due_at == now + timedelta(seconds=step)
        assert (linked.state, linked.stage, linked.attempts) == ("new", "transactions", number)
        assert linked.lease_id is None
        assert engine.tasks[-1] == ("refresh", {"institution_id": linked.id}, float(step))
        assert due_now(now + timedelta(seconds=step - 0.001)) == []
        assert due_now(now + timedelta(seconds=step)) == [(linked.id, False)]
        clock.shift(step)
    assert balances() == {"a1": (Decimal(100), Decimal(110), None, "USD")}
    assert count(BalanceSnapshot) == 1

    assert read(linked, banks) is Outcome.WAITING

    assert (linked.state, linked.stage, linked.due_at) == ("healthy", "transactions", None)
    assert linked.transactions_cursor is None
    assert len(bank.asked("/accounts/get")) == 1, (
        "accounts are not read again while transactions are prepared"
    )
    assert len(bank.asked("/item/get")) == 1
    assert cursors(bank.asked("/transactions/sync")) == [None] * 8
    assert len(engine.tasks) == 7


def test_after_the_ladder_each_run_of_the_job_tries_once_with_fresh_balances(
    linked, bank, banks, clock, engine
):
    for step in [*LADDER, 0]:
        read(linked, banks)
        clock.shift(step)
    engine.tasks.clear()
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", available=50)))
    for _hour in range(3):
        clock.shift(3600)
        assert scheduled_now(datetime.now(UTC)) == [linked.id]
        assert read(linked, banks) is Outcome.WAITING
        assert (linked.state, linked.stage, linked.due_at) == ("healthy", "transactions", None)
    assert engine.tasks == [], "the ladder belongs to linking: it does not start again"
    assert len(bank.asked("/accounts/get")) == 4
    assert balances()["a1"][0] == Decimal(50)

    bank.always("/transactions/sync", plaid.page([plaid.transaction("t1", 3)], cursor="c1"))
    clock.shift(3600)
    assert read(linked, banks) is Outcome.DONE
    assert (linked.state, linked.stage, linked.attempts) == ("healthy", "done", 0)
    assert amounts() == {"t1": Decimal(3)}
    assert scheduled_now(datetime.now(UTC)) == []


def test_the_first_ready_answer_ends_the_ladder(linked, bank, banks, clock, engine):
    read(linked, banks)
    clock.shift(1)
    ready = plaid.page([plaid.transaction("t1", 3)], cursor="c1", accounts=[plaid.account("a1")])
    bank.always("/transactions/sync", ready)
    engine.tasks.clear()
    assert read(linked, banks) is Outcome.DONE
    assert (linked.state, linked.stage, linked.due_at, linked.attempts) == ("healthy", "done", None, 0)
    assert linked.transactions_cursor == "c1"
    assert amounts() == {"t1": Decimal(3)}
    assert engine.tasks == []
    assert len(bank.asked("/accounts/get")) == 1


def test_a_product_that_is_not_ready_climbs_the_same_ladder(linked, bank, banks, clock):
    bank.always("/transactions/sync", plaid.failure("PRODUCT_NOT_READY"))
    assert read(linked, banks) is Outcome.WAITING
    assert (linked.state, linked.stage, linked.due_at) == ("new", "transactions", NOON + timedelta(seconds=1))


def test_a_person_who_asks_while_waiting_gets_real_time_balances(linked, bank, banks, clock):
    read(linked, banks)
    linked.realtime_wanted = True
    db.session.commit()
    bank.always("/accounts/balance/get", plaid.accounts(plaid.account("a1", available=42)))
    assert read(linked, banks) is Outcome.WAITING
    assert balances()["a1"][0] == Decimal(42)
    assert linked.realtime_wanted is False


def test_a_rate_limit_in_the_middle_does_not_claim_that_transactions_are_there(linked, bank, banks, clock):
    """Healthy with stage done means that the last sync was not NOT_READY."""
    for step in [*LADDER, 0]:
        read(linked, banks)
        clock.shift(step)
    bank.next("/accounts/get", plaid.failure("ACCOUNTS_LIMIT", "RATE_LIMIT_EXCEEDED", 429))
    assert read(linked, banks) is Outcome.FAILED
    assert (linked.state, linked.stage) == ("healthy", "transactions")


def test_not_ready_after_a_known_cursor_keeps_rows_and_cursor(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.next("/transactions/sync", plaid.page([plaid.transaction("t1", 1)], cursor="c1"), plaid.NOT_READY)
    read(institution, banks)
    read(institution, banks)
    assert amounts() == {"t1": Decimal(1)}
    assert institution.transactions_cursor == "c1"
    assert institution.stage == "transactions"


@pytest.mark.parametrize("code", ["PRODUCTS_NOT_SUPPORTED", "NO_LIABILITY_ACCOUNTS", "INVALID_PRODUCT"])
def test_an_item_without_transactions_is_healthy_and_due_once_a_day(linked, bank, banks, clock, code):
    bank.always("/transactions/sync", plaid.failure(code))
    assert read(linked, banks) is Outcome.DONE
    assert (linked.state, linked.stage, linked.due_at) == ("healthy", "done", None)
    assert linked.error_code is None
    assert linked.scheduled_at == datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
    assert balances() == {"a1": (Decimal(100), Decimal(110), None, "USD")}
