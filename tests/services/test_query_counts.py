"""How many SQL statements a page and a job need, whatever the number of rows (DESIGN.md 10)."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import insert, inspect, select

from database import utcnow
from domain.periods import local_date
from extensions import db
from models import Account, FinancialInstitution, User
from services.refreshing import Outcome, refresh
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_tracker, make_transaction, make_user
from tests.support.reading import amounts, balances, read
from tests.support.serving import ServedApp, signed_in
from tests.support.statements import StatementCounter

DASHBOARD = [
    "SELECT user_sessions",  # whose browser is this, and who is that?
    "SELECT financial_institutions",  # the cards
    "SELECT accounts",  # every account on them, its tracker, and what was spent
]
ANEW = "SELECT accounts"
"""Only where a connection is broken: was its bank linked anew, and is an account left of it?"""
BUDGET = 6
SIZES = [(2, 6), (10, 10), (50, 20)]


def fill(user: User, institutions: int, accounts: int) -> None:
    """Healthy institutions with as many checking accounts each, 1.25 available in every one."""
    numbers = [make_institution(user).id for _ in range(institutions)]
    rows = [
        {
            "financial_institution_id": number,
            "plaid_account_id": f"p{index}",
            "name": f"Account {index}",
            "type": "depository",
            "available": Decimal("1.25"),
            "currency": "USD",
        }
        for number in numbers
        for index in range(accounts)
    ]
    db.session.execute(insert(Account), rows)
    db.session.commit()


@pytest.mark.parametrize("path", ["/", "/dashboard.json"])
def test_the_dashboard_needs_the_same_few_statements_for_any_number_of_accounts(app: Flask, path: str):
    seen = {}
    for institutions, accounts in SIZES:
        with app.app_context():
            user = make_user()
            fill(user, institutions, accounts)
            cookie = signed_in(app, user)
            engine = db.engine
        with ServedApp(app) as served, StatementCounter(engine) as counter:
            status, body = served.get(path, cookie)
        assert status == 200
        assert body.count(f"Account {accounts - 1}") >= institutions
        if path.endswith(".json"):
            (total,) = json.loads(body)["totals"]
            expected = f"{Decimal('1.25') * institutions * accounts:.2f}"
            assert total == {"currency": "USD", "holdings": expected, "net_worth": expected}
        seen[institutions, accounts] = counter.verbs
        assert len(counter.statements) <= BUDGET, "\n".join(counter.statements)
    assert seen == dict.fromkeys(SIZES, DASHBOARD)


def test_the_page_of_connections_needs_three_statements_however_many_there_are(app: Flask):
    for institutions in (1, 50):
        with app.app_context():
            user = make_user()
            fill(user, institutions, 20)
            make_institution(user, state="needs_login", error_code="ITEM_LOGIN_REQUIRED")
            cookie = signed_in(app, user)
            engine = db.engine
        with ServedApp(app) as served, StatementCounter(engine) as counter:
            status, body = served.get("/connections", cookie)
        assert status == 200
        assert body.count("connection-") >= institutions + 1
        # The connections with how many accounts they have, and which of the broken ones was linked anew.
        assert counter.verbs == ["SELECT user_sessions", "SELECT accounts", ANEW]


@pytest.mark.parametrize("path", ["/", "/dashboard.json"])
def test_budget_trackers_cost_no_statement_more_however_many_there_are(app: Flask, path: str):
    for trackers in (1, 50):
        with app.app_context():
            user = make_user(account_type="development")
            fill(user, 5, 20)
            mine = select(Account).join(FinancialInstitution).where(FinancialInstitution.user_id == user.id)
            for account in db.session.scalars(mine.limit(trackers)).all():
                make_tracker(account)
                make_transaction(account, "7.77", date=local_date(utcnow(), user.timezone))
            cookie = signed_in(app, user)
            engine = db.engine
        with ServedApp(app) as served, StatementCounter(engine) as counter:
            status, body = served.get(path, cookie)
        assert status == 200
        assert body.count("7.77") >= trackers
        assert counter.verbs == DASHBOARD


def answers(bank, accounts: int, transactions: int, *, after: int = 0) -> None:
    """So many accounts, and one update: `transactions` added, a tenth of them with a pending row removed."""
    rows = [plaid.account(f"a{number}", available=number) for number in range(accounts)]
    bank.always("/accounts/get", plaid.accounts(*rows))
    added = [
        plaid.transaction(f"t{after + number}", 1, account_id=f"a{number % accounts}")
        for number in range(transactions)
    ]
    removed = [f"t{number}" for number in range(after // 10)]
    bank.next("/transactions/sync", plaid.page(added, removed=removed, cursor=f"c{after + transactions}"))


LOCK = "lock: is the lease still ours? A row lock on Postgres, the first write on SQLite"
REFRESH = [
    "UPDATE financial_institutions",  # claim
    LOCK,
    "SELECT accounts",  # vendor ids to ours; what the person deleted
    "INSERT accounts",  # every reported account
    "INSERT balance_snapshots",  # the day's balances
    "DELETE transactions",  # what was removed (on the first reading: everything)
    "INSERT transactions",  # what was added or changed
    "UPDATE financial_institutions",  # cursor, state, lease given back
]


def statements(expected: list[str]) -> list[str]:
    """The expected statements with the lock as this database takes it (services/leases.py, hold)."""
    verb = "SELECT" if db.engine.dialect.name == "postgresql" else "UPDATE"
    return [f"{verb} financial_institutions" if line is LOCK else line for line in expected]


@pytest.mark.parametrize("accounts, transactions", [(1, 1), (6, 100), (40, 900)])
def test_a_refresh_by_the_job_is_eight_statements_and_two_commits_for_any_number_of_rows(
    institution: FinancialInstitution, bank, banks, accounts, transactions
):
    for after in (0, transactions):
        answers(bank, accounts, transactions, after=after)
        with StatementCounter(db.engine) as counter:
            outcome = read_as_the_job(institution, banks)
        assert outcome is Outcome.DONE
        assert counter.commits == 2
        assert len(counter.statements) <= 8, "\n".join(counter.verbs)
        assert counter.verbs == statements(REFRESH) or (after < 10 and counter.verbs == without_removals())
    assert len(balances()) == accounts
    assert len(amounts()) == 2 * transactions - transactions // 10


def without_removals() -> list[str]:
    return [verb for verb in statements(REFRESH) if verb != "DELETE transactions"]


def read_as_the_job(institution: FinancialInstitution, banks) -> Outcome:
    """By the number alone, as the job does."""
    (number,) = inspect(institution).identity
    return refresh(number, banks, lease_seconds=60)


def test_a_history_of_thousands_of_rows_is_written_in_batches_not_one_by_one(institution, bank, banks):
    answers(bank, 2, 4000)
    with StatementCounter(db.engine) as counter:
        assert read_as_the_job(institution, banks) is Outcome.DONE
    assert len(amounts()) == 4000
    assert len(counter.statements) <= len(REFRESH) + 4, "\n".join(counter.verbs)
    assert counter.commits == 2


def test_a_refresh_in_which_nothing_is_new_writes_no_transaction(institution, bank, banks):
    answers(bank, 6, 10)
    read(institution, banks)
    bank.always("/transactions/sync", plaid.page(cursor="c2"))
    with StatementCounter(db.engine) as counter:
        read_as_the_job(institution, banks)
    assert counter.verbs == [verb for verb in statements(REFRESH) if not verb.endswith(" transactions")]
    assert counter.commits == 2


def test_accounts_that_vanish_stay_within_the_budget(institution, bank, banks):
    answers(bank, 6, 100)
    read(institution, banks)
    answers(bank, 4, 100, after=100)
    with StatementCounter(db.engine) as counter:
        read_as_the_job(institution, banks)
    assert len(counter.statements) <= 8, "\n".join(counter.verbs)
    assert counter.commits == 2


def test_a_failed_refresh_costs_two_statements_and_two_commits(institution, bank, banks):
    bank.always("/accounts/get", plaid.failure("ITEM_LOGIN_REQUIRED"))
    read(institution, banks)
    with StatementCounter(db.engine) as counter:
        assert read_as_the_job(institution, banks) is Outcome.FAILED
    assert counter.verbs == ["UPDATE financial_institutions"] * 2
    assert counter.commits == 2
