"""Why this number? Every transaction of a month on one account, and what it does to the budget.

The rows and the SUM are two statements over the same classes; they are read in one transaction, so that what
is listed adds up to what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import case, select

from database import utcnow
from domain.periods import Month, local_date, month_of
from domain.spending import Reason, SpendingClass, Spent
from domain.spending_words import category_words, verdict_words
from domain.text import one_line
from extensions import db
from models import Account, BudgetTracker, FinancialInstitution, Transaction, User
from services.spending import NOTHING, in_own_currency, spent_by_account

NAMELESS = "Transaction"
"""What a transaction is called whose bank gives no name."""


@dataclass(frozen=True, slots=True)
class SpendingRow:
    """One transaction. `amount` has Plaid's sign (positive: money out) and is in `currency`; `effect` is what it
    adds to the spending, signed, 0 when it is left out."""

    date: date
    name: str
    detail: str
    amount: Decimal
    currency: str | None
    pending: bool
    effect: Decimal
    verdict: str
    is_left_out: bool


@dataclass(frozen=True, slots=True)
class SpendingWhy:
    """A month of an account, newest row first. `threshold` None: no tracker. Amounts in `currency`; `as_of` is when
    the bank was last read (UTC), None when never."""

    account_id: int
    account_name: str
    institution_name: str
    currency: str | None
    month: Month
    this_month: Month
    rows: list[SpendingRow]
    spent: Spent
    threshold: Decimal | None
    as_of: datetime | None
    purged: bool = False
    """Whether what the bank gave was deleted, because access was withdrawn."""

    @property
    def counted(self) -> Decimal:
        return sum((row.effect for row in self.rows if row.effect > 0), Decimal(0))

    @property
    def refunds(self) -> Decimal:
        return sum((row.effect for row in self.rows if row.effect < 0), Decimal(0))

    @property
    def later(self) -> Month | None:
        """The next month, as far as there can be one."""
        return self.month.next if self.month < self.this_month else None


def explain_spending(user: User, account: Account, month: Month | None) -> SpendingWhy:
    """The month (None: this one in the person's time zone). Four statements. The caller has checked whose it is."""
    this_month = month_of(local_date(utcnow(), user.timezone))
    shown = month or this_month
    institution = db.session.get_one(FinancialInstitution, account.financial_institution_id)
    threshold = db.session.scalar(
        select(BudgetTracker.threshold).where(BudgetTracker.account_id == account.id)
    )
    return SpendingWhy(
        account_id=account.id,
        account_name=one_line(account.name),
        institution_name=one_line(institution.name),
        currency=account.currency,
        month=shown,
        this_month=this_month,
        rows=[_row(row) for row in _rows(account.id, shown)],
        spent=spent_by_account([account.id], shown).get(account.id, NOTHING),
        threshold=threshold,
        as_of=institution.refreshed_at,
        purged=institution.purged_at is not None,
    )


def _rows(account_id: int, month: Month) -> list[Any]:
    table = Transaction
    same_currency = case((in_own_currency(), 1), else_=0).label("same_currency")
    query = (
        select(
            table.date, table.name, table.merchant_name, table.amount, table.currency, table.pending,
            table.category, table.category_detail, table.spending_class, table.spending_reason, same_currency,
        )
        .join(Account, Account.id == table.account_id)
        .where(table.account_id == account_id, table.date.between(month.first, month.last))
        .order_by(table.date.desc(), table.id.desc())
    )  # fmt: skip
    return list(db.session.execute(query))


def _row(row: Any) -> SpendingRow:
    spending_class, reason = row.spending_class, row.spending_reason
    if not row.same_currency:
        spending_class, reason = SpendingClass.LEFT_OUT, Reason.OTHER_CURRENCY
    counts = spending_class in (SpendingClass.COUNTED, SpendingClass.REFUND)
    return SpendingRow(
        date=row.date,
        name=one_line(row.merchant_name or row.name) or NAMELESS,
        detail=category_words(row.category, row.category_detail),
        amount=row.amount,
        currency=row.currency,
        pending=row.pending,
        effect=row.amount if counts else Decimal(0),
        verdict=verdict_words(spending_class, reason),
        is_left_out=not counts,
    )
