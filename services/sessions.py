"""Sessions as rows: a stolen or forgotten browser can be shut out from here.

The cookie holds 256 random bits; the row is found by their SHA-256. Visitors who have not signed in have no
row: nothing is known about them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from database import changed_rows, utcnow
from extensions import db
from models import User, UserSession
from vault import digest

IDLE = timedelta(hours=1)
ABSOLUTE = timedelta(hours=24)
"""NIST SP 800-63B, AAL2: at most an hour idle and a day in all."""
TOUCH = timedelta(minutes=5)
"""How stale last_seen_at may be: one write in five minutes of use, not one per page."""


_sessions = UserSession.__table__.c
_LIVING = (
    select(_sessions.id, _sessions.data, _sessions.last_seen_at, User)
    .outerjoin_from(UserSession, User, User.id == UserSession.user_id)
    .where(
        _sessions.token_hash == bindparam("token_hash"),
        _sessions.last_seen_at > bindparam("idle_since"),
        _sessions.created_at > bindparam("begun"),
    )
)
"""Every request asks this first, so it is built once."""


class Living(NamedTuple):
    """A session that may be used: its data, and whose it is. As long as this is held, looking the person up by
    their id takes no statement of its own."""

    data: dict[str, Any]
    user: User | None


def load(token: str) -> Living | None:
    """A living session, or None. Using it keeps it alive."""
    now = utcnow()
    parameters = {"token_hash": digest(token), "idle_since": now - IDLE, "begun": now - ABSOLUTE}
    row = db.session.execute(_LIVING, parameters).one_or_none()
    if row is None:
        return None
    if row.last_seen_at < now - TOUCH:
        db.session.execute(update(UserSession).where(UserSession.id == row.id).values(last_seen_at=now))
        db.session.commit()
    return Living(dict(row.data), row.User)


class SessionRefusedError(Exception):
    """The session cannot be kept: its person is gone, or the database is away."""


def save(token: str, user_id: int | None, data: dict[str, Any], *, create: bool) -> None:
    """Keep this data under the token. Without `create` a session that was ended meanwhile stays ended.

    SessionRefusedError when it cannot be kept.
    """
    key = digest(token)
    try:
        result = db.session.execute(
            update(UserSession).where(UserSession.token_hash == key).values(data=data, user_id=user_id)
        )
        if create and not changed_rows(result):
            db.session.add(UserSession(token_hash=key, user_id=user_id, data=data))
        db.session.commit()
    except SQLAlchemyError as error:
        db.session.rollback()
        raise SessionRefusedError from error


def end(token: str) -> None:
    db.session.execute(delete(UserSession).where(UserSession.token_hash == digest(token)))
    db.session.commit()


def end_others(user_id: int, keep_token: str | None) -> None:
    """End every session of this person but the one holding `keep_token`. Does not commit."""
    others = delete(UserSession).where(UserSession.user_id == user_id)
    if keep_token is not None:
        others = others.where(UserSession.token_hash != digest(keep_token))
    db.session.execute(others)


def purge(now: datetime) -> int:
    """Delete sessions that can no longer be used; how many."""
    result = db.session.execute(
        delete(UserSession).where(
            or_(UserSession.last_seen_at <= now - IDLE, UserSession.created_at <= now - ABSOLUTE)
        )
    )
    db.session.commit()
    return changed_rows(result)
