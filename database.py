"""How values rest in the database, the same on SQLite and Postgres, and SQLite's manners."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, cast

from sqlalchemy import BigInteger, DateTime, Engine, Text, event, literal_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult, Dialect, ExceptionContext, Result
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import TypeDecorator

from domain.money import from_units, to_units
from vault import vault

BUSY_TIMEOUT_MS = 10_000
_WRITES = ("INSERT", "UPDATE", "DELETE", "SAVEPOINT", "CREATE", "ALTER", "DROP")


class Amount(TypeDecorator[Decimal]):
    """A Decimal kept as a 64-bit integer of 1/10000: exact, and SUM in SQL stays exact."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else to_units(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else from_units(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC. Naive values are refused: they have no meaning across zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class EncryptedText(TypeDecorator[str]):
    """Text that is only ever stored encrypted. Reading raises vault.UndecryptableError under wrong keys."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else vault.encrypt(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else vault.decrypt(value)


def utcnow() -> datetime:
    return datetime.now(UTC)


def upsert(
    table: Any, keys: Sequence[str], update: Sequence[str], dialect: str, returning: Sequence[str] = ()
) -> Any:
    """INSERT .. ON CONFLICT (keys) DO UPDATE of these columns, to be executed with a list of rows of different keys:
    one statement (per 1,000 rows) however many rows; both databases speak it. It answers with `returning`."""
    return _upsert(table, tuple(keys), tuple(update), dialect, tuple(returning))


@cache
def _upsert(
    table: Any, keys: tuple[str, ...], update: tuple[str, ...], dialect: str, returning: tuple[str, ...]
) -> Any:
    """Built once: making `excluded` copies every column, a quarter of what a refresh costs."""
    statement = _insert(table, dialect)
    statement = statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in update}
    )
    if returning:
        return statement.returning(*[table.c[name] for name in returning])
    # Only for the sake of an answer does SQLAlchemy join the rows of an upsert to one statement; psycopg2 would send
    # each by itself. (The driver of SQLite repeats a statement faster than a long one can be written.)
    return statement.returning(literal_column("1")) if dialect == "postgresql" else statement


def upsert_from(table: Any, source: Any, keys: Sequence[str], dialect: str) -> Any:
    """INSERT .. SELECT .. ON CONFLICT (keys) DO UPDATE of all other columns that the SELECT names."""
    names = [column.name for column in source.selected_columns]
    statement = _insert(table, dialect).from_select(names, source)
    others = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


def insert_or_update(
    table: Any, row: dict[str, Any], keys: list[str], update: dict[str, Any], dialect: str
) -> Any:
    """INSERT of one row, or an UPDATE of the one that is there by these expressions over its own columns."""
    return _insert(table, dialect).values(**row).on_conflict_do_update(index_elements=keys, set_=update)


def insert_ignoring(table: Any, keys: Sequence[str], dialect: str) -> Any:
    """INSERT .. ON CONFLICT (keys) DO NOTHING: rows that are there already stay as they are."""
    return _insert(table, dialect).on_conflict_do_nothing(index_elements=keys)


def _insert(table: Any, dialect: str) -> Any:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def changed_rows(result: Result[Any]) -> int:
    """How many rows an UPDATE or DELETE changed."""
    return cast("CursorResult[Any]", result).rowcount


def teach_postgres_manners(engine: Engine) -> None:
    """psycopg2 has no class of its own for a connection that was cut off in the middle of an answer: make it the
    OperationalError that it is when the connection is cut off at any other moment."""

    @event.listens_for(engine, "handle_error")
    def _cut_off(context: ExceptionContext) -> None:
        original = context.original_exception
        if type(original).__name__ == "DatabaseError":
            context.is_disconnect = True
            raise OperationalError(context.statement, None, original, connection_invalidated=True)


def teach_sqlite_manners(engine: Engine) -> None:
    """WAL, foreign keys, patience, and READ COMMITTED manners like Postgres: a read holds nothing open, the
    first write of a transaction takes the write lock at once (BEGIN IMMEDIATE), so that a transaction which
    read before it writes can never fail with 'database is locked' for having read too early."""

    @event.listens_for(engine, "connect")
    def _connect(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # the driver's own implicit BEGIN is off
        cursor = dbapi_connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "before_cursor_execute")
    def _begin_on_write(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
    ) -> None:
        if not connection.connection.dbapi_connection.in_transaction and statement.lstrip()[
            :9
        ].upper().startswith(_WRITES):
            cursor.execute("BEGIN IMMEDIATE")
