"""All connections of a person on one page: how each stands, what is the one thing to do, and what ends when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from database import utcnow
from domain.connections import BROKEN, Need, Standing, badge_of, coming_months, ends_words, need_of, state_of
from domain.periods import Month, local_date, month_of
from domain.text import one_line
from extensions import db
from models import NEW, REVOKED, Account, FinancialInstitution, User
from services.reporting import NAMELESS_BANK, shown_state
from services.standing import STANDING_COLUMNS, Anew, is_working, linked_anew, standing_of

FINE = 9
"""Behind every urgency of domain/connections.py."""


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """One connection. `refreshed_at` is its last success, `ends_on` the local day on which access ends."""

    id: int
    name: str
    state: str
    state_label: str
    state_tone: str
    working: bool
    refreshed_at: datetime | None
    linked_at: datetime
    ends_on: date | None
    ended: bool
    ends_by: bool
    """Whether it may end sooner."""
    ends_words: str | None
    need: Need | None
    account_count: int


@dataclass(frozen=True, slots=True)
class Ending:
    """A day on which something ends, and what."""

    day: date
    connection: ConnectionView


@dataclass(slots=True)
class Connections:
    """Every connection, the most urgent first; and the coming twelve months with what ends in each."""

    connections: list[ConnectionView]
    broken: list[ConnectionView]
    """What gives no numbers today."""
    calendar: list[tuple[Month, list[Ending]]]
    later: list[Ending]
    """What ends after that."""
    endless: int
    """How many connections have no known end."""

    @property
    def foreseen(self) -> bool:
        """Does anything end within the months of the calendar?"""
        return any(endings for _, endings in self.calendar)

    @property
    def working(self) -> bool:
        return any(connection.working for connection in self.connections)


def connections_of(user: User) -> Connections:
    """This person's connections. One query, two when one is broken, whatever their number."""
    now = utcnow()
    table = FinancialInstitution
    living = (Account.financial_institution_id == table.id, Account.deleted_at.is_(None))
    accounts = select(func.count()).select_from(Account).where(*living).correlate(table).scalar_subquery()
    rows = db.session.execute(
        select(
            table.id, table.name, table.refreshed_at, table.created_at, table.due_at, table.lease_until,
            *STANDING_COLUMNS, accounts.label("account_count"),
        )
        .where(table.user_id == user.id)
        .order_by(table.id)
    ).all()  # fmt: skip
    anew = linked_anew(rows)
    views = [_view(row, anew, now, user.timezone) for row in rows]
    return _arranged(views, local_date(now, user.timezone))


def _view(row: Any, anew: Mapping[int, Anew], now: datetime, zone_name: str) -> ConnectionView:
    standing, working = standing_of(row, anew), is_working(row, now)
    state = shown_state(state_of(standing, now), working)
    label, tone = badge_of(standing, state, now, zone_name)
    ended = state == REVOKED or _has_passed(standing, now)
    ends = None if ended else standing.expires_at
    return ConnectionView(
        id=row.id,
        name=one_line(row.name) or NAMELESS_BANK,
        state=state,
        state_label=label,
        state_tone=tone,
        working=working or state == NEW,
        refreshed_at=row.refreshed_at,
        linked_at=row.created_at,
        ends_on=local_date(ends, zone_name) if ends else None,
        ended=ended,
        ends_by=standing.end_is_guessed,
        ends_words=ends_words(standing, now, zone_name),
        need=None if working else need_of(standing, now, zone_name),
        account_count=0 if standing.purged else row.account_count,
    )


def _has_passed(standing: Standing, now: datetime) -> bool:
    """Has the end that was known come, and the bank given nothing since?"""
    return standing.state in BROKEN and standing.expires_at is not None and standing.expires_at <= now


def _arranged(views: list[ConnectionView], today: date) -> Connections:
    endings = sorted(
        (Ending(max(view.ends_on, today), view) for view in views if view.ends_on),
        key=lambda ending: (ending.day, ending.connection.id),
    )
    months = coming_months(today)
    calendar = [(month, [each for each in endings if month_of(each.day) == month]) for month in months]
    return Connections(
        connections=sorted(views, key=_urgency),
        broken=[view for view in views if view.state in BROKEN],
        calendar=calendar,
        later=[each for each in endings if each.day > months[-1].last],
        endless=sum(1 for view in views if view.ends_on is None and not view.ended),
    )


def _urgency(view: ConnectionView) -> tuple[int, date, int]:
    urgency = view.need.urgency if view.need else FINE
    return urgency, view.ends_on or date.max, view.id
