"""How far the daily refresh has come, read from the rows: whoever did the work, they tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from database import utcnow
from extensions import db
from models import REVOKED, FinancialInstitution


@dataclass(frozen=True)
class Left:
    """How many institutions are still due, and how many of those somebody is reading right now."""

    due: int
    held: int


@dataclass
class Became:
    """Of some institutions: how many were refreshed, how many tried in vain, and the ids of those nobody tried."""

    refreshed: int
    failed: int
    untouched: list[int]


def left(now: datetime) -> Left:
    """What is due at `now` (which may be pretended; leases run by the real clock)."""
    table = FinancialInstitution
    held = func.sum(case((table.lease_until >= utcnow(), 1), else_=0))
    query = select(func.count(), held).where(table.scheduled_at <= now, table.state != REVOKED)
    due, being_read = db.session.execute(query).one()
    db.session.commit()
    return Left(due, int(being_read or 0))


def became(ids: Sequence[int], began: datetime, now: datetime) -> Became:
    """What became of institutions that were due at `now`, since the real moment `began`. One that was deleted
    meanwhile counts as nothing."""
    table = FinancialInstitution
    query = select(table.id, table.refreshed_at, table.scheduled_at, table.state).where(table.id.in_(ids))
    found = Became(0, 0, [])
    for row in db.session.execute(query):
        if row.refreshed_at is not None and row.refreshed_at >= began:
            found.refreshed += 1
        elif row.scheduled_at > now or row.state == REVOKED:
            found.failed += 1
        else:
            found.untouched.append(row.id)
    db.session.commit()
    return found
