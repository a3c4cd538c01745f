"""Access withdrawn at the bank: what it gave is deleted; what the person made themselves stays for a new link."""

from __future__ import annotations

import pytest

from extensions import db
from models import Account, BalanceSnapshot, BudgetTracker, Transaction, User
from services.accounts import delete_account
from services.refreshing import Outcome
from services.waiting import due_now, scheduled_now
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution, make_tracker, make_transaction
from tests.support.reading import account_row, count, read


@pytest.fixture
def known(institution, bank, banks):
    """Three accounts with a transaction each: one tracked, one deleted by the person, one neither."""
    names = ("tracked", "gone", "plain")
    bank.always("/accounts/get", plaid.accounts(*[plaid.account(name, name=name) for name in names]))
    rows = [plaid.transaction(f"t-{name}", account_id=name) for name in names]
    bank.next("/transactions/sync", plaid.page(rows, cursor="c1"))
    assert read(institution, banks) is Outcome.DONE
    make_tracker(account_row("tracked"))
    delete_account(account_row("gone"))
    return institution


@pytest.mark.parametrize("path", ["/accounts/get", "/transactions/sync"])
def test_everything_the_bank_gave_is_deleted(known, bank, banks, path):
    last_success = known.refreshed_at
    bank.always(path, plaid.failure("USER_PERMISSION_REVOKED"))
    assert read(known, banks) is Outcome.FAILED
    assert (known.state, known.error_code) == ("revoked", "USER_PERMISSION_REVOKED")
    assert known.purged_at is not None
    assert known.refreshed_at == last_success
    assert (known.transactions_cursor, known.balances_as_of, known.lease_id, known.due_at) == (None,) * 4
    assert (count(Transaction), count(BalanceSnapshot)) == (0, 0)
    assert due_now(known.purged_at) == []
    assert known.id not in scheduled_now(known.purged_at)


def test_the_tracker_and_the_mark_of_a_deleted_account_stay_empty(known, bank, banks):
    bank.always("/accounts/get", plaid.failure("USER_PERMISSION_REVOKED"))
    read(known, banks)
    assert {row.plaid_account_id for row in db.session.query(Account)} == {"tracked", "gone"}
    assert count(BudgetTracker) == 1
    tracked = account_row("tracked")
    assert (tracked.available, tracked.current, tracked.limit, tracked.official_name) == (None,) * 4
    assert tracked.closed
    assert account_row("gone").deleted_at is not None


def test_other_banks_are_not_touched(known, bank, banks):
    other = make_account(make_institution(known_user(known)))
    make_transaction(other, "5")
    bank.always("/accounts/get", plaid.failure("USER_PERMISSION_REVOKED"))
    read(known, banks)
    assert count(Transaction) == 1
    assert db.session.get(Account, other.id) is not None


def known_user(institution):
    return db.session.get_one(User, institution.user_id)
