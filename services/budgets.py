"""Budget trackers: create, edit, delete. Input has been checked for shape by forms.py.

`now` is aware and in UTC; dates are the owner's local days. What was spent is not stored here (services/spending.py).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, Integer, exists, insert, literal, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from database import Amount, UtcDateTime, changed_rows
from domain.budgets import first_text, text_after_edit
from domain.errors import Conflict, NotFound
from domain.periods import local_date
from domain.spending import is_eligible
from extensions import db
from models import Account, BudgetTracker, User


class NotEligible(Conflict):
    code = "not_eligible"
    message = "Only open credit, checking and PayPal accounts can have a budget tracker."


class TrackerExists(Conflict):
    code = "tracker_exists"
    message = "This account has a budget tracker already. You can edit it instead."


def refuse_if_impossible(account: Account) -> None:
    """NotEligible or TrackerExists when this account cannot have a (further) budget tracker."""
    if account.closed or not is_eligible(account.type, account.subtype):
        raise NotEligible
    if db.session.scalar(select(exists().where(BudgetTracker.account_id == account.id))):
        raise TrackerExists


def create(account: Account, threshold: Decimal, frequency: int, user: User, now: datetime) -> BudgetTracker:
    """Create the account's tracker; its first text is due `frequency` days from the owner's today.

    NotEligible, TrackerExists (of two tabs at once one gets it), NotFound when the account went meanwhile.
    """
    refuse_if_impossible(account)
    today = local_date(now, user.timezone)
    try:
        created = _insert(account.id, threshold, frequency, today, now)
    except IntegrityError:  # unique: another tab was first
        db.session.rollback()
        raise TrackerExists from None
    if not created:
        db.session.rollback()
        raise NotFound
    tracker = db.session.scalars(select(BudgetTracker).where(BudgetTracker.account_id == account.id)).one()
    db.session.commit()
    return tracker


def _insert(account_id: int, threshold: Decimal, frequency: int, today: date, now: datetime) -> bool:
    """One statement, which looks at the account as it writes: none is made for one that is just being deleted."""
    values = {
        "threshold": literal(threshold, Amount()),
        "notification_frequency": literal(frequency, Integer()),
        "counted_from": literal(today, Date()),
        "next_notification_date": literal(first_text(today, frequency), Date()),
        "created_at": literal(now, UtcDateTime()),
    }
    living = (
        select(Account.id, *values.values())
        .where(Account.id == account_id, Account.deleted_at.is_(None), Account.closed_at.is_(None))
        .with_for_update()
    )
    result = db.session.execute(insert(BudgetTracker).from_select(["account_id", *values], living))
    return changed_rows(result) == 1


def update(tracker: BudgetTracker, threshold: Decimal, frequency: int, user: User, now: datetime) -> None:
    """Change the budget, the frequency or both. Only a new frequency moves the next text: it is counted from the
    last one, and never due today. NotFound when the tracker went meanwhile."""
    _look_again(tracker)
    changes: dict[str, object] = {"threshold": threshold}
    if frequency != tracker.notification_frequency:
        today = local_date(now, user.timezone)
        changes["notification_frequency"] = frequency
        changes["next_notification_date"] = text_after_edit(today, tracker.counted_from, frequency)
    table = BudgetTracker
    result = db.session.execute(
        sql_update(table)
        .where(table.id == tracker.id, table.counted_from == tracker.counted_from)
        .values(changes)
    )
    db.session.commit()
    if changed_rows(result) == 0:  # SQLite has no row locks: a text went out between the two statements
        update(tracker, threshold, frequency, user, now)


def _look_again(tracker: BudgetTracker) -> None:
    """Read the row anew, and lock it where rows can be locked."""
    try:
        db.session.refresh(tracker, with_for_update=True)
    except InvalidRequestError:
        raise NotFound from None


def delete(tracker: BudgetTracker) -> None:
    """Delete a tracker; texts it sent are kept. NotFound when another click was first."""
    result = db.session.execute(sql_delete(BudgetTracker).where(BudgetTracker.id == tracker.id))
    db.session.commit()
    if changed_rows(result) == 0:
        raise NotFound
