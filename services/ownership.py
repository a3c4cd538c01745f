"""The one place where an object is fetched for a person: theirs, or not there at all."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select

from domain.errors import NotFound
from extensions import db
from models import Account, BudgetTracker, FinancialInstitution, User

T = TypeVar("T")

MAX_ID = 2**63 - 1
"""Ids beyond a 64-bit integer cannot exist; the database driver must not be asked."""


def owned_institution(user: User, institution_id: int) -> FinancialInstitution:
    """This person's institution. NotFound for a stranger's and for none: the same answer."""
    _possible(institution_id)
    query = select(FinancialInstitution).where(
        FinancialInstitution.id == institution_id, FinancialInstitution.user_id == user.id
    )
    return _found(db.session.scalar(query))


def owned_account(user: User, account_id: int) -> Account:
    """This person's account, unless they deleted it. NotFound for a stranger's and for none."""
    _possible(account_id)
    query = (
        select(Account)
        .join(FinancialInstitution)
        .where(
            Account.id == account_id, FinancialInstitution.user_id == user.id, Account.deleted_at.is_(None)
        )
    )
    return _found(db.session.scalar(query))


def owned_tracker(user: User, account_id: int) -> BudgetTracker:
    """The budget tracker of this person's account. NotFound for a stranger's, and where there is none."""
    account = owned_account(user, account_id)
    return _found(db.session.scalar(select(BudgetTracker).where(BudgetTracker.account_id == account.id)))


def _possible(object_id: int) -> None:
    if not 0 < object_id <= MAX_ID:
        raise NotFound


def _found(row: T | None) -> T:
    if row is None:
        raise NotFound
    return row
