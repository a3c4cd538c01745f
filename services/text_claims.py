"""Taking a text in hand: claimed by a conditional UPDATE, and asked once more whether it may go.

Whoever claims a text asks on the rows of that moment: a STOP, a changed number or a deleted tracker that came
before the claim is honoured, whenever the text was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from database import utcnow
from domain.periods import local_date, start_of_day
from domain.text_window import seconds_left
from extensions import db
from models import (
    FAILED,
    PENDING,
    SENDING,
    SKIPPED,
    Account,
    BudgetTracker,
    FinancialInstitution,
    TextMessage,
    User,
)
from services import opt_outs, text_rules
from services.planning import had_its_day
from vault import UndecryptableError

LEASE = timedelta(minutes=2)
"""Far longer than a call may take (10 s)."""


class Busy(Exception):
    """Somebody else has the text, or its receiver is gone."""


class Closed(Exception):
    """The receiver's window is closed just now: the text goes on waiting."""


class Dropped(Exception):
    """The text must not go any more: `status` is what became of it."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """A text in our hands. Holds a number and a body: never logged. `tracker` is (id, frequency) or None."""

    id: int
    callback_id: str
    to: str
    body: str
    local_date: date
    attempts: int
    user_id: int
    tracker: tuple[int, int] | None
    validity_seconds: int
    day_began: datetime
    """The start of the receiver's local day, in UTC."""


def claim(text_id: int, now: datetime) -> Claim:
    """Take a text that waits. Busy, Closed or Dropped when it is not to be sent now. `now` may be pretended, the
    lease runs by the real clock."""
    table = TextMessage
    row = db.session.execute(
        update(table)
        .where(table.id == text_id, table.status == PENDING, table.due_at <= utcnow())
        .values(status=SENDING, lease_until=utcnow() + LEASE, attempts=table.attempts + 1)
        .returning(
            table.callback_id, table.body, table.local_date, table.phone_hash, table.user_id,
            table.budget_tracker_id, table.attempts,
        ),
        execution_options={"synchronize_session": False},
    ).one_or_none()  # fmt: skip
    if row is None:
        db.session.rollback()
        raise Busy
    return _checked(text_id, row, now)


def _checked(text_id: int, row: Any, now: datetime) -> Claim:
    person = db.session.get(User, row.user_id, populate_existing=True)
    tracker = _tracker(row.budget_tracker_id)
    if person is None:  # deleted between the two statements: the row goes with them
        db.session.rollback()
        raise Busy
    left = seconds_left(now, person.timezone)
    today = local_date(now, person.timezone)
    if left == 0 or today < row.local_date:  # the window has closed, or the person has flown west
        db.session.rollback()
        raise Closed
    try:
        number = person.phone_number
        reason = _why_not(row, person, tracker, number, today)
    except UndecryptableError:
        number, reason = "", text_rules.UNREADABLE
    if reason is not None:
        raise Dropped(_not_sent(text_id, row, tracker, reason))
    db.session.commit()
    return Claim(
        id=text_id,
        callback_id=row.callback_id,
        to=number,
        body=row.body,
        local_date=row.local_date,
        attempts=row.attempts,
        user_id=row.user_id,
        tracker=tracker,
        validity_seconds=left,
        day_began=start_of_day(today, person.timezone),
    )


def _tracker(tracker_id: int | None) -> tuple[int, int] | None:
    """(id, frequency) of a tracker whose account is still there."""
    row = db.session.execute(
        select(BudgetTracker.id, BudgetTracker.notification_frequency)
        .join(Account, Account.id == BudgetTracker.account_id)
        .join(FinancialInstitution, FinancialInstitution.id == Account.financial_institution_id)
        .where(BudgetTracker.id == tracker_id, Account.deleted_at.is_(None))
    ).one_or_none()
    return None if row is None else (row.id, row.notification_frequency)


def _why_not(row: Any, person: User, tracker: tuple[int, int] | None, number: str, today: date) -> str | None:
    """Why this text must not go any more; asked after the claim, so a STOP that came before it is honoured."""
    if tracker is None:
        return text_rules.GONE
    if row.local_date < today:
        return text_rules.MISSED
    if row.phone_hash != person.phone_hash:
        return text_rules.NUMBER_CHANGED
    return text_rules.why_not(person, texts_on=True, opted_out=opt_outs.is_opted_out(number))


def _not_sent(text_id: int, row: Any, tracker: tuple[int, int] | None, reason: str) -> str:
    """Skip a claimed text, or park one that we cannot read. Yesterday's leaves today's tracker due."""
    status = FAILED if reason == text_rules.UNREADABLE else SKIPPED
    db.session.execute(
        update(TextMessage)
        .where(TextMessage.id == text_id)
        .values(status=status, reason=reason, lease_until=None)
    )
    if tracker is not None and reason != text_rules.MISSED:
        had_its_day([tracker[0]], row.local_date, tracker[1])
    db.session.commit()
    return status
