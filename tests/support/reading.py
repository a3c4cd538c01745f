"""Short questions to the database, for assertions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from extensions import db
from models import Account, BalanceSnapshot, FinancialInstitution, Transaction
from providers.base import Banks
from services.refreshing import Outcome, refresh

Balances = tuple[Decimal | None, Decimal | None, Decimal | None, str | None]


def read(institution: FinancialInstitution, banks: Banks) -> Outcome:
    """Refresh it now, under a lease of a minute; the row is then as the database has it."""
    outcome = refresh(institution.id, banks, lease_seconds=60)
    db.session.rollback()
    db.session.expire_all()
    return outcome


def amounts() -> dict[str, Decimal]:
    """Every transaction's vendor id and amount."""
    rows = db.session.execute(select(Transaction.plaid_transaction_id, Transaction.amount))
    return {row.plaid_transaction_id: row.amount for row in rows}


def transaction_row(plaid_id: str) -> Transaction:
    return db.session.scalars(select(Transaction).where(Transaction.plaid_transaction_id == plaid_id)).one()


def account_row(plaid_id: str = "a1") -> Account:
    """The account of this vendor id, deleted or not, as the database has it now."""
    query = (
        select(Account).where(Account.plaid_account_id == plaid_id).execution_options(populate_existing=True)
    )
    return db.session.scalars(query).one()


def balances() -> dict[str, Balances]:
    """Every account's vendor id with (available, current, limit, currency)."""
    rows = db.session.execute(
        select(Account.plaid_account_id, Account.available, Account.current, Account.limit, Account.currency)
    )
    return {row[0]: tuple(row[1:]) for row in rows}  # type: ignore[misc]


def snapshots() -> dict[tuple[str, date], Balances]:
    """Every snapshot by the account's vendor id and the local date."""
    table = BalanceSnapshot
    rows = db.session.execute(
        select(
            Account.plaid_account_id,
            table.local_date,
            table.available,
            table.current,
            table.limit,
            table.currency,
        ).join(Account, Account.id == table.account_id)
    )
    return {(row[0], row[1]): tuple(row[2:]) for row in rows}  # type: ignore[misc]


def count(table: Any) -> int:
    """How many rows a table has."""
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def cursors(asked: list[dict[str, Any]]) -> list[str | None]:
    """The cursors of these requests to /transactions/sync; None where none was sent."""
    return [body.get("cursor") for body in asked]
