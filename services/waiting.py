"""Which institutions wait for a worker: read without claiming anything, so that others may be quicker."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from database import utcnow
from extensions import db
from models import REVOKED, FinancialInstitution
from services.leases import is_free

_row = FinancialInstitution.__table__.c


def due_now(now: datetime, limit: int = 100) -> list[tuple[int, bool]]:
    """Ids whose background refresh is due and which no living worker holds, the longest waiting first; and
    whether the bank itself is to be asked, which takes long."""
    query = (
        select(_row.id, _row.realtime_wanted)
        .where(_row.due_at <= now, _row.state != REVOKED, is_free(now))
        .order_by(_row.due_at)
        .limit(limit)
    )
    found = [(row.id, row.realtime_wanted) for row in db.session.execute(query)]
    db.session.commit()
    return found


def scheduled_now(now: datetime, after_id: int = 0, limit: int = 500) -> list[int]:
    """One page of ids the daily job should refresh, in id order (pass the last id to get the next page).

    `now` may be pretended; leases run by the real clock."""
    query = (
        select(_row.id)
        .where(_row.scheduled_at <= now, _row.state != REVOKED, _row.id > after_id, is_free(utcnow()))
        .order_by(_row.id)
        .limit(limit)
    )
    ids = list(db.session.scalars(query))
    db.session.commit()
    return ids
