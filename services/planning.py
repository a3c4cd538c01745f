"""Deciding which budget texts are due, and writing them down before anything is sent.

A row is unique per tracker and local day, so any number of planners write the same rows once. The page of
trackers is read in a handful of statements, whatever its size; memory does not grow with their number.
"""

from __future__ import annotations

import logging
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from database import insert_ignoring, utcnow
from domain.periods import Month, local_date, month_of
from domain.spending import Spent
from domain.text_window import is_open
from domain.texts import BudgetNews, budget_text
from extensions import db
from models import (
    BUDGET,
    FAILED,
    NEW,
    PENDING,
    SKIPPED,
    Account,
    BudgetTracker,
    FinancialInstitution,
    TextMessage,
    User,
)
from services import text_rules
from services.opt_outs import opted_out_users
from services.spending import NOTHING, spent_by_account_and_month

log = logging.getLogger(__name__)

PAGE = 500
EARLIEST_ZONE = timedelta(hours=14)
"""Somewhere on earth it is already this much later than UTC."""


@dataclass
class Planned:
    """How many texts were written down in this run: to be sent, skipped at once, or failed for a reason of ours."""

    pending: int = 0
    skipped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """A tracker whose text is due today, with its owner's local day and what was spent by now."""

    row: Any
    today: date
    spent: Spent

    @property
    def number_and_month(self) -> tuple[str, Month]:
        return self.row.phone_hash, month_of(self.today)


def plan(now: datetime, *, texts_on: bool) -> Planned:
    """Write down every text that is due at `now` (which may be pretended): trackers whose day has come, whose
    owner's window is open, and which have no text for that day yet. Running it twice changes nothing."""
    planned = Planned()
    for page in _pages(now):
        told = _told_this_month(page)
        rows = [_text(due, told, texts_on=texts_on) for due in page]
        _write(rows, planned)
        _advance(page, {row["budget_tracker_id"] for row in rows if row["status"] != PENDING})
        db.session.commit()
    return planned


def count_due(now: datetime) -> int:
    """How many texts `plan` would write down now."""
    return sum(len(page) for page in _pages(now))


def long_missed(now: datetime) -> int:
    """How many people's window was missed on the last two days: somebody should look why."""
    found: set[int] = set()
    for rows in _candidate_pages(now):
        for row in rows:
            today = local_date(now, row.timezone)
            late = row.next_notification_date <= today - timedelta(days=2)
            if (
                late
                and _is_read(row)
                and text_rules.why_not(row, texts_on=True, opted_out=row.opted_out) is None
            ):
                found.add(row.user_id)
    return len(found)


def _pages(now: datetime) -> Iterator[list[Due]]:
    """Trackers that are due, page by page, with what was spent. Three statements a page."""
    for rows in _candidate_pages(now):
        open_rows = [(row, local_date(now, row.timezone)) for row in rows if is_open(now, row.timezone)]
        todays = [
            (row, today) for row, today in open_rows if row.next_notification_date <= today and _is_read(row)
        ]
        if todays:
            yield _with_spending(todays)
        db.session.commit()


def _candidate_pages(now: datetime) -> Iterator[list[Any]]:
    last = 0
    while rows := _candidates(now, last):
        yield rows
        last = rows[-1].tracker_id


def _candidates(now: datetime, after: int) -> list[Any]:
    """One page of trackers that are due somewhere on earth and have no text for their day, in id order."""
    tracker, institution = BudgetTracker, FinancialInstitution
    latest = (now + EARLIEST_ZONE).date()
    query = (
        select(
            tracker.id.label("tracker_id"), tracker.threshold, tracker.notification_frequency,
            tracker.next_notification_date, Account.id.label("account_id"), Account.name, Account.currency,
            Account.closed_at, institution.refreshed_at, institution.state, institution.transactions_status,
            User.id.label("user_id"), User.timezone, User.account_type, User.is_demo, User.phone_hash,
            User.texts_agreed_at, User.phone_verified_at, opted_out_users().label("opted_out"),
        )
        .join(Account, Account.id == tracker.account_id)
        .join(institution, institution.id == Account.financial_institution_id)
        .join(User, User.id == institution.user_id)
        .where(tracker.next_notification_date <= latest, tracker.id > after)
        .order_by(tracker.id)
        .limit(PAGE)
    )  # fmt: skip
    return list(db.session.execute(query))


def _is_read(row: Any) -> bool:
    """Has the bank's history been read at all? Until then the text waits: there is nothing true to say."""
    return row.refreshed_at is not None and row.state != NEW and row.transactions_status != "NOT_READY"


def _with_spending(rows: list[tuple[Any, date]]) -> list[Due]:
    accounts: defaultdict[Month, list[int]] = defaultdict(list)
    for row, today in rows:
        accounts[month_of(today)].append(row.account_id)
    spent = spent_by_account_and_month(accounts)
    return [Due(row, today, spent.get(row.account_id, NOTHING)) for row, today in rows]


def _told_this_month(page: list[Due]) -> set[tuple[str, Month]]:
    """Numbers and months in which a text has already said how to opt out."""
    numbers = {due.row.phone_hash for due in page}
    since = min(month_of(due.today).first for due in page)
    query = (
        select(TextMessage.phone_hash, TextMessage.local_date)
        .where(
            TextMessage.phone_hash.in_(numbers),
            TextMessage.kind == BUDGET,
            TextMessage.local_date >= since,
            TextMessage.status.not_in((SKIPPED, FAILED)),
        )
        .distinct()
    )
    return {(number, month_of(day)) for number, day in db.session.execute(query)}


def _text(due: Due, told: set[tuple[str, Month]], *, texts_on: bool) -> dict[str, Any]:
    """The row of one text: pending, or skipped with its reason. A tracker that breaks is parked, not the run."""
    row = due.row
    try:
        reason = _why_not(due, texts_on=texts_on)
        status = PENDING if reason is None else SKIPPED
        body = _body(due, opt_out_line=due.number_and_month not in told)
        if status == PENDING:
            told.add(due.number_and_month)
    except Exception as error:  # noqa: BLE001 - whatever it is
        log.error("text of tracker %s could not be written: %s", row.tracker_id, type(error).__name__)
        status, reason, body = FAILED, text_rules.INTERNAL, ""
    return {
        "callback_id": secrets.token_urlsafe(32),
        "user_id": row.user_id,
        "budget_tracker_id": row.tracker_id,
        "kind": BUDGET,
        "local_date": due.today,
        "phone_hash": row.phone_hash,
        "body": body,
        "status": status,
        "reason": reason,
        "attempts": 0,
        "due_at": utcnow(),
        "created_at": utcnow(),
    }


def _why_not(due: Due, *, texts_on: bool) -> str | None:
    row = due.row
    reason = text_rules.why_not(row, texts_on=texts_on, opted_out=row.opted_out)
    if reason is not None:
        return reason
    if row.closed_at is not None:
        return text_rules.CLOSED
    # The last numbers are of another month: what was spent in this one is not known.
    stale = local_date(row.refreshed_at, row.timezone) < month_of(due.today).first
    return text_rules.STALE if stale else None


def _body(due: Due, *, opt_out_line: bool) -> str:
    row = due.row
    read_on = local_date(row.refreshed_at, row.timezone)
    news = BudgetNews(
        account_name=row.name,
        spent=due.spent.spent,
        threshold=row.threshold,
        currency=row.currency,
        as_of=read_on if read_on < due.today else None,
    )
    return budget_text(news, opt_out_line=opt_out_line)


def _write(rows: list[dict[str, Any]], planned: Planned) -> None:
    """One statement; a text that another planner wrote first stays as it is and is not counted."""
    keys = ["budget_tracker_id", "local_date"]
    statement = insert_ignoring(TextMessage.__table__, keys, db.session.get_bind().dialect.name)
    for (status,) in db.session.execute(statement.returning(TextMessage.status), rows):
        planned.pending += status == PENDING
        planned.skipped += status == SKIPPED
        planned.failed += status == FAILED


def _advance(page: list[Due], tracker_ids: set[int]) -> None:
    """What will not be sent today has had its day. One statement per day and frequency, however many trackers."""
    groups: dict[tuple[date, int], list[int]] = defaultdict(list)
    for due in page:
        if due.row.tracker_id in tracker_ids:
            groups[due.today, due.row.notification_frequency].append(due.row.tracker_id)
    for (today, frequency), ids in groups.items():
        had_its_day(ids, today, frequency)


def had_its_day(tracker_ids: list[int], day: date, frequency: int) -> None:
    """The text of this local day is settled: the next one comes `frequency` days later. Not if the date was moved
    on meanwhile. Does not commit."""
    db.session.execute(
        update(BudgetTracker)
        .where(BudgetTracker.id.in_(tracker_ids), BudgetTracker.next_notification_date <= day)
        .values(counted_from=day, next_notification_date=day + timedelta(days=frequency))
    )
