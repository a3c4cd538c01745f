"""Migrations: from an empty database to the tables of models.py, also by several processes at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, delete, inspect, text

from extensions import db
from models import Account, FinancialInstitution, ItemRemoval, User
from services import health
from tests.support.databases import another_database
from tests.support.factories import _added, make_account, make_institution, make_user
from tests.support.settings import VALUES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty_url(database_url: str, tmp_path: Path) -> str:
    """An empty database of the kind under test."""
    return another_database(database_url, tmp_path)


@pytest.fixture
def empty(empty_url: str) -> Iterator[Engine]:
    engine = create_engine(empty_url)
    yield engine
    engine.dispose()


def migrate(url: str, folder: Path, *words: str) -> subprocess.Popen[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "db", *(words or ("upgrade",))],
        cwd=ROOT,
        env={**kept, **VALUES, "DATABASE_URL": url, "INSTANCE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(*processes: subprocess.Popen[str]) -> list[tuple[int, str]]:
    """Exit code and error output of each; none outlives the test."""
    try:
        errors = [process.communicate(timeout=120)[1] for process in processes]
        return [(process.returncode, error) for process, error in zip(processes, errors, strict=True)]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


def shape(engine: Engine) -> dict[str, Any]:
    """Tables as the database describes them: columns, keys, constraints, indexes."""
    found, tables = inspect(engine), {}
    for table in found.get_table_names():
        if table == "alembic_version":
            continue
        tables[table] = {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column.get("identity") is not None)
                for column in found.get_columns(table)
            },
            "primary key": found.get_pk_constraint(table)["constrained_columns"],
            "foreign keys": sorted(map(repr, found.get_foreign_keys(table))),
            "unique": sorted(
                (row["name"], row["column_names"]) for row in found.get_unique_constraints(table)
            ),
            "checks": sorted((row["name"], row["sqltext"]) for row in found.get_check_constraints(table)),
            "indexes": sorted(
                (row["name"], row["column_names"], bool(row["unique"])) for row in found.get_indexes(table)
            ),
        }
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            names = connection.execute(
                text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")
            )
            tables["ids never reused"] = sorted(names.scalars())
    return tables


def test_the_models_and_the_migrations_describe_the_same_tables(context, empty):
    with db.engine.connect() as connection:
        migration = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(migration, db.metadata) == []
    db.metadata.create_all(empty)
    migrated, modelled = shape(db.engine), shape(empty)
    assert migrated.keys() == modelled.keys()
    for table, description in modelled.items():
        assert migrated[table] == description, table
    assert "financial_institutions" in migrated


@pytest.mark.parametrize("number", [2, 4])
def test_processes_that_migrate_one_empty_database_at_the_same_time_all_succeed(
    context, empty, empty_url, tmp_path, number
):
    processes = [migrate(empty_url, tmp_path) for _ in range(number)]
    outcomes = ended(*processes)
    assert [code for code, _errors in outcomes] == [0] * number, outcomes
    assert shape(empty) == shape(db.engine)
    with empty.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_up_again_changes_nothing_and_down_leaves_nothing(context, empty, empty_url, tmp_path):
    assert ended(migrate(empty_url, tmp_path))[0][0] == 0
    with empty.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO item_removals (environment, plaid_item_id, access_token, attempts, created_at)"
                " VALUES ('sandbox', 'kept', 't', 0, '2026-11-23 10:00:00+00')"
            )
        )
    assert ended(migrate(empty_url, tmp_path))[0][0] == 0
    with empty.connect() as connection:
        assert connection.execute(text("SELECT plaid_item_id FROM item_removals")).scalars().all() == ["kept"]
    code, errors = ended(migrate(empty_url, tmp_path, "downgrade", "base"))[0]
    assert code == 0, errors
    assert [table for table in shape(empty) if table != "ids never reused"] == []


def test_a_process_knows_whether_its_database_is_migrated(context):
    assert health.ready() is None
    db.session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    assert health.ready() == "migrations are not current"
    db.session.rollback()
    assert health.ready() is None


def remove_removal(_user: User) -> ItemRemoval:
    values = {
        "environment": "sandbox",
        "plaid_item_id": "x",
        "access_token": "t",
        "due_at": datetime.now(UTC),
    }
    return _added(ItemRemoval(**values))


@pytest.mark.parametrize(
    "table, make",
    [
        (User, lambda _user: make_user()),
        (FinancialInstitution, make_institution),
        (Account, lambda user: make_account(make_institution(user))),
        (ItemRemoval, remove_removal),
    ],
)
def test_an_id_that_was_deleted_never_comes_to_mean_something_else(context, table, make):
    user = make_user()
    seen = set()
    for _ in range(3):
        number = make(user).id
        assert number not in seen
        assert number > max(seen, default=0)
        seen.add(number)
        db.session.execute(delete(table).where(table.id == number))
        db.session.commit()
        db.session.expunge_all()
