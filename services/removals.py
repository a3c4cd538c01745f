"""Ending Items at the vendor. A removal is a row until the vendor has answered: never lost, never forgotten."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from sqlalchemy import ColumnElement, Row, Table, delete, func, insert, literal, or_, select, update

from database import UtcDateTime, utcnow
from extensions import db
from models import FinancialInstitution, ItemRemoval
from providers.base import BankGateway, Banks, Kind, ProviderError
from services import exchanges, vendors
from vault import UndecryptableError

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
MAX_PAUSE = timedelta(hours=12)
PARK_AFTER = 30
"""Tries before a person must look: with pauses doubling up to 12 hours that is about a week and a half."""


class Removal(StrEnum):
    """How a try ended."""

    REMOVED = "removed"
    KEPT = "kept"
    BUSY = "busy"


def remember_removals(condition: ColumnElement[bool]) -> list[int]:
    """Add (not commit) one row for each institution that meets the condition; it will end the Item, and goes
    with the deletion's own commit. Their ids; none when somebody else deleted them first.

    The token is copied inside the database: one that no key opens today must not stand in a deletion's way.
    """
    table, removal = FinancialInstitution, cast("Table", ItemRemoval.__table__)
    db.session.execute(select(table.id).where(condition).with_for_update())
    due_at = literal(utcnow(), UtcDateTime())
    copied = select(table.environment, table.plaid_item_id, table.access_token, due_at).where(condition)
    names = ["environment", "plaid_item_id", "access_token", "due_at"]
    statement = insert(removal).from_select(names, copied).returning(removal.c.id)
    return list(db.session.scalars(statement))


def remove_item(removal_id: int, banks: Banks, *, due_by: datetime | None = None) -> Removal:
    """Try once to end an Item that is due. One the vendor no longer knows is done. Never raises for its failure.

    `due_by` is the job's moment (`--at` moves it): the next try is counted from there, if it is later than now.
    BUSY also when another worker has tried since we listed it: two at once do not make the gaps shorter.
    """
    now = max(utcnow(), due_by or utcnow())
    try:
        row = _claim(removal_id, now)
    except UndecryptableError:
        db.session.rollback()
        _postpone(removal_id, "ACCESS_TOKEN_UNREADABLE", None)
        return Removal.KEPT
    if row is None:
        return Removal.BUSY
    try:
        bank = banks[row.environment]
        with vendors.asking(row.environment):
            _end(removal_id, row, bank)
    except KeyError:
        _postpone(removal_id, "NOT_CONFIGURED", now + MAX_PAUSE)
        return Removal.KEPT
    except ProviderError as error:
        if error.kind is not Kind.GONE:
            log.warning("removal %s failed: %s", removal_id, error)
            _postpone(removal_id, error.code, _next_try(row.attempts, error, now))
            return Removal.KEPT
    db.session.execute(delete(ItemRemoval).where(ItemRemoval.id == removal_id))
    db.session.commit()
    return Removal.REMOVED


def _end(removal_id: int, row: Row[str, str, str, int], bank: BankGateway) -> None:
    """End the row's Item. One whose exchange was cut off is taken first, if it still can be."""
    token: str | None = row.access_token
    if exchanges.is_note(row.plaid_item_id):
        token = exchanges.redeem(removal_id, row.access_token, bank)
    if token is not None:
        bank.remove(token)


def _claim(removal_id: int, due_by: datetime):  # noqa: ANN202 - a row of the four columns below
    now = utcnow()
    row = db.session.execute(
        update(ItemRemoval)
        .where(ItemRemoval.id == removal_id, ItemRemoval.due_at <= due_by, _free(now))
        .values(lease_until=now + LEASE, attempts=ItemRemoval.attempts + 1)
        .returning(
            ItemRemoval.environment, ItemRemoval.plaid_item_id, ItemRemoval.access_token, ItemRemoval.attempts
        ),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    db.session.commit()
    return row


def _free(now: datetime):  # noqa: ANN202 - a SQL expression
    return or_(ItemRemoval.lease_until.is_(None), ItemRemoval.lease_until < now)


def _next_try(attempts: int, error: ProviderError, now: datetime) -> datetime | None:
    """Doubling pauses from one minute; None parks it for a person."""
    if attempts >= PARK_AFTER or error.kind is Kind.PERMANENT:
        return None
    return now + min(timedelta(minutes=2 ** min(attempts - 1, 12)), MAX_PAUSE)


def _postpone(removal_id: int, code: str, due_at: datetime | None) -> None:
    db.session.execute(
        update(ItemRemoval)
        .where(ItemRemoval.id == removal_id)
        .values(error_code=code, due_at=due_at, lease_until=None),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()


def removals_due(now: datetime, limit: int = 100) -> list[int]:
    """Ids of removals due at `now` (which may be pretended) that no living worker holds, longest waiting first."""
    query = (
        select(ItemRemoval.id)
        .where(ItemRemoval.due_at <= now, _free(utcnow()))
        .order_by(ItemRemoval.due_at)
        .limit(limit)
    )
    ids = list(db.session.scalars(query))
    db.session.commit()
    return ids


def parked_removals() -> int:
    """How many removals wait for a person."""
    count = db.session.scalar(
        select(func.count()).select_from(ItemRemoval).where(ItemRemoval.due_at.is_(None))
    )
    db.session.commit()
    return count or 0
