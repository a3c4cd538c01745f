"""Runs migrations, one process at a time: web dynos, a release phase and `./run` may start together.

On Postgres an advisory lock makes the second one wait; on SQLite a write transaction does (an immediate
BEGIN). Whoever waited finds nothing left to do.

The site goes on while a migration runs, and so does the code of before it: docs/decisions/0025-databases-that-fail.md.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text

from database import BUSY_TIMEOUT_MS
from extensions import db

LOCK_ID = 20_261_123
"""Any number, the same for every process of CashView."""
TURN_SECONDS = 600
LOCK_TIMEOUT = "5s"
"""A migration that cannot have its table by then fails, and is run again; waiting longer would stop the site."""


def run_offline() -> None:
    """Print the SQL instead of running it."""
    context.configure(
        url=current_app.config["SQLALCHEMY_DATABASE_URI"], target_metadata=db.metadata, literal_binds=True
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    with db.engine.connect() as connection, _turn(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            # Postgres: each migration is done or undone as a whole, and those before it stay. SQLite: one write
            # transaction around all of them is what makes others wait.
            transaction_per_migration=connection.dialect.name == "postgresql",
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


def _turn(connection: Connection) -> contextlib.AbstractContextManager[None]:
    return _postgres_turn(connection) if connection.dialect.name == "postgresql" else _sqlite_turn(connection)


@contextlib.contextmanager
def _postgres_turn(connection: Connection) -> Iterator[None]:
    """A session's advisory lock: it outlives the commits between migrations, and a killed process frees it.

    It is asked for again and again instead of waited for: a statement that waits holds a snapshot, and an index
    built CONCURRENTLY waits for every snapshot to go. The two would wait for each other.
    """
    deadline = time.monotonic() + TURN_SECONDS
    while not connection.scalar(text(f"SELECT pg_try_advisory_lock({LOCK_ID})")):
        connection.rollback()
        if time.monotonic() > deadline:
            raise SystemExit("Another process has been migrating this database for a long time. Is it stuck?")
        time.sleep(0.1)
    # While ALTER TABLE waits for its lock, everybody else's statements on that table queue behind it.
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(
        text("SET statement_timeout = 0")
    )  # a page may take 30 s, a migration of many rows longer
    connection.commit()
    try:
        yield
    finally:
        connection.invalidate()  # the lock and the settings end with it


@contextlib.contextmanager
def _sqlite_turn(connection: Connection) -> Iterator[None]:
    connection.exec_driver_sql("PRAGMA busy_timeout = 60000")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


if context.is_offline_mode():
    run_offline()
else:
    run_online()
