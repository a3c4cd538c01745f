"""Deleting an account: its data go, a mark stays, and the next refresh does not bring it back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.errors import NotFound
from extensions import db
from models import Account, BalanceSnapshot, User
from services.accounts import delete_account
from services.ownership import owned_account
from services.refreshing import Outcome
from services.reporting import dashboard, institution_view
from services.users import account_count
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_user
from tests.support.reading import account_row, amounts, balances, count, read
from tests.support.together import together


@pytest.fixture
def known(institution, bank, banks):
    """Two accounts (100 and 7 available) with one transaction each."""
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2", available=7)))
    rows = [plaid.transaction("t1", 1), plaid.transaction("t2", 2, account_id="a2")]
    bank.next("/transactions/sync", plaid.page(rows, cursor="c1"))
    read(institution, banks)
    return institution


def owner(institution) -> User:
    return db.session.get_one(User, institution.user_id)


def test_a_deleted_account_takes_its_transactions_and_balances_with_it(known):
    delete_account(account_row("a2"))
    assert amounts() == {"t1": Decimal(1)}
    assert count(BalanceSnapshot) == 1
    assert balances()["a2"] == (None, None, None, "USD")
    assert account_row("a2").official_name is None
    (line,) = dashboard(owner(known)).totals
    assert (line.holdings, line.net_worth) == (Decimal(100), Decimal(100))
    view = institution_view(known.id)
    assert view is not None
    assert (view.account_count, view.deleted_count) == (1, 1)
    assert account_count(owner(known)) == 1


def test_row_28_it_stays_deleted_after_refreshes_and_its_transactions_do_not_return(known, bank, banks):
    delete_account(account_row("a2"))
    again = [
        plaid.transaction("t2", 2.5, account_id="a2"),
        plaid.transaction("t3", 3, account_id="a2"),
        plaid.transaction("t4", 4),
    ]
    bank.next(
        "/transactions/sync",
        plaid.page(again, cursor="c2", accounts=[plaid.account("a2", available=9)]),
    )
    assert read(known, banks) is Outcome.DONE
    assert read(known, banks) is Outcome.DONE
    assert account_row("a2").deleted_at is not None
    assert balances()["a2"][:3] == (None, None, None)
    assert amounts() == {"t1": Decimal(1), "t4": Decimal(4)}
    assert count(Account) == 2
    assert count(BalanceSnapshot) == 1


def test_when_every_account_is_deleted_a_refresh_still_works(known, bank, banks):
    delete_account(account_row("a1"))
    delete_account(account_row("a2"))
    assert read(known, banks) is Outcome.DONE
    assert (amounts(), count(BalanceSnapshot)) == ({}, 0)
    assert dashboard(owner(known)).totals == []


def test_a_deleted_account_that_the_bank_forgets_too_stays_deleted(known, bank, banks):
    delete_account(account_row("a2"))
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    read(known, banks)
    assert (account_row("a2").deleted_at is not None, account_row("a2").closed) == (True, False)


def test_a_deleted_account_is_not_there_for_anybody(known):
    user = owner(known)
    number = account_row("a2").id
    assert owned_account(user, number).id == number
    with pytest.raises(NotFound):
        owned_account(make_user(), number)
    delete_account(account_row("a2"))
    with pytest.raises(NotFound):
        owned_account(user, number)


def test_two_clicks_at_once_are_one_deletion(app, known):
    assert together(app, *[lambda: delete_account(account_row("a2"))] * 2) == [None, None]
    assert account_row("a2").deleted_at is not None
    assert amounts() == {"t1": Decimal(1)}
