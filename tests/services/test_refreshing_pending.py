"""Pending transactions become posted ones, vanish, or change; a sum must hold each purchase exactly once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.accounts import delete_account
from tests.support import scripted_plaid as plaid
from tests.support.reading import account_row, amounts, balances, cursors, read, transaction_row

PENDING = plaid.transaction("pending", 20, pending=True)
POSTED = plaid.transaction("posted", 24.6, pending_transaction_id="pending")  # with the tip
OTHER = plaid.transaction("other", 5)
HELD = plaid.page([PENDING, OTHER], cursor="c1")


@pytest.fixture
def known(institution, bank, banks):
    """An institution with a pending restaurant bill of 20 and a posted row of 5."""
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.next("/transactions/sync", HELD)
    read(institution, banks)
    assert amounts() == {"pending": Decimal(20), "other": Decimal(5)}
    return institution


@pytest.mark.parametrize(
    "pages",
    [
        [plaid.page([POSTED], removed=["pending"], cursor="c2")],
        [plaid.page(removed=["pending"], cursor="c2", more=True), plaid.page([POSTED], cursor="c3")],
        [plaid.page([POSTED], cursor="c2", more=True), plaid.page(removed=["pending"], cursor="c3")],
        [plaid.page([POSTED], cursor="c2")],
    ],
    ids=["removal on the same page", "removal a page before", "removal a page after", "removal missing"],
)
def test_a_posted_row_replaces_its_pending_one(known, bank, banks, pages):
    bank.next("/transactions/sync", *pages)
    read(known, banks)
    assert amounts() == {"posted": Decimal("24.6"), "other": Decimal(5)}
    saved = transaction_row("posted")
    assert (saved.pending, saved.pending_transaction_id) == (False, "pending")


def test_pending_and_posted_within_one_first_update_leave_the_posted_one(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.next(
        "/transactions/sync", plaid.page([PENDING], cursor="c1", more=True), plaid.page([POSTED], cursor="c2")
    )
    read(institution, banks)
    assert amounts() == {"posted": Decimal("24.6")}


def test_a_pending_row_modified_in_the_update_that_posts_it_does_not_come_back(known, bank, banks):
    changed = plaid.transaction("pending", 21, pending=True)
    bank.next(
        "/transactions/sync",
        plaid.page([POSTED], cursor="c2", more=True),
        plaid.page(modified=[changed], cursor="c3"),
    )
    read(known, banks)
    assert amounts() == {"posted": Decimal("24.6"), "other": Decimal(5)}


def test_a_pending_row_that_vanishes_is_gone(known, bank, banks):
    bank.next("/transactions/sync", plaid.page(removed=["pending"], cursor="c2"))
    read(known, banks)
    assert amounts() == {"other": Decimal(5)}


def test_a_posted_row_that_names_no_pending_one_stands_beside_it_until_the_bank_removes_that(
    known, bank, banks
):
    posted = plaid.transaction("posted", 20)
    bank.next("/transactions/sync", plaid.page([posted], cursor="c2"))
    read(known, banks)
    assert amounts() == {"pending": Decimal(20), "posted": Decimal(20), "other": Decimal(5)}
    bank.next("/transactions/sync", plaid.page(removed=["pending"], cursor="c3"))
    read(known, banks)
    assert amounts() == {"posted": Decimal(20), "other": Decimal(5)}


def test_a_posted_row_naming_a_pending_one_that_was_never_seen_is_kept(known, bank, banks):
    stranger = plaid.transaction("posted", 7, pending_transaction_id="never seen")
    bank.next("/transactions/sync", plaid.page([stranger], cursor="c2"))
    read(known, banks)
    assert amounts() == {"pending": Decimal(20), "posted": Decimal(7), "other": Decimal(5)}


def test_a_posted_row_can_still_change_and_be_removed(known, bank, banks):
    bank.next("/transactions/sync", plaid.page([POSTED], removed=["pending"], cursor="c2"))
    read(known, banks)
    changed = plaid.transaction("posted", 24.61, pending_transaction_id="pending")
    bank.next("/transactions/sync", plaid.page(modified=[changed], cursor="c3"))
    read(known, banks)
    assert amounts()["posted"] == Decimal("24.61")
    bank.next("/transactions/sync", plaid.page(removed=["posted"], cursor="c4"))
    read(known, banks)
    assert amounts() == {"other": Decimal(5)}


def test_the_same_update_delivered_twice_changes_nothing(known, bank, banks):
    update = plaid.page([POSTED], removed=["pending"], cursor="c2")
    bank.next("/transactions/sync", update, update)
    read(known, banks)
    read(known, banks)
    assert amounts() == {"posted": Decimal("24.6"), "other": Decimal(5)}


def test_an_amount_that_is_no_number_leaves_the_row_out(known, bank, banks):
    rows = [
        plaid.transaction("nan", float("nan")),
        plaid.transaction("huge", 10**13),
        plaid.transaction("text", "12.00"),
        plaid.transaction("null", None),
        plaid.transaction("good", 0.00005),
    ]
    bank.next("/transactions/sync", plaid.page(rows, cursor="c2"))
    read(known, banks)
    assert amounts().keys() == {"pending", "other", "good"}
    assert amounts()["good"] == Decimal("0.0000"), "half-even: 0.00005 rounds to the even 0.0000"


def test_an_account_that_opened_between_the_two_calls_and_that_no_page_names_is_asked_for(known, bank, banks):
    opened = plaid.account("a2", available=20)
    bank.next(
        "/accounts/get",
        plaid.accounts(plaid.account("a1")),
        plaid.accounts(plaid.account("a1", available=1), opened),
    )
    bank.next("/transactions/sync", plaid.page([plaid.transaction("t9", 9, account_id="a2")], cursor="c2"))
    read(known, banks)
    assert amounts()["t9"] == Decimal(9)
    assert known.transactions_cursor == "c2"
    shown = {key: row[0] for key, row in balances().items()}
    assert shown == {"a1": Decimal(100), "a2": Decimal(20)}, "what was read of the others stays"


def test_rows_of_an_account_the_bank_names_days_later_are_read_then(known, bank, banks):
    """All of them, as they are by then: history is read from its start until every row could be written."""
    ghost = plaid.transaction("t9", 9, account_id="ghost")
    bank.next("/transactions/sync", plaid.page([ghost, plaid.transaction("t3", 3)], cursor="c2"))
    read(known, banks)
    assert "t9" not in amounts()
    assert amounts()["t3"] == Decimal(3)
    assert (known.state, known.transactions_cursor) == ("healthy", None)

    bank.always("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("ghost")))
    bank.next("/transactions/sync", plaid.page([ghost], cursor="c3"))
    read(known, banks)
    assert cursors(bank.asked("/transactions/sync"))[-1] is None
    assert amounts() == {"t9": Decimal(9)}
    assert known.transactions_cursor == "c3"


def test_rows_of_an_account_the_person_deleted_hold_nothing_back(known, bank, banks):
    delete_account(account_row("a1"))
    asked = len(bank.asked("/accounts/get"))
    bank.next("/transactions/sync", plaid.page([plaid.transaction("t9")], cursor="c2"))
    read(known, banks)
    assert amounts() == {}
    assert known.transactions_cursor == "c2"
    assert len(bank.asked("/accounts/get")) == asked + 1
