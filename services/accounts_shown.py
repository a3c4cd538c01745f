"""The accounts of one institution as a page shows them, with their budget trackers and what they add up to.

Made once for the same values: between two looks hardly any institution has changed, and a page of a thousand
accounts must stay cheap. Nothing but arguments goes in, so what is kept can not be out of date.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, type_coerce

from domain.balances import (
    CREDIT,
    DEPOSITORY,
    INVESTMENT,
    LOAN,
    OTHER,
    TotalLine,
    kind_of,
)
from domain.balances import totals as total_lines
from domain.money import from_units
from domain.spending import Spent
from domain.text import one_line
from models import Account, BudgetTracker
from services.account_view import AccountView
from services.tracking import Owner, TrackerView, why_not

GROUPS = (
    (DEPOSITORY, "Cash"),
    (CREDIT, "Credit cards"),
    (INVESTMENT, "Investments"),
    (LOAN, "Loans"),
    (OTHER, "Other"),
)
NAMELESS_ACCOUNT = "Account"
KEPT = 400
"""Institutions whose accounts a process keeps: those of the pages looked at last, some 10 MB at the most."""


class AccountRow(NamedTuple):
    """One row of a query for account_columns: the account, its tracker (None in all its columns without one), and
    what was spent this month where there is a tracker (see domain/spending.py; None for nothing).
    Amounts are as they are stored, in whole 1/10000 units: most rows are only compared with those of the last look."""

    financial_institution_id: int
    id: int
    persistent_account_id: str | None
    name: str
    official_name: str | None
    mask: str | None
    type: str
    subtype: str | None
    currency: str | None
    available: int | None
    current: int | None
    limit: int | None
    closed: bool
    deleted: bool
    threshold: int | None
    notification_frequency: int | None
    next_notification_date: date | None
    raw: int | None
    raw_pending: int | None


_OF_TRACKER = ("threshold", "notification_frequency", "next_notification_date")
_SPENT = ("raw", "raw_pending")
_AMOUNTS = ("available", "current", "limit", "threshold")


def account_columns(spent: Any) -> list[Any]:
    """For a query that joins BudgetTracker, and `spent` (services/spending.py, sums_of_tracked), both outer."""
    stored = [_column(name) for name in AccountRow._fields if name not in _SPENT]
    return stored + [type_coerce(spent.c[name], BigInteger).label(name) for name in _SPENT]


def _column(name: str) -> Any:
    if name in ("closed", "deleted"):
        return Account.__table__.c[f"{name}_at"].is_not(None).label(name)
    column = (BudgetTracker if name in _OF_TRACKER else Account).__table__.c[name]
    return type_coerce(column, BigInteger).label(name) if name in _AMOUNTS else column


Look = tuple[str, str | None, str, str | None]
"""An account's name, mask, type and subtype (domain/matching.py)."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What tells the accounts in an institution's totals from others of its bank: the bank's own persistent ids, and
    the looks of accounts with and without one."""

    ids: frozenset[str] = frozenset()
    looks_with_id: frozenset[Look] = frozenset()
    looks_without: frozenset[Look] = frozenset()

    def overlaps(self, other: Counted) -> bool:
        """Is an account in both?"""
        return not (
            self.ids.isdisjoint(other.ids)
            and self.looks_without.isdisjoint(other.looks_without)
            and self.looks_without.isdisjoint(other.looks_with_id)
            and self.looks_with_id.isdisjoint(other.looks_without)
        )


@dataclass(frozen=True, slots=True, eq=False)
class AccountsShown:
    """An institution's accounts in the order they came, their totals, and how many the person deleted.

    Shared between requests, so nobody changes it; the same one again means that nothing is new in it."""

    accounts: list[AccountView]
    totals: list[TotalLine]
    deleted_count: int
    counted: Counted = Counted()

    @property
    def groups(self) -> list[tuple[str, list[AccountView]]]:
        """Accounts by kind, in the order a person thinks of them; empty kinds are left out."""
        by_kind: dict[str, list[AccountView]] = defaultdict(list)
        for account in self.accounts:
            by_kind[account.kind].append(account)
        return [(label, by_kind[kind]) for kind, label in GROUPS if by_kind[kind]]


NO_ACCOUNTS = AccountsShown([], [], 0)


@lru_cache(maxsize=KEPT)
def accounts_shown(rows: tuple[AccountRow, ...], owner: Owner, today: date) -> AccountsShown:
    """The rows of one institution; `today` is the owner's local day."""
    accounts = [_account(row, _tracker(row, owner, today)) for row in rows if not row.deleted]
    counted = _counted({row.id: row.persistent_account_id for row in rows}, accounts)
    return AccountsShown(accounts, total_lines(accounts), len(rows) - len(accounts), counted)


def _counted(persistent: dict[int, str | None], accounts: list[AccountView]) -> Counted:
    counted = [each for each in accounts if each.currency and each.contribution is not None]
    return Counted(
        frozenset(found for each in counted if (found := persistent[each.id])),
        frozenset(_look(each) for each in counted if persistent[each.id]),
        frozenset(_look(each) for each in counted if not persistent[each.id]),
    )


def _look(account: AccountView) -> Look:
    return account.name, account.mask, account.type, account.subtype


def _tracker(row: AccountRow, owner: Owner, today: date) -> TrackerView | None:
    frequency, next_date = row.notification_frequency, row.next_notification_date
    if row.threshold is None or frequency is None or next_date is None:
        return None
    spent = Spent(from_units(row.raw or 0), from_units(row.raw_pending or 0))
    return TrackerView(
        account_name=row.name,
        threshold=from_units(row.threshold),
        notification_frequency=frequency,
        next_notification_date=next_date,
        currency=row.currency,
        today=today,
        spent=spent.spent,
        pending=spent.pending,
        left=spent.left(from_units(row.threshold)),
        why_not=why_not(owner, closed=row.closed),
    )


def _amount(units: int | None) -> Decimal | None:
    return None if units is None else from_units(units)


def _account(row: AccountRow, tracker: TrackerView | None) -> AccountView:
    return AccountView(
        id=row.id,
        # Cleaned on their way in; rows of before that, or restored from elsewhere, are so here.
        name=one_line(row.name) or NAMELESS_ACCOUNT,
        official_name=one_line(row.official_name or "") or None,
        mask=one_line(row.mask or "") or None,
        type=row.type,
        subtype=row.subtype,
        kind=kind_of(row.type),
        currency=row.currency,
        available=_amount(row.available),
        current=_amount(row.current),
        limit=_amount(row.limit),
        closed=row.closed,
        budget_tracker=tracker,
    )
