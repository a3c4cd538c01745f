"""Runs migrations, one process at a time: web dynos, a release phase and `./run` may start together.

On Postgres an advisory lock makes the second one wait; on SQLite a write transaction does (an immediate
BEGIN). Whoever waited finds nothing left to do.
"""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text

from extensions import db

LOCK_ID = 20_261_123
"""Any number, the same for every process of CashView."""


def run_offline() -> None:
    """Print the SQL instead of running it."""
    context.configure(
        url=current_app.config["SQLALCHEMY_DATABASE_URI"], target_metadata=db.metadata, literal_binds=True
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    with db.engine.connect() as connection:
        _wait_for_turn(connection)
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


def _wait_for_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Held until the transaction ends, so a killed process frees it.
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        # A page may take 30 s, a migration of many rows may take longer.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_ID})"))
    else:
        connection.exec_driver_sql("PRAGMA busy_timeout = 60000")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


if context.is_offline_mode():
    run_offline()
else:
    run_online()
