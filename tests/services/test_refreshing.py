"""Refreshing an institution: what is written, what is left alone, who may write."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from extensions import db
from models import Account, BalanceSnapshot, FinancialInstitution, Transaction
from providers.registry import LazyBanks
from services.refreshing import Outcome, refresh
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_user
from tests.support.scripted_plaid import ScriptedPlaid


@pytest.fixture
def bank() -> Iterator[ScriptedPlaid]:
    with ScriptedPlaid() as server:
        yield server


@pytest.fixture
def banks(bank: ScriptedPlaid) -> LazyBanks:
    options = {
        "host": bank.url,
        "client_id": "id",
        "secret": "secret",
        "products": ["transactions"],
        "country_codes": ["US"],
    }
    return LazyBanks({"sandbox": options})


@pytest.fixture
def institution(context: Flask) -> FinancialInstitution:
    return make_institution(make_user(), state="new", stage="connecting", refreshed_at=None)


def run(institution: FinancialInstitution, banks: LazyBanks) -> Outcome:
    outcome = refresh(institution.id, banks, lease_seconds=60)
    db.session.expire_all()
    return outcome


def rows() -> dict[str, Decimal]:
    return {row.plaid_transaction_id: row.amount for row in db.session.scalars(select(Transaction))}


def test_the_first_refresh_writes_accounts_snapshot_transactions_and_cursor(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2", available=None, current=5.5)))
    bank.always("/transactions/sync", plaid.page([plaid.transaction("t1", 12.34567)], cursor="c1"))

    assert run(institution, banks) is Outcome.DONE

    saved = db.session.scalars(select(Account).order_by(Account.plaid_account_id)).all()
    assert [(row.available, row.current) for row in saved] == [(Decimal(100), Decimal(110)), (None, Decimal("5.5"))]
    assert len(db.session.scalars(select(BalanceSnapshot)).all()) == 2
    assert rows() == {"t1": Decimal("12.3457")}
    assert (institution.state, institution.stage, institution.name) == ("healthy", "done", "Bank of Tests")
    assert institution.transactions_cursor == "c1"
    assert institution.lease_id is None


def test_a_second_identical_refresh_changes_nothing(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.always("/transactions/sync", plaid.page([plaid.transaction("t1")], cursor="c1"))
    run(institution, banks)
    before = (rows(), [row.id for row in db.session.scalars(select(Account))])
    run(institution, banks)
    assert (rows(), [row.id for row in db.session.scalars(select(Account))]) == before
    assert bank.asked("/transactions/sync")[-1]["cursor"] == "c1"
