"""Browsers a person has signed in with before: strangers' wrong passwords do not slow these down.

A browser's cookie holds a random token for each of the last few people who signed in with it; only their SHA-256
is kept, each bound to one person. A token proves nothing but that: the password is asked for as ever. A token we
did not give to this very person is never taken over.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from database import changed_rows, utcnow
from extensions import db
from models import TrustedDevice, User
from vault import digest

LIFETIME = timedelta(days=180)
"""How long a browser stays known after its last log-in."""
PER_BROWSER = 5
PER_PERSON = 20


def known(tokens: Sequence[str], name_key: str) -> int | None:
    """The id of the row that makes one of these tokens known for the person of this name, or None."""
    if not tokens:
        return None
    query = select(TrustedDevice.id).join(User, User.id == TrustedDevice.user_id)
    return db.session.scalar(query.where(User.username_key == name_key, *_alive(tokens)).limit(1))


def remember(user: User, tokens: Sequence[str]) -> list[str]:
    """This person has signed in with the browser of these tokens: the tokens it keeps from now on."""
    result = db.session.execute(
        update(TrustedDevice)
        .where(TrustedDevice.user_id == user.id, *_alive(tokens))
        .values(last_used_at=utcnow())
    )
    kept = list(tokens) if changed_rows(result) else [_new_token(user), *tokens]
    try:
        db.session.commit()
    except IntegrityError:  # the person was deleted meanwhile
        db.session.rollback()
        kept = list(tokens)
    return kept[:PER_BROWSER]


def forget_all(user_id: int) -> None:
    """No browser of this person is known any more. Does not commit."""
    db.session.execute(delete(TrustedDevice).where(TrustedDevice.user_id == user_id))


def purge(now: datetime) -> int:
    """Delete browsers not used for long; how many."""
    result = db.session.execute(delete(TrustedDevice).where(TrustedDevice.last_used_at <= now - LIFETIME))
    db.session.commit()
    return changed_rows(result)


def _alive(tokens: Sequence[str]) -> tuple:
    hashes = [digest(token) for token in tokens[:PER_BROWSER]]
    return TrustedDevice.token_hash.in_(hashes), TrustedDevice.last_used_at > utcnow() - LIFETIME


def _new_token(user: User) -> str:
    """A token for one more browser; the person's oldest make room."""
    newest = (
        select(TrustedDevice.id)
        .where(TrustedDevice.user_id == user.id)
        .order_by(TrustedDevice.last_used_at.desc(), TrustedDevice.id.desc())
        .limit(PER_PERSON - 1)
    )
    mine = TrustedDevice.user_id == user.id
    db.session.execute(delete(TrustedDevice).where(mine, TrustedDevice.id.not_in(newest)))
    token = secrets.token_urlsafe(32)
    db.session.add(TrustedDevice(token_hash=digest(token), user_id=user.id))
    return token
