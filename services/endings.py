"""The end of access in an institution's row: what a reading makes of what is known, for its last statement.

`expires_at` is the consent's own end, or an announced one that comes earlier; `end_source` says which. Only a
reconnection takes an announcement back; a day that the bank tells takes the place of a guess.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, literal, not_, null

from database import UtcDateTime
from domain.connections import SOON
from models import ANNOUNCED, CONSENT, GUESSED, FinancialInstitution

NONE_KNOWN: dict[str, object] = {"expires_at": None, "end_source": None}
_row = FinancialInstitution.__table__.c
_NEAR = SOON + timedelta(days=1)
"""An end is announced a week before it comes; a consent's own is known for a year."""


def is_announced(now: datetime) -> ColumnElement[bool]:
    """Does an end lie ahead that was announced? A success does not take that back."""
    return and_(_row.expires_at > _moment(now), _row.end_source.in_((ANNOUNCED, GUESSED)))


def announced_code() -> ColumnElement[Any]:
    """The code of the end that is announced; a failure that came and went meanwhile is over."""
    code = _row.error_code
    return case((code == "PENDING_DISCONNECT", code), else_=literal("PENDING_EXPIRATION"))


def told(consent_ends_at: datetime | None, now: datetime) -> dict[str, object]:
    """The columns after an answer of the bank that gives this end of the consent (None: it gives none). An end that
    has passed although the bank has answered was none."""
    known, source = _row.expires_at, _row.end_source
    if consent_ends_at is None or consent_ends_at <= now:
        passed = known <= _moment(now)
        return {
            "expires_at": case((passed, null()), else_=known),
            "end_source": case((passed, null()), else_=source),
        }
    end = _moment(consent_ends_at)
    sharper = and_(source == GUESSED, literal(consent_ends_at <= now + _NEAR))
    kept = and_(is_announced(now), known < end, not_(sharper))
    return {
        "expires_at": case((kept, known), else_=end),
        "end_source": case((kept, source), else_=literal(CONSENT)),
    }


def _moment(value: datetime) -> ColumnElement[Any]:
    return literal(value, UtcDateTime())
