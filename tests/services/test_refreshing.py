"""Refreshing an institution: the first reading, the next one, and what changed in between."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import event, select

from extensions import db
from models import Account, BalanceSnapshot, Transaction
from services.refreshing import Outcome
from tests.support import scripted_plaid as plaid
from tests.support.reading import (
    account_row,
    amounts,
    balances,
    count,
    cursors,
    read,
    snapshots,
    transaction_row,
)


def test_the_first_refresh_writes_accounts_snapshot_transactions_and_cursor(institution, bank, banks):
    bank.always(
        "/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2", available=None, current=5.5))
    )
    bank.always("/transactions/sync", plaid.page([plaid.transaction("t1", 12.34567)], cursor="c1"))

    assert read(institution, banks) is Outcome.DONE

    assert balances() == {
        "a1": (Decimal(100), Decimal(110), None, "USD"),
        "a2": (None, Decimal("5.5"), None, "USD"),
    }
    assert count(BalanceSnapshot) == 2
    assert amounts() == {"t1": Decimal("12.3457")}
    assert (institution.state, institution.stage, institution.name) == ("healthy", "done", "Bank of Tests")
    assert institution.transactions_cursor == "c1"
    assert institution.lease_id is None
    assert institution.lease_until is None
    assert institution.refreshed_at is not None
    assert institution.balances_as_of is not None


def test_every_column_of_account_and_transaction_is_what_the_bank_said(institution, bank, banks):
    bank.always(
        "/accounts/get",
        plaid.accounts(
            plaid.account(
                "card",
                available=1590,
                current=410,
                limit=2000,
                type="credit",
                subtype="credit card",
                name="Plaid Credit Card",
                official_name="Plaid Diamond",
                mask="3333",
                persistent_account_id="p-1",
            )
        ),
    )
    row = plaid.transaction(
        "t1", -4.5, account_id="card", authorized_date="2026-11-08", merchant_name="Shop Inc", pending=True
    )
    bank.always("/transactions/sync", plaid.page([row], cursor="c1"))

    read(institution, banks)

    card = account_row("card")
    assert (card.name, card.official_name, card.mask) == ("Plaid Credit Card", "Plaid Diamond", "3333")
    assert (card.type, card.subtype, card.persistent_account_id) == ("credit", "credit card", "p-1")
    assert (card.available, card.current, card.limit) == (Decimal(1590), Decimal(410), Decimal(2000))
    saved = transaction_row("t1")
    assert (saved.amount, saved.currency, saved.pending) == (Decimal("-4.5"), "USD", True)
    assert (saved.date, saved.authorized_date) == (date(2026, 11, 10), date(2026, 11, 8))
    assert (saved.name, saved.merchant_name, saved.account_id) == ("Shop", "Shop Inc", card.id)
    assert (saved.category, saved.category_detail) == ("FOOD_AND_DRINK", "FOOD_AND_DRINK_GROCERIES")


def test_a_second_identical_refresh_changes_nothing_and_asks_from_the_stored_cursor(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.always("/transactions/sync", plaid.page([plaid.transaction("t1")], cursor="c1"))
    read(institution, banks)
    before = (amounts(), balances(), [row.id for row in db.session.scalars(select(Account))])

    read(institution, banks)

    assert (amounts(), balances(), [row.id for row in db.session.scalars(select(Account))]) == before
    assert count(BalanceSnapshot) == 1
    assert cursors(bank.asked("/transactions/sync")) == [None, "c1"]


def test_the_banks_name_colour_and_logo_are_read_once(institution, bank, banks):
    png = "iVBORw0KGgo="
    face = {"institution_id": "ins_9", "name": "Tartan", "primary_color": "#10a0ff", "logo": png}
    bank.always("/institutions/get_by_id", {"institution": face})

    read(institution, banks)
    read(institution, banks)

    assert (institution.name, institution.primary_color, institution.has_logo) == ("Tartan", "#10a0ff", True)
    assert institution.logo == b"\x89PNG\r\n\x1a\n"
    assert institution.plaid_institution_id == "ins_9"
    assert len(bank.asked("/institutions/get_by_id")) == 1


def test_added_modified_and_removed_rows_of_several_pages_are_applied(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    first = [plaid.transaction(f"t{number}", number) for number in range(1, 5)]
    bank.next("/transactions/sync", plaid.page(first, cursor="c1"))
    read(institution, banks)
    ids = {row.plaid_transaction_id: row.id for row in db.session.scalars(select(Transaction))}
    bank.next(
        "/transactions/sync",
        plaid.page(
            [plaid.transaction("t5", 5)], modified=[plaid.transaction("t1", 1.11)], cursor="c2", more=True
        ),
        plaid.page(removed=["t2"], modified=[plaid.transaction("t1", 1.21)], cursor="c3", more=True),
        plaid.page([plaid.transaction("t6", -6)], removed=["t3"], cursor="c4"),
    )

    read(institution, banks)

    assert amounts() == {"t1": Decimal("1.21"), "t4": Decimal(4), "t5": Decimal(5), "t6": Decimal(-6)}
    assert cursors(bank.asked("/transactions/sync")) == [None, "c1", "c2", "c3"]
    assert institution.transactions_cursor == "c4"
    assert transaction_row("t1").id == ids["t1"], "a modified row stays the same row"


def test_a_row_removed_and_sent_again_on_a_later_page_stays(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.next("/transactions/sync", plaid.page([plaid.transaction("t1", 1)], cursor="c1"))
    read(institution, banks)
    bank.next(
        "/transactions/sync",
        plaid.page(removed=["t1"], cursor="c2", more=True),
        plaid.page([plaid.transaction("t1", 2)], cursor="c3"),
    )
    read(institution, banks)
    assert amounts() == {"t1": Decimal(2)}


def test_a_row_added_and_removed_within_one_update_is_never_kept(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.next(
        "/transactions/sync",
        plaid.page([plaid.transaction("t1"), plaid.transaction("t2", 3)], cursor="c2", more=True),
        plaid.page(removed=["t1"], cursor="c3"),
    )
    read(institution, banks)
    assert amounts() == {"t2": Decimal(3)}


def test_removing_what_was_never_there_changes_nothing(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.next("/transactions/sync", plaid.page([plaid.transaction("t1", 1)], cursor="c1"))
    read(institution, banks)
    bank.next("/transactions/sync", plaid.page(removed=["never", "seen"], cursor="c2"))
    assert read(institution, banks) is Outcome.DONE
    assert amounts() == {"t1": Decimal(1)}


def test_more_removals_than_one_statement_holds_are_all_applied(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    rows = [plaid.transaction(f"t{number:04}", 1) for number in range(2500)]
    bank.next("/transactions/sync", plaid.page(rows, cursor="c1"))
    read(institution, banks)
    assert count(Transaction) == 2500
    bank.next("/transactions/sync", plaid.page(removed=[f"t{n:04}" for n in range(1, 2500)], cursor="c2"))
    read(institution, banks)
    assert amounts() == {"t0000": Decimal(1)}


def test_equal_rows_twice_in_one_answer_count_once(institution, bank, banks):
    bank.always(
        "/accounts/get", plaid.accounts(plaid.account("a1", current=1), plaid.account("a1", current=2))
    )
    twice = [plaid.transaction("t1", 1), plaid.transaction("t1", 2)]
    bank.always("/transactions/sync", plaid.page(twice, modified=[plaid.transaction("t1", 3)], cursor="c1"))

    assert read(institution, banks) is Outcome.DONE

    assert balances() == {"a1": (Decimal(100), Decimal(2), None, "USD")}
    assert count(BalanceSnapshot) == 1
    assert amounts() == {"t1": Decimal(3)}


def test_two_real_equal_purchases_on_one_day_are_two_rows(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.always(
        "/transactions/sync",
        plaid.page([plaid.transaction("t1", 4.5), plaid.transaction("t2", 4.5)], cursor="c1"),
    )
    read(institution, banks)
    assert amounts() == {"t1": Decimal("4.5"), "t2": Decimal("4.5")}


def test_the_snapshot_is_of_the_owners_local_day_and_the_last_of_that_day_stays(institution, bank, banks):
    # 03:30 UTC on the 24th is still the evening of the 23rd in New York, where the owner lives.
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", available=100, current=110)))
    with time_machine.travel(datetime(2026, 11, 24, 3, 30, tzinfo=UTC), tick=False):
        read(institution, banks)
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", available=70, current=80)))
    with time_machine.travel(datetime(2026, 11, 24, 4, 59, tzinfo=UTC), tick=False):
        read(institution, banks)
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", available=60, current=75)))
    with time_machine.travel(datetime(2026, 11, 24, 5, 0, tzinfo=UTC), tick=False):
        read(institution, banks)
    assert snapshots() == {
        ("a1", date(2026, 11, 23)): (Decimal(70), Decimal(80), None, "USD"),
        ("a1", date(2026, 11, 24)): (Decimal(60), Decimal(75), None, "USD"),
    }


def test_after_a_success_the_daily_job_comes_at_six_of_the_owners_next_day(institution, bank, banks):
    with time_machine.travel(datetime(2026, 11, 24, 3, 30, tzinfo=UTC), tick=False):
        read(institution, banks)
    assert institution.scheduled_at == datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # 06:00 in New York


def test_until_the_whole_history_is_in_every_run_of_the_job_reads_again(institution, bank, banks):
    bank.always("/transactions/sync", plaid.page(cursor="c1", status="INITIAL_UPDATE_COMPLETE"))
    with time_machine.travel(datetime(2026, 11, 24, 3, 30, tzinfo=UTC), tick=False):
        read(institution, banks)
    assert (institution.state, institution.stage) == ("healthy", "done")
    assert institution.scheduled_at == datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
    assert institution.transactions_status == "INITIAL_UPDATE_COMPLETE"


@pytest.mark.parametrize("table", ["transactions", "balance_snapshots", "accounts"])
def test_a_failing_write_keeps_the_old_cursor_and_every_old_row(institution, bank, banks, table):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", current=1)))
    bank.next("/transactions/sync", plaid.page([plaid.transaction("t1", 1)], cursor="c1"))
    read(institution, banks)
    before = (amounts(), balances(), snapshots())
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", current=2), plaid.account("a2")))
    bank.next("/transactions/sync", plaid.page([plaid.transaction("t2", 2)], removed=["t1"], cursor="c2"))

    def fail(_connection, _cursor, statement, *_rest):
        if statement.lstrip().startswith(f"INSERT INTO {table} "):
            raise RuntimeError("the disk is full")

    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(RuntimeError, match="the disk is full"):
            read(institution, banks)
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)
    db.session.expire_all()

    assert (amounts(), balances(), snapshots()) == before
    assert institution.transactions_cursor == "c1"
    assert (institution.state, institution.error_code) == ("error", "INTERNAL")

    bank.next("/transactions/sync", plaid.page([plaid.transaction("t2", 2)], removed=["t1"], cursor="c2"))
    assert read(institution, banks) is Outcome.DONE
    assert amounts() == {"t2": Decimal(2)}
    assert cursors(bank.asked("/transactions/sync")) == [None, "c1", "c1"]
    assert (institution.state, institution.error_code) == ("healthy", None)


def test_a_bank_whose_name_could_not_be_read_is_asked_again(institution, bank, banks):
    bank.next("/institutions/get_by_id", plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500))
    bank.always("/institutions/get_by_id", {"institution": {"institution_id": "ins_9", "name": "Tartan"}})

    read(institution, banks)
    assert (institution.state, institution.identified) == ("healthy", False)
    read(institution, banks)

    assert (institution.name, institution.identified) == ("Tartan", True)
