"""What was spent: the one SUM that the page, the job, the texts and the explanation read. Never stored.

A row counts by the class it was given when it was written (domain/spending.py), if its currency is the
account's, by Plaid's `date`, pending rows included, rows dated later this month too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, literal, or_, select, update

from database import Amount
from domain.periods import Month
from domain.spending import RULES_VERSION, SpendingClass, Spent, classify
from extensions import db
from models import Account, BudgetTracker, FinancialInstitution, Transaction

NOTHING = Spent()
_TRANSACTION = Transaction.__table__.c
COUNTING = (SpendingClass.COUNTED, SpendingClass.REFUND)


def spent_by_account(account_ids: Collection[int], month: Month) -> dict[int, Spent]:
    """What was spent in one month on each of these accounts; one without rows is not there. One statement."""
    return spent_by_account_and_month({month: account_ids})


def spent_by_account_and_month(accounts_of: Mapping[Month, Collection[int]]) -> dict[int, Spent]:
    """The same for accounts whose owners live in different months just now (time zones). One statement."""
    wanted = [
        _rows_of(_TRANSACTION.account_id.in_(ids), month.first, month.last)
        for month, ids in accounts_of.items()
        if ids
    ]
    return _spent(db.session.execute(_sums(or_(*wanted)))) if wanted else {}


def sums_of_tracked(column: str) -> Any:
    """The same as a table, for a query that joins it by account_id: of every account with a budget tracker at the
    institutions whose `user_id`, or `id`, is :value, from :first to :last. Columns account_id, raw, raw_pending."""
    institution, account, tracker = (
        FinancialInstitution.__table__.c,
        Account.__table__.c,
        BudgetTracker.__table__.c,
    )
    of_owner = and_(
        tracker.account_id == account.id,
        institution.id == account.financial_institution_id,
        institution[column] == bindparam("value"),
    )
    return _sums(_rows_of(of_owner, bindparam("first"), bindparam("last"))).subquery("spent")


def _sums(wanted: ColumnElement[bool]) -> Any:
    """The one SUM: per account what was spent in the wanted rows, and the pending part of it."""
    table, account = _TRANSACTION, Account.__table__.c
    pending = func.sum(case((table.pending, table.amount), else_=literal(Decimal(0), Amount())))
    return (
        select(table.account_id, func.sum(table.amount).label("raw"), pending.label("raw_pending"))
        .join_from(Transaction.__table__, Account.__table__, account.id == table.account_id)
        .where(wanted, table.spending_class.in_(COUNTING), in_own_currency())
        .group_by(table.account_id)
    )


def _rows_of(accounts: ColumnElement[bool], first: Any, last: Any) -> ColumnElement[bool]:
    return and_(accounts, _TRANSACTION.date.between(first, last))


def _spent(rows: Iterable[Any]) -> dict[int, Spent]:
    return {row[0]: Spent(row[1], row[2]) for row in rows}


def in_own_currency() -> ColumnElement[bool]:
    """Is the row in its account's currency (both without one count as equal)? Needs Account in the query."""
    return _TRANSACTION.currency.is_not_distinct_from(Account.__table__.c.currency)


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
