"""The end of access in an institution's row: what a reading makes of what is known, for its last statement.

`expires_at` is the consent's own end, or an announced one that comes earlier; `end_source` says which. Only a
reconnection takes an announcement back; a day that the bank tells takes the place of a guess.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, and_, bindparam, case, literal, not_, null, or_

from database import UtcDateTime
from domain.connections import SOON
from models import ANNOUNCED, CONSENT, GUESSED, FinancialInstitution

NONE_KNOWN: dict[str, object] = {"expires_at": None, "end_source": None}
_row = FinancialInstitution.__table__.c
_NEAR = SOON + timedelta(days=1)
"""An end is announced a week before it comes; a consent's own is known for a year."""


def told(consent_ends_at: datetime | None, now: datetime) -> dict[str, object]:
    """The parameters of `columns` after an answer of the bank that gives this end of the consent (None: it gives
    none). An end that has passed although the bank has answered was none."""
    if consent_ends_at is None or consent_ends_at <= now:
        return {"now": now, "answered": True, "consent_ends_at": None, "consent_ends_soon": False}
    soon = consent_ends_at <= now + _NEAR
    return {"now": now, "answered": True, "consent_ends_at": consent_ends_at, "consent_ends_soon": soon}


def untold(now: datetime) -> dict[str, object]:
    """The parameters of `columns` where the bank was not asked: the end stays as it is known."""
    return {**told(None, now), "answered": False}


def is_announced() -> ColumnElement[bool]:
    """Does an end lie ahead of :now that was announced? A success does not take that back."""
    return and_(_row.expires_at > _moment("now"), _row.end_source.in_((ANNOUNCED, GUESSED)))


def announced_code() -> ColumnElement[Any]:
    """The code of the end that is announced; a failure that came and went meanwhile is over."""
    code = _row.error_code
    return case((code == "PENDING_DISCONNECT", code), else_=literal("PENDING_EXPIRATION"))


def columns() -> dict[str, ColumnElement[Any]]:
    """A rule (services/leases.py) with the parameters of `told` or `untold`."""
    known, source, end = _row.expires_at, _row.end_source, _moment("consent_ends_at")
    passed = and_(bindparam("answered", type_=Boolean), end.is_(None), known <= _moment("now"))
    sharper = and_(source == GUESSED, bindparam("consent_ends_soon", type_=Boolean))
    kept = or_(end.is_(None), and_(is_announced(), known < end, not_(sharper)))
    return {
        "expires_at": case((passed, null()), (kept, known), else_=end),
        "end_source": case((passed, null()), (kept, source), else_=literal(CONSENT)),
    }


def _moment(name: str) -> Any:
    return bindparam(name, type_=UtcDateTime())
