"""Data that changes while it is being paged: everything is read again from the stored cursor."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.reading import MAX_RESTARTS
from services.refreshing import Outcome
from tests.support import scripted_plaid as plaid
from tests.support.reading import amounts, cursors, read

MUTATION = plaid.failure("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", "TRANSACTIONS_ERROR")


@pytest.fixture
def known(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.next("/transactions/sync", plaid.page([plaid.transaction("t1", 1)], cursor="c1"))
    read(institution, banks)
    bank.requests.clear()
    return institution


def test_row_23_a_mutation_restarts_from_the_stored_cursor_and_forgets_the_pages_read_before(
    known, bank, banks
):
    bank.next(
        "/transactions/sync",
        plaid.page([plaid.transaction("stale", 9)], removed=["t1"], cursor="x2", more=True),
        MUTATION,
        plaid.page([plaid.transaction("t2", 2)], cursor="y2", more=True),
        plaid.page([plaid.transaction("t3", 3)], cursor="y3"),
    )
    assert read(known, banks) is Outcome.DONE
    assert cursors(bank.asked("/transactions/sync")) == ["c1", "x2", "c1", "y2"]
    assert amounts() == {"t1": Decimal(1), "t2": Decimal(2), "t3": Decimal(3)}
    assert known.transactions_cursor == "y3"


def test_row_23_a_mutation_of_the_very_first_reading_restarts_without_a_cursor(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.next(
        "/transactions/sync",
        plaid.page([plaid.transaction("stale")], cursor="x1", more=True),
        MUTATION,
        plaid.page([plaid.transaction("t1", 1)], cursor="y1"),
    )
    read(institution, banks)
    assert cursors(bank.asked("/transactions/sync")) == [None, "x1", None]
    assert amounts() == {"t1": Decimal(1)}


def test_repeated_mutations_restart_each_time(known, bank, banks):
    bank.next(
        "/transactions/sync",
        MUTATION,
        plaid.page(cursor="x2", more=True),
        MUTATION,
        plaid.page([plaid.transaction("t2", 2)], cursor="y2"),
    )
    assert read(known, banks) is Outcome.DONE
    assert cursors(bank.asked("/transactions/sync")) == ["c1", "c1", "x2", "c1"]
    assert amounts() == {"t1": Decimal(1), "t2": Decimal(2)}


def test_row_23_mutations_without_end_are_given_up_and_nothing_is_written(known, bank, banks):
    bank.always("/transactions/sync", MUTATION)
    assert read(known, banks) is Outcome.FAILED
    assert cursors(bank.asked("/transactions/sync")) == ["c1"] * MAX_RESTARTS
    assert amounts() == {"t1": Decimal(1)}
    assert known.transactions_cursor == "c1"
    assert (known.state, known.error_code) == ("error", "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")


def test_row_23_a_page_that_fails_after_good_ones_writes_none_of_them(known, bank, banks):
    bank.next(
        "/transactions/sync",
        plaid.page([plaid.transaction("t2", 2)], removed=["t1"], cursor="x2", more=True),
        plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500),
    )
    assert read(known, banks) is Outcome.FAILED
    assert amounts() == {"t1": Decimal(1)}
    assert known.transactions_cursor == "c1"


def test_pages_without_end_do_not_hold_a_worker_for_ever(known, bank, banks, monkeypatch):
    monkeypatch.setattr("services.reading.MAX_PAGES", 4)
    bank.always("/transactions/sync", plaid.page([plaid.transaction("t2")], cursor="same", more=True))
    assert read(known, banks) is Outcome.FAILED
    assert len(bank.asked("/transactions/sync")) == 4
    assert (known.error_code, known.transactions_cursor) == ("ENDLESS_PAGES", "c1")
    assert amounts() == {"t1": Decimal(1)}


@pytest.mark.parametrize(
    "broken",
    [
        (200, b"<html>Bad gateway</html>"),
        (200, b"[1, 2]"),
        (200, b""),
        (200, b'{"added": ["'),
        {"added": [], "modified": [], "removed": [], "has_more": False},
        {**plaid.page(cursor="c2"), "added": [{"transaction_id": "t2"}]},
        {**plaid.page(cursor="c2"), "added": {"transaction_id": "t2"}},
        plaid.page([plaid.transaction("t2", date="2026-02-30")], cursor="c2"),
        {**plaid.page(cursor="c2"), "removed": ["t1"]},
        {**plaid.page(cursor="c2"), "added": None},
        {**plaid.page(cursor="c2"), "next_cursor": {"a": 1}, "has_more": True, "removed": None},
    ],
)
def test_an_answer_that_is_not_plaids_is_the_vendors_failure_and_writes_nothing(known, bank, banks, broken):
    bank.next("/transactions/sync", broken)
    assert read(known, banks) is Outcome.FAILED
    assert (known.state, known.error_code, known.transactions_cursor) == ("error", "INVALID_RESPONSE", "c1")
    assert amounts() == {"t1": Decimal(1)}
