"""What became of texts: delivery reports, claims whose worker died, texts of yesterday, and looking up the unknown.

Reports come late, twice and out of order; the first end of a text stays (domain/delivery.py ranks the words).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, select, update

from database import UtcDateTime, changed_rows, utcnow
from domain.delivery import Meaning, is_final, meaning, moves_on, our_status
from domain.periods import local_date
from extensions import db
from models import (
    BUDGET,
    FAILED,
    PENDING,
    PHONE,
    SENDING,
    SENT,
    SKIPPED,
    UNKNOWN,
    BudgetTracker,
    TextMessage,
    User,
)
from providers.base import SentText, TextError, TextGateway, TextKind
from services import opt_outs, text_rules
from services.planning import EARLIEST_ZONE, had_its_day
from services.sending import pause_number
from vault import UndecryptableError, vault

log = logging.getLogger(__name__)

LOOK_UP_AFTER = timedelta(minutes=2)
"""The vendor's list needs a moment before it names a new text."""
LOOK_UP_FOR = timedelta(hours=24)
"""Longer than any text is kept by the vendor: what is not found by then stays unknown."""
SOFT_STRIKES = 3
"""So many texts in a row that did not reach the phone pause its number."""
CONTENT_CODES = ("21602", "21617")
"""The vendor says that a text of ours is empty or too long."""
PAGE = 500


@dataclass(frozen=True, slots=True)
class Report:
    """One delivery report: the vendor's id and word, and its error code if any."""

    sid: str
    word: str
    error_code: str | None = None


def apply_report(callback_id: str, report: Report) -> bool:
    """Take a report about the text with this id. Whether there is such a text; a report that is late, repeated
    or about an ended text changes nothing."""
    table = TextMessage
    text = db.session.execute(
        select(
            table.id, table.user_id, table.phone_hash, table.status, table.provider_status, table.provider_sid
        )
        .where(table.callback_id == callback_id)
        .with_for_update()
    ).one_or_none()
    if text is None or text.provider_sid not in (None, report.sid):
        db.session.rollback()
        return text is not None
    if moves_on(text.provider_status, report.word):
        _take(text, report)
    db.session.commit()
    return True


def _take(text: Any, report: Report) -> None:
    """A report that is news. An ended text keeps its end, except that `unknown` is no end."""
    table = TextMessage
    status = our_status(report.word) or text.status
    db.session.execute(
        update(table)
        .where(table.id == text.id, table.status.in_((SENDING, UNKNOWN, SENT)))
        .values(
            status=status,
            reason=report.error_code if status == FAILED else None,
            provider_status=report.word,
            provider_sid=report.sid,
            sent_at=func.coalesce(table.sent_at, literal(utcnow(), UtcDateTime())),
            lease_until=None,
        )
    )
    if is_final(report.word) and status == FAILED:
        _learn(text.user_id, text.phone_hash, report.error_code)


def _learn(user_id: int, phone_hash: str, error_code: str | None) -> None:
    """What a failed delivery says about the number; nothing about one the person has changed to since."""
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None or not _is_still(user, phone_hash):
        return
    match meaning(error_code):
        case Meaning.NUMBER:
            pause_number(user_id, error_code or "")
        case Meaning.OPTED_OUT:
            _opt_out(user, error_code or "")
        case Meaning.SOFT if _strikes(user_id) >= SOFT_STRIKES:
            pause_number(user_id, error_code or "")


def _is_still(user: User, phone_hash: str) -> bool:
    """Is this their number? Its hash may be under a newer key by now."""
    if user.phone_hash == phone_hash:
        return True
    try:
        return phone_hash in vault.digests(PHONE, user.phone_number)
    except UndecryptableError:
        return False


def _opt_out(user: User, error_code: str) -> None:
    """A number that no key opens can't be put on the list: then it is paused."""
    try:
        opt_outs.record(user.phone_number, opt_outs.VENDOR)
    except UndecryptableError:
        pause_number(user.id, error_code)


def _strikes(user_id: int) -> int:
    """How many of this person's last texts in a row did not reach the phone."""
    query = (
        select(TextMessage.reason)
        .where(TextMessage.user_id == user_id, TextMessage.sent_at.is_not(None))
        .order_by(TextMessage.id.desc())
        .limit(SOFT_STRIKES)
    )
    strikes = 0
    for reason in db.session.scalars(query):
        if meaning(reason) is not Meaning.SOFT or reason is None:
            break
        strikes += 1
    return strikes


def give_up_on_dead_claims() -> int:
    """Texts whose worker died may have gone: they become unknown and are never sent again; how many."""
    table = TextMessage
    dead = db.session.execute(
        update(table)
        .where(table.status == SENDING, table.lease_until < utcnow())
        .values(status=UNKNOWN, reason=text_rules.WORKER_DIED, lease_until=None)
        .returning(table.budget_tracker_id, table.local_date),
        execution_options={"synchronize_session": False},
    ).all()
    for row in dead:
        _advance(row.budget_tracker_id, row.local_date)
    db.session.commit()
    return len(dead)


def _advance(tracker_id: int | None, day: Any) -> None:
    frequency = db.session.scalar(
        select(BudgetTracker.notification_frequency).where(BudgetTracker.id == tracker_id)
    )
    if tracker_id is not None and frequency is not None:
        had_its_day([tracker_id], day, frequency)


def skip_missed(now: datetime) -> int:
    """Texts of an earlier local day that never went are not made up for; how many. Their trackers stay due."""
    table = TextMessage
    skipped, last = 0, 0
    while rows := _waiting_texts(now, last):
        last = rows[-1].id
        ids = [row.id for row in rows if row.local_date < local_date(now, row.timezone)]
        result = db.session.execute(
            update(table)
            .where(table.id.in_(ids), table.status == PENDING)
            .values(status=SKIPPED, reason=text_rules.MISSED)
        )
        skipped += changed_rows(result)
        db.session.commit()
    return skipped


def _waiting_texts(now: datetime, after: int) -> list[Any]:
    query = (
        select(TextMessage.id, TextMessage.local_date, User.timezone)
        .join(User, User.id == TextMessage.user_id)
        .where(
            TextMessage.status == PENDING,
            TextMessage.id > after,
            TextMessage.local_date < (now + EARLIEST_ZONE).date(),
        )
        .order_by(TextMessage.id)
        .limit(PAGE)
    )
    return list(db.session.execute(query))


def look_up_unknown(texts: TextGateway, limit: int = 100) -> int:
    """Ask the vendor what became of texts that may have gone; how many it knew. Stops at its first failure;
    TextError when our account is refused: then no other call is worth making."""
    found = 0
    for text_id in _unknown(limit):
        try:
            found += _look_up(text_id, texts)
        except TextError as error:
            if error.kind is TextKind.CONFIG:
                raise
            log.warning("unknown texts could not be looked up: %s", error)
            break
        except UndecryptableError:
            continue
    return found


def _unknown(limit: int) -> list[int]:
    now = utcnow()
    query = (
        select(TextMessage.id)
        .where(
            TextMessage.status == UNKNOWN,
            TextMessage.kind == BUDGET,
            TextMessage.created_at.between(now - LOOK_UP_FOR, now - LOOK_UP_AFTER),
        )
        .order_by(TextMessage.id)
        .limit(limit)
    )
    ids = list(db.session.scalars(query))
    db.session.commit()
    return ids


def _look_up(text_id: int, texts: TextGateway) -> bool:
    row = db.session.execute(
        select(
            TextMessage.callback_id, TextMessage.body, TextMessage.created_at, TextMessage.phone_hash, User
        )
        .join(User, User.id == TextMessage.user_id)
        .where(TextMessage.id == text_id)
    ).one_or_none()
    db.session.commit()
    if row is None or row.User.phone_hash != row.phone_hash:
        return False
    day_before = row.created_at - timedelta(days=1)  # the vendor counts in days of its own
    for found in texts.find(row.User.phone_number, day_before):
        if _is_it(found, row) and not is_known(found.sid, but=text_id):
            return apply_report(row.callback_id, Report(found.sid, found.status, found.error_code))
    return False


def _is_it(found: SentText, row: Any) -> bool:
    """The same words, not from before ours was written. (A trial account's vendor puts its own words in front.)"""
    early = found.sent_at is not None and found.sent_at < row.created_at - timedelta(minutes=1)
    return found.body.endswith(row.body) and not early


def is_known(sid: str, *, but: int) -> bool:
    """Is this the vendor's id of another text of ours?"""
    query = select(TextMessage.id).where(TextMessage.provider_sid == sid, TextMessage.id != but).limit(1)
    return db.session.scalar(query) is not None


def parked_texts(now: datetime) -> int:
    """Texts of the last day that failed for a reason only a person can mend: our account at the vendor, the words,
    a number or a row that we cannot read."""
    query = (
        select(TextMessage.reason, func.count())
        .where(TextMessage.status == FAILED, TextMessage.created_at >= now - timedelta(days=1))
        .group_by(TextMessage.reason)
    )
    counts = db.session.execute(query).all()
    db.session.commit()
    return sum(count for reason, count in counts if _needs_a_person(reason))


def _needs_a_person(reason: str | None) -> bool:
    ours = (text_rules.INTERNAL, text_rules.UNREADABLE, *CONTENT_CODES)
    return reason in ours or meaning(reason) in (Meaning.CONFIG, Meaning.CONTENT, Meaning.UNVERIFIED)
