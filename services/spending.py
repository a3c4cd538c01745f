"""What was spent: the one SUM that the page, the job, the texts and the explanation read. Never stored.

A row counts by the class it was given when it was written (domain/spending.py), if its currency is the
account's, by Plaid's `date`, pending rows included, rows dated later this month too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, update

from database import Amount
from domain.periods import Month
from domain.spending import RULES_VERSION, SpendingClass, Spent, classify
from extensions import db
from models import Account, Transaction

NOTHING = Spent()
COUNTING = (SpendingClass.COUNTED, SpendingClass.REFUND)


def spent_by_account(account_ids: Collection[int], month: Month) -> dict[int, Spent]:
    """What was spent in one month on each of these accounts; one without rows is not there. One statement."""
    return spent_by_account_and_month({month: account_ids})


def spent_by_account_and_month(accounts_of: Mapping[Month, Collection[int]]) -> dict[int, Spent]:
    """The same for accounts whose owners live in different months just now (time zones). One statement."""
    wanted = [_rows_of(ids, month) for month, ids in accounts_of.items() if ids]
    if not wanted:
        return {}
    total = func.sum(Transaction.amount)
    pending = func.sum(case((Transaction.pending, Transaction.amount), else_=literal(Decimal(0), Amount())))
    query = (
        select(Transaction.account_id, total, pending)
        .join(Account, Account.id == Transaction.account_id)
        .where(or_(*wanted), Transaction.spending_class.in_(COUNTING), in_own_currency())
        .group_by(Transaction.account_id)
    )
    return {row[0]: Spent(row[1], row[2]) for row in db.session.execute(query)}


def _rows_of(account_ids: Collection[int], month: Month) -> ColumnElement[bool]:
    return and_(Transaction.account_id.in_(account_ids), Transaction.date.between(month.first, month.last))


def in_own_currency() -> ColumnElement[bool]:
    """Is the row in its account's currency (both without one count as equal)? Needs Account in the query."""
    return Transaction.currency.is_not_distinct_from(Account.currency)


def classified(amount: Decimal, category: str | None, category_detail: str | None) -> dict[str, Any]:
    """The spending columns of a transaction's row."""
    verdict = classify(amount, category, category_detail)
    return {
        "spending_class": verdict.spending_class,
        "spending_reason": verdict.reason,
        "spending_version": RULES_VERSION,
    }


def reclassify(limit: int = 5000) -> int:
    """Classify rows that an older version of the rules classified, at most `limit` of them; how many were.

    May run beside refreshing, which classifies what it writes by the newest rules.
    """
    table = Transaction
    query = (
        select(table.id, table.amount, table.category, table.category_detail)
        .where(table.spending_version < RULES_VERSION)
        .limit(limit)
    )
    rows = db.session.execute(query).all()
    for verdict, ids in _by_verdict(rows):
        values = classified(*verdict)
        older = table.spending_version < RULES_VERSION  # not what refreshing has written meanwhile
        db.session.execute(update(table).where(table.id.in_(ids), older).values(values))
    db.session.commit()
    return len(rows)


def _by_verdict(rows: Iterable[Any]) -> Iterable[tuple[tuple[Decimal, str | None, str | None], list[int]]]:
    """Ids of rows that are classified alike, with what classifies them: its sign is all that counts of an amount."""
    groups: dict[tuple[Decimal, str | None, str | None], list[int]] = {}
    for row in rows:
        sign = Decimal(-1 if row.amount < 0 else 1)
        groups.setdefault((sign, row.category, row.category_detail), []).append(row.id)
    return groups.items()
