"""Sending what was planned: one call for a claimed text, and its outcome written down.

A text is claimed by a conditional UPDATE before the call and never claimed again unless the vendor surely
did not take it: twice is worse than not at all. A claim whose lease has run out may have gone, so it becomes
`unknown` (services/delivery.py looks it up).
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select, update

from database import changed_rows, utcnow
from domain.delivery import our_status
from domain.texts import fingerprint
from extensions import db
from models import (
    FAILED,
    PENDING,
    SENDING,
    SENT,
    SKIPPED,
    UNKNOWN,
    TextMessage,
    User,
)
from providers.base import OutgoingText, SentText, TextError, TextGateway, TextKind
from services import opt_outs, text_claims, text_rules, vendors
from services.planning import had_its_day
from services.text_claims import Busy, Claim, Closed, Dropped

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
"""Seconds before a text that was surely not taken may be tried again; doubled with every try."""


_VENDOR_IN_TROUBLE = (TextKind.NOT_SENT, TextKind.LIMIT, TextKind.UNKNOWN)


class Result(StrEnum):
    """How one text ended in this run. PENDING: it waits for a later try; BUSY: somebody else has it."""

    SENT = "sent"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    FAILED = "failed"
    PENDING = "pending"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Sent:
    """The result, the error behind it if there was one, and the seconds until the text may be tried again."""

    result: Result
    error: TextError | None = None
    pause: float = 0


def waiting(limit: int = 500) -> list[int]:
    """Texts that may be tried now, the longest waiting first."""
    query = (
        select(TextMessage.id)
        .where(TextMessage.status == PENDING, TextMessage.due_at <= utcnow())
        .order_by(TextMessage.due_at, TextMessage.id)
        .limit(limit)
    )
    ids = list(db.session.scalars(query))
    db.session.commit()
    return ids


def next_try_in() -> float | None:
    """Seconds until the next waiting text may be tried (0: now); None when none waits."""
    due = db.session.scalar(select(func.min(TextMessage.due_at)).where(TextMessage.status == PENDING))
    db.session.commit()
    return None if due is None else max(0.0, (due - utcnow()).total_seconds())


def still_waiting() -> int:
    """How many texts wait to be sent."""
    count = db.session.scalar(
        select(func.count()).select_from(TextMessage).where(TextMessage.status == PENDING)
    )
    db.session.commit()
    return count or 0


def send(
    text_id: int, now: datetime, texts: TextGateway, callback_base: str | None, *, careful: bool = False
) -> Sent:
    """Send one budget text, unless somebody else has it or it must not go any more. Never raises for a vendor.

    `now` may be pretended: it decides about day and window. The lease runs by the real clock. When `careful` the
    vendor is asked first whether this day's text has gone already: a database that came back from a backup does
    not know what was sent after it was made.
    """
    try:
        claim = text_claims.claim(text_id, now)
    except Busy:
        return Sent(Result.BUSY)
    except Closed:
        return Sent(Result.PENDING)
    except Dropped as dropped:
        return Sent(Result(dropped.status))
    if careful:
        try:
            gone = _gone_already(claim, texts)
        except TextError as error:
            return _refused(claim, TextError(error.code, _safe_kind(error)))
        if gone is not None:
            _remember(claim, gone)
            return Sent(Result.SKIPPED)
    return deliver(claim, texts, callback_base)


def _safe_kind(error: TextError) -> TextKind:
    """A question that failed has sent nothing."""
    return error.kind if error.kind in (TextKind.LIMIT, TextKind.CONFIG) else TextKind.NOT_SENT


def _gone_already(claim: Claim, texts: TextGateway) -> SentText | None:
    """A text to this number on this tracker since the local day began, whatever its amounts; not one we know of."""
    wanted = fingerprint(claim.body)
    for found in texts.find(claim.to, claim.day_began):
        late_enough = found.sent_at is None or found.sent_at >= claim.day_began
        if late_enough and fingerprint(found.body).endswith(wanted) and not _is_known(found.sid):
            return found
    return None


def _is_known(sid: str) -> bool:
    known = db.session.scalar(select(TextMessage.id).where(TextMessage.provider_sid == sid).limit(1))
    db.session.commit()
    return known is not None


def _remember(claim: Claim, gone: SentText) -> None:
    """It went before the database came back from a backup: its outcome is what the vendor says."""
    status = our_status(gone.status) or SENT
    sent_at = gone.sent_at or utcnow()
    _finish(
        claim,
        status,
        text_rules.RESTORED,
        provider_sid=gone.sid,
        provider_status=gone.status,
        sent_at=sent_at,
    )


def deliver(claim: Claim, texts: TextGateway, callback_base: str | None) -> Sent:
    """The one call for a claimed text, and its outcome in the row."""
    callback = f"{callback_base}/webhooks/twilio/status?text={claim.callback_id}" if callback_base else None
    text = OutgoingText(claim.to, claim.body, callback, claim.validity_seconds)
    try:
        taken = texts.send(text)
    except TextError as error:
        if error.kind in _VENDOR_IN_TROUBLE:
            vendors.failed(vendors.TWILIO, error.code)
        return _refused(claim, error)
    except Exception as error:  # noqa: BLE001 - it may have gone all the same
        _finish(claim, UNKNOWN, text_rules.INTERNAL)
        log.error("text %s: the call broke: %s", claim.id, type(error).__name__)
        return Sent(Result.UNKNOWN)
    vendors.succeeded([vendors.TWILIO])
    return _taken(claim, taken)


def _taken(claim: Claim, taken: SentText) -> Sent:
    """The vendor has it, unless it says at once that it failed. News that came before this answer stays."""
    db.session.execute(
        update(TextMessage).where(TextMessage.id == claim.id).values(provider_sid=taken.sid, sent_at=utcnow())
    )
    status = our_status(taken.status) or SENT
    reason = taken.error_code if status == FAILED else None
    _finish(claim, status, reason, provider_status=taken.status)
    return Sent(Result.FAILED if status == FAILED else Result.SENT)


def _refused(claim: Claim, error: TextError) -> Sent:
    """What a refusal or a failure makes of the text, the number and the run."""
    log.warning("text %s: %s", claim.id, error)
    match error.kind:
        case TextKind.NOT_SENT | TextKind.LIMIT | TextKind.CONFIG:
            return Sent(Result.PENDING, error, _put_back(claim, error))
        case TextKind.UNKNOWN:
            _finish(claim, UNKNOWN, error.code)
            return Sent(Result.UNKNOWN, error)
        case TextKind.OPTED_OUT:
            _finish(claim, SKIPPED, text_rules.OPTED_OUT)
            opt_outs.record(claim.to, opt_outs.VENDOR)
            return Sent(Result.SKIPPED, error)
        case TextKind.NUMBER:
            pause_number(claim.user_id, error.code)
    _finish(claim, FAILED, error.code)
    return Sent(Result.FAILED, error)


def _put_back(claim: Claim, error: TextError) -> float:
    """It surely did not go: the same row may be tried again, later each time; in how many seconds."""
    if error.kind is TextKind.CONFIG:  # keys that are refused say nothing about this text
        pause = 0.0
    else:
        growing = FIRST_PAUSE * 2 ** (claim.attempts - 1) * (1 + random.random() / 4)  # noqa: S311 - jitter
        pause = min(LONGEST_PAUSE, error.retry_after or growing)
    again = utcnow() + timedelta(seconds=pause)
    _change(claim.id, {"status": PENDING, "reason": error.code, "due_at": again, "lease_until": None})
    db.session.commit()
    return pause


def _finish(claim: Claim, status: str, reason: str | None, **values: Any) -> None:
    """The text has had its day: its status, unless news of it came first, and the tracker's next date."""
    _change(claim.id, {"status": status, "reason": reason, "lease_until": None, **values})
    if claim.tracker is not None:
        had_its_day([claim.tracker[0]], claim.local_date, claim.tracker[1])
    db.session.commit()


def _change(text_id: int, values: dict[str, Any]) -> bool:
    """Change a text that is still ours to settle."""
    result = db.session.execute(
        update(TextMessage).where(TextMessage.id == text_id, TextMessage.status == SENDING).values(**values)
    )
    return changed_rows(result) == 1


def pause_number(user_id: int, code: str) -> None:
    """This number gets no texts until its owner verifies it again. Does not commit."""
    db.session.execute(
        update(User).where(User.id == user_id).values(phone_verified_at=None, phone_problem=code[:16])
    )
