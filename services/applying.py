"""Writing what was read about one institution: a handful of statements, whatever the number of rows.

Called inside the transaction of services/refreshing.py and with its connection, after it has locked the institution's
row; nothing here commits. Rows of accounts the person deleted are not written: a deleted account stays deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    select,
)

from database import upsert, upsert_from
from models import Account, BalanceSnapshot, Transaction
from providers.base import BankAccount, BankTransaction
from services.reading import Changes
from services.spending import classified

_ACCOUNT_COLUMNS = [
    "persistent_account_id", "name", "official_name", "mask", "type", "subtype",
    "available", "current", "limit", "currency", "closed_at",
]  # fmt: skip
_TRANSACTION_COLUMNS = [
    "account_id", "pending_transaction_id", "amount", "currency", "date", "authorized_date", "name",
    "merchant_name", "pending", "category", "category_detail",
    "spending_class", "spending_reason", "spending_version",
]  # fmt: skip
_MOVED = "moved:"
OWN = "own"
_accounts: Any = Account.__table__
_transactions: Any = Transaction.__table__
"""Tables, not classes, and statements built once: every refresh sends them, and building them anew, or the ORM's part
of them, takes longer than the database."""
_KNOWN: Any = select(
    *[_accounts.c[name] for name in ("id", "plaid_account_id", "deleted_at", *_ACCOUNT_COLUMNS)]
).where(_accounts.c.financial_institution_id == bindparam("institution"))
_REMOVE = delete(_transactions).where(
    _transactions.c.financial_institution_id == bindparam("institution"),
    _transactions.c.plaid_transaction_id.in_(bindparam("ids", expanding=True)),
)
_IDS_PER_STATEMENT = 1000
"""SQLite allows 32,766 parameters in a statement."""


@dataclass
class KnownAccounts:
    """Vendor account id -> our row id, for accounts that live; the ids the person deleted; and the rows as they
    are of those that are open."""

    ids: dict[str, int]
    deleted: set[str]
    open_rows: dict[str, Row[Any]]


def known_accounts(link: Connection, institution_id: int) -> KnownAccounts:
    rows = link.execute(_KNOWN, {"institution": institution_id}).all()
    living = [row for row in rows if row.deleted_at is None]
    return KnownAccounts(
        ids={row.plaid_account_id: row.id for row in living},
        deleted={row.plaid_account_id for row in rows if row.deleted_at is not None},
        open_rows={row.plaid_account_id: row for row in living if row.closed_at is None},
    )


def write_accounts(
    link: Connection,
    institution_id: int,
    reported: Iterable[BankAccount],
    known: KnownAccounts,
    now: datetime,
    local_date: date,
) -> None:
    """Insert or update the reported accounts with the day's snapshot; close those no longer reported."""
    unique = {row.account_id: row for row in reported}
    living = [row for key, row in unique.items() if key not in known.deleted]
    rows = [_account_row(institution_id, row, now) for row in living]
    rows += [
        _closed_row(institution_id, row, now) for key, row in known.open_rows.items() if key not in unique
    ]
    if rows:
        keys = ["financial_institution_id", "plaid_account_id"]
        statement = upsert(
            _accounts, keys, _ACCOUNT_COLUMNS, link.dialect.name, returning=["id", "plaid_account_id"]
        )
        known.ids.update((row.plaid_account_id, row.id) for row in link.execute(statement, rows))
    if living:
        ids = [known.ids[row.account_id] for row in living]
        link.execute(_snapshots(link.dialect.name), {"day": local_date, "ids": ids})


def delete_unchosen(link: Connection, reported: Iterable[BankAccount], known: KnownAccounts) -> None:
    """Delete accounts that the person no longer shares, with everything of theirs: they are forgotten here too."""
    shared = {row.account_id for row in reported}
    gone = [key for key in known.open_rows if key not in shared]
    if gone:
        link.execute(delete(_accounts).where(_accounts.c.id.in_([known.ids[key] for key in gone])))
    for key in gone:
        del known.open_rows[key], known.ids[key]


def _account_row(institution_id: int, row: BankAccount, now: datetime) -> dict[str, Any]:
    return {
        "financial_institution_id": institution_id,
        "plaid_account_id": row.account_id,
        "persistent_account_id": row.persistent_account_id,
        "name": row.name,
        "official_name": row.official_name,
        "mask": row.mask,
        "type": row.type,
        "subtype": row.subtype,
        "available": row.available,
        "current": row.current,
        "limit": row.limit,
        "currency": row.currency,
        "closed_at": None,
        "created_at": now,
    }


def _closed_row(institution_id: int, row: Row[Any], now: datetime) -> dict[str, Any]:
    """An account the bank no longer reports, as it was last known: it needs no statement of its own."""
    kept = {name: getattr(row, name) for name in _ACCOUNT_COLUMNS}
    return {
        **kept,
        "financial_institution_id": institution_id,
        "plaid_account_id": row.plaid_account_id,
        "closed_at": now,
        "created_at": now,
    }


@cache
def _snapshots(dialect: str) -> Any:
    """The day's balances of these accounts, as they were just written."""
    balances = [_accounts.c[name] for name in ("available", "current", "limit", "currency")]
    source = select(
        _accounts.c.id.label("account_id"), bindparam("day", type_=Date).label("local_date"), *balances
    ).where(_accounts.c.id.in_(bindparam("ids", expanding=True)))
    return upsert_from(BalanceSnapshot.__table__, source, ["account_id", "local_date"], dialect)


def write_transactions(
    link: Connection, institution_id: int, changes: Changes, known: KnownAccounts, *, from_start: bool
) -> None:
    """Apply the changes. From the start of history they are the whole truth: rows not among them go, but for
    those that came from an earlier connection, which this one cannot know."""
    if from_start:
        link.execute(
            delete(_transactions).where(
                _transactions.c.financial_institution_id == institution_id,
                ~_transactions.c.plaid_transaction_id.startswith(_MOVED),
            )
        )
    else:
        _delete_transactions(link, institution_id, changes.removed)
    rows = [
        _transaction_row(institution_id, known.ids[row.account_id], row)
        for row in changes.upserts.values()
        if row.account_id in known.ids
    ]
    if rows:
        keys = ["financial_institution_id", "plaid_transaction_id"]
        link.execute(upsert(Transaction.__table__, keys, _TRANSACTION_COLUMNS, link.dialect.name), rows)


def nameless(changes: Changes, known: KnownAccounts) -> set[str]:
    """Vendor ids of accounts that have rows among the changes and that the bank has never described."""
    return {row.account_id for row in changes.upserts.values()} - known.ids.keys() - known.deleted


def moved_id(column: ColumnElement[str], connection_id: int) -> ColumnElement[str]:
    """The id of a transaction that comes from an earlier connection: the bank never names it again. It says which
    connection gave it, also after a second move."""
    moved = literal(f"{_MOVED}{connection_id:010d}:") + column
    return case((column.startswith(_MOVED), column), else_=func.substr(moved, 1, 128))


def moved_from(column: ColumnElement[str]) -> ColumnElement[str]:
    """Which connection gave a transaction, as ten digits, newer ones greater; OWN: the one that has it now."""
    moved = column.startswith(_MOVED)
    told = and_(moved, func.substr(column, len(_MOVED) + 11, 1) == ":")
    # Rows that were moved before givers were told: from the oldest there was.
    return case((told, func.substr(column, len(_MOVED) + 1, 10)), (moved, "0" * 10), else_=OWN)


def _delete_transactions(link: Connection, institution_id: int, removed: set[str]) -> None:
    ordered = sorted(removed)
    for start in range(0, len(ordered), _IDS_PER_STATEMENT):
        ids = ordered[start : start + _IDS_PER_STATEMENT]
        link.execute(_REMOVE, {"institution": institution_id, "ids": ids})


def _transaction_row(institution_id: int, account_id: int, row: BankTransaction) -> dict[str, Any]:
    return {
        "financial_institution_id": institution_id,
        "account_id": account_id,
        "plaid_transaction_id": row.transaction_id,
        "pending_transaction_id": row.pending_transaction_id,
        "amount": row.amount,
        "currency": row.currency,
        "date": row.date,
        "authorized_date": row.authorized_date,
        "name": row.name,
        "merchant_name": row.merchant_name,
        "pending": row.pending,
        "category": row.category,
        "category_detail": row.category_detail,
        **classified(row.amount, row.category, row.category_detail),
    }
