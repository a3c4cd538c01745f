"""Fault row 32: a migration runs while the site does, and the code of before it goes on for a while.

Every revision only adds. The old code's statements (written out here, without what it cannot know) work before and
after each of them, what they leave is read by the new code, and no table is held while rows are worked through.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from extensions import db
from models import FinancialInstitution, Transaction, User
from services import health, spending
from services.reporting import dashboard
from tests.services.test_migrations import ended, migrate
from tests.support.databases import another_database
from vault import vault

pytestmark = pytest.mark.slow

NOW = "2026-11-23 10:00:00+00:00"
OLD_CODE = [  # what the code of revision 0001 writes when a person signs up, links a bank and refreshes it
    """
    INSERT INTO users (username, username_key, password_hash, phone_number, first_name, last_name,
    account_type, timezone, is_demo, created_at) VALUES (:name, :name, '!', :phone, 'A', 'B', 'sandbox',
    'America/New_York', false, :now)
    """,
    """
    INSERT INTO financial_institutions (user_id, environment, plaid_item_id, access_token,
    public_token_hash, name, has_logo, identified, state, stage, created_at, scheduled_at, attempts,
    realtime_wanted) SELECT id, 'sandbox', :name, :token, :name, 'Bank', false, true, 'healthy', 'done',
    :now, :now, 0, false FROM users WHERE username = :name
    """,
    """
    INSERT INTO accounts (financial_institution_id, plaid_account_id, name, type, subtype, available,
    currency, created_at) SELECT id, 'a1', 'Checking', 'depository', 'checking', 1000000, 'USD', :now
    FROM financial_institutions WHERE plaid_item_id = :name
    """,
    """
    INSERT INTO transactions (financial_institution_id, account_id, plaid_transaction_id, amount,
    currency, date, name, pending, category) SELECT financial_institution_id, id, 't1', 120000, 'USD',
    '2026-11-20', 'Shop', false, 'FOOD_AND_DRINK' FROM accounts WHERE financial_institution_id = (SELECT
    id FROM financial_institutions WHERE plaid_item_id = :name)
    """,
]
OLD_READS = [
    "SELECT username, phone_number, is_demo FROM users",
    "SELECT name, state, stage, due_at FROM financial_institutions",
    "SELECT name, available, currency FROM accounts",
    "SELECT amount, currency, date, pending, category FROM transactions",
]
REVISIONS = ["0001", "0002", "0003", "0004", "0005"]


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> str:
    return another_database(database_url, tmp_path)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def site(url: str, app_with: Callable[..., Flask]) -> Iterator[Flask]:
    """The new code on a database that nobody has migrated yet."""
    other = app_with(database_url=url)
    with other.app_context():
        yield other
        db.session.remove()
        db.engine.dispose()


def as_the_old_code(engine: Engine, name: str) -> None:
    values = {
        "name": name,
        "now": NOW,
        "phone": vault.encrypt("+14155552671"),
        "token": vault.encrypt("access-old"),
    }
    with engine.begin() as connection:
        for statement in OLD_CODE:
            connection.execute(text(statement), values)
        for query in OLD_READS:
            assert connection.execute(text(query)).all()


def test_row_32_the_old_code_works_before_and_after_every_revision_and_the_new_one_reads_its_rows(
    site: Flask, engine: Engine
):
    for revision in REVISIONS:
        upgrade(revision=revision)
        as_the_old_code(engine, f"person{revision}")
    upgrade()
    assert health.ready() is None, "this test knows every revision, or lacks only newer ones"
    while spending.reclassify():
        pass
    people = db.session.query(User).order_by(User.username).all()
    assert [person.username for person in people] == [f"person{revision}" for revision in REVISIONS]
    for person in people:
        (shown,) = dashboard(person).institutions
        assert [line.holdings for line in shown.totals] == [100]
        assert person.phone_number == "+14155552671"
    assert db.session.query(Transaction).filter_by(spending_class="counted").count() == len(REVISIONS)
    assert db.session.query(FinancialInstitution).filter_by(state="healthy").count() == len(REVISIONS)


def test_row_32_a_number_kept_by_the_old_code_is_hashed_when_the_migration_comes_by(site: Flask, engine):
    upgrade(revision="0004")
    as_the_old_code(engine, "early")
    upgrade()
    as_the_old_code(engine, "late")
    hashes = {person.username: person.phone_hash for person in db.session.query(User)}
    assert hashes == {"early": vault.digest("phone", "+14155552671"), "late": ""}


def test_row_32_nothing_that_old_code_knows_is_taken_away(site: Flask, engine: Engine):
    known: dict[str, set[str]] = {}
    for revision in [*REVISIONS, "head"]:
        upgrade(revision=revision)
        found = {
            table: {column["name"] for column in inspect(engine).get_columns(table)}
            for table in inspect(engine).get_table_names()
        }
        for table, columns in known.items():
            assert columns <= found.get(table, set()), f"{revision} takes something from {table}"
            new = [each for each in inspect(engine).get_columns(table) if each["name"] not in columns]
            bare = [each["name"] for each in new if not each["nullable"] and each["default"] is None]
            assert bare == [], f"{revision}: old code cannot write {table} without {bare}"
        known = found


# Postgres: what a table that is in use asks for


@pytest.fixture
def at_0004(site: Flask, engine: Engine) -> Flask:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite locks the whole file, and migrates a file of one household in a moment")
    upgrade(revision="0004")
    as_the_old_code(engine, "early")
    return site


def test_row_32_indexes_on_tables_in_use_are_built_beside_a_writer(at_0004, engine, url, tmp_path):
    """A transaction that writes both tables is open all the time, and the old code goes on writing while the build
    waits for it."""
    with engine.connect() as writer:
        writer.execute(text("UPDATE users SET first_name = 'C'"))
        writer.execute(text("UPDATE transactions SET name = 'D'"))
        process = migrate(url, tmp_path)
        try:
            wait_until(lambda: building(engine))
            as_the_old_code(engine, "meanwhile")
            writer.commit()
        finally:
            ((code, errors),) = ended(process)
    assert code == 0, errors
    assert valid_indexes(engine) == {"ix_transactions_spending_version", "ix_users_phone_hash"}


def wait_until(condition: Callable[[], Any]) -> None:
    tick = threading.Event()
    for _ in range(1200):
        if condition():
            return
        tick.wait(0.05)
    raise TimeoutError


def building(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_stat_progress_create_index")))


def valid_indexes(engine: Engine) -> set[str]:
    query = (
        "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indisvalid AND relname IN"
        " ('ix_transactions_spending_version', 'ix_users_phone_hash')"
    )
    with engine.connect() as connection:
        return set(connection.execute(text(query)).scalars())


def test_row_32_a_build_that_was_cut_off_is_done_again(at_0004, engine, url, tmp_path):
    """Killed while the first index waits for a writer: it stays, invalid, and the next run replaces it."""
    with engine.connect() as writer:
        writer.execute(text("UPDATE transactions SET name = 'D'"))
        process = migrate(url, tmp_path)
        wait_until(lambda: building(engine))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index"
            admin.execute(text(query))
        ((code, _errors),) = ended(process)
        writer.commit()
    assert code != 0
    assert valid_indexes(engine) == set()
    ((code, errors),) = ended(migrate(url, tmp_path))
    assert code == 0, errors
    assert valid_indexes(engine) == {"ix_transactions_spending_version", "ix_users_phone_hash"}
    assert db.session.query(User).filter_by(phone_hash="").count() == 0


def test_row_32_several_migrate_while_an_index_is_built(at_0004, engine, url, tmp_path):
    """Whoever waits for its turn holds no snapshot that the build would wait for."""
    with engine.connect() as writer:
        writer.execute(text("UPDATE transactions SET name = 'D'"))
        processes = [migrate(url, tmp_path) for _ in range(3)]
        try:
            wait_until(lambda: building(engine))
            writer.commit()
        finally:
            outcomes = ended(*processes)
    assert [code for code, _errors in outcomes] == [0, 0, 0], outcomes


def test_row_32_a_table_that_is_not_to_be_had_fails_the_migration_and_not_the_site(site, engine, monkeypatch):
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no locks on tables")
    upgrade(revision="0003")
    with engine.connect() as reader:  # a report that runs for hours
        reader.execute(text("SELECT count(*) FROM financial_institutions"))
        with pytest.raises(OperationalError, match="lock timeout"):
            upgrade(revision="0004")
        as_the_old_code(engine, "meanwhile")
    upgrade()
    assert health.ready() is None
    downgrade(revision="0004")
    upgrade()
