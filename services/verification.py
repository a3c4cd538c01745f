"""Proving that a phone number is this person's: a code goes to it, and comes back typed in.

A code holds for one person and one number, ten minutes and five tries; only the newest counts, and only its keyed
hash is kept. Asking is limited per person and per number, so that nobody can make this site text strangers.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, or_, select, update

from database import changed_rows, insert_ignoring, utcnow
from domain.errors import AppError, BadInput, Conflict, TooSoon, VendorTrouble
from domain.periods import local_date, start_of_day
from domain.texts import code_text
from extensions import db
from models import (
    CODE,
    FAILED,
    PENDING,
    PHONE,
    SENDING,
    SKIPPED,
    PhoneVerification,
    TextConsent,
    TextMessage,
    User,
)
from providers.base import TextGateway, TextKind
from services import opt_outs, text_rules
from services.sending import Result, Sent, deliver
from services.text_claims import LEASE, Claim
from vault import vault

log = logging.getLogger(__name__)

LIFETIME = timedelta(minutes=10)
TRIES = 5
PAUSE = timedelta(seconds=60)
"""Between two codes to one person."""
CODES_A_DAY = 5
"""That may have gone out, per person and per number."""
ASKED_A_DAY = 20
"""Sent or not: a vendor that refuses is not asked for ever."""
DAY = timedelta(days=1)
_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)


class OptedOut(Conflict):
    code = "opted_out"
    message = "This number has replied STOP, so no code can reach it."


class NumberRefused(Conflict):
    code = "number_refused"
    message = "This number cannot get texts. Please give a mobile number in your profile."


class WrongCode(BadInput):
    code = "wrong_code"


class NotTaken(VendorTrouble):
    code = "text_not_sent"
    message = (
        "The text service is not answering right now, so no code was sent. Please try again in a moment."
    )


def send_code(user: User, texts: TextGateway, callback_base: str | None) -> Result:
    """Text this person a new code, in the request; SENT, or UNKNOWN when it may have gone. The caller has made sure
    that they may have texts at all.

    TooSoon within a minute of the last one or when the day's codes are used up, OptedOut, NumberRefused, NotTaken
    (then another may be asked for at once).
    """
    number = user.phone_number
    if opt_outs.is_opted_out(number):
        raise OptedOut
    code = f"{secrets.randbelow(10**6):06d}"
    code_hash = _hash(user.id, number, code)[0]
    _take_turn(user, number, code_hash)
    claim = _written(user, number, code)
    db.session.commit()
    sent = deliver(claim, texts, callback_base)
    if sent.result in (Result.SENT, Result.UNKNOWN):
        return sent.result
    _call_off(claim, code_hash)
    raise _refusal(sent)


def verify(user: User, code: str) -> None:
    """The number is theirs when this is the newest code sent to it. WrongCode says what to do otherwise."""
    number = user.phone_number
    kept = _count_try(user.id, number)
    matches = [hmac.compare_digest(kept, one) for one in _hash(user.id, number, code)]
    if not any(matches):
        raise WrongCode(_wrong_words(user.id))
    used = delete(PhoneVerification).where(
        PhoneVerification.user_id == user.id, PhoneVerification.code_hash == kept
    )
    if changed_rows(db.session.execute(used)) == 1:  # each code is used once
        db.session.execute(
            update(User)
            .where(User.id == user.id, User.phone_hash.in_([*vault.digests(PHONE, number), ""]))
            .values(
                phone_verified_at=utcnow(),
                phone_problem=None,
                # Somebody who signed up with the code of before there were hashes has none yet.
                phone_hash=case((User.phone_hash == "", vault.digest(PHONE, number)), else_=User.phone_hash),
            )
        )
    db.session.commit()
    db.session.refresh(user)


def forget_code(user_id: int) -> None:
    """A code that was sent to a number which is no longer this person's. Does not commit."""
    db.session.execute(delete(PhoneVerification).where(PhoneVerification.user_id == user_id))


def waiting_code(user: User) -> PhoneVerification | None:
    """The code that may still be typed in; None when there is none."""
    row = db.session.get(PhoneVerification, user.id, populate_existing=True)
    return row if row is not None and row.expires_at > utcnow() and row.tries < TRIES else None


def _hash(user_id: int, number: str, code: str) -> list[str]:
    """Under every key, newest first."""
    return vault.digests("code", f"{user_id}:{number}:{code}")


def _take_turn(user: User, number: str, code_hash: str) -> None:
    """Put the new code in the person's one place for it. The first statement writes, so of two requests at once one
    waits for the other and then comes too soon. TooSoon; does not commit when it succeeds."""
    now = utcnow()
    place: dict[str, Any] = {
        "user_id": user.id,
        "phone_hash": "",
        "code_hash": "",
        "tries": TRIES,
        "sent_at": _BEFORE,
        "expires_at": _BEFORE,
    }
    dialect = db.session.get_bind().dialect.name
    db.session.execute(insert_ignoring(PhoneVerification.__table__, ["user_id"], dialect), [place])
    taken = db.session.execute(
        update(PhoneVerification)
        .where(PhoneVerification.user_id == user.id, PhoneVerification.sent_at <= now - PAUSE)
        .values(
            phone_hash=vault.digest(PHONE, number),
            code_hash=code_hash,
            tries=0,
            sent_at=now,
            expires_at=now + LIFETIME,
        )
    )
    if changed_rows(taken) == 0:
        db.session.rollback()
        raise _too_soon(user.id, now)
    if _used_up(user.id, number, now):
        db.session.rollback()
        raise TooSoon(
            "That is all the codes for today. Please try again tomorrow.",
            retry_after=int(DAY.total_seconds()),
        )


def _too_soon(user_id: int, now: datetime) -> TooSoon:
    sent_at = db.session.scalar(select(PhoneVerification.sent_at).where(PhoneVerification.user_id == user_id))
    left = int(((sent_at or now) + PAUSE - now).total_seconds()) + 1
    return TooSoon(
        f"A code is on its way already. You can ask for another one in {left} seconds.", retry_after=left
    )


def _used_up(user_id: int, number: str, now: datetime) -> bool:
    """Did this person, or anybody with this number, have the day's codes? Agreements are counted as well, because
    they stay when a person is deleted: signing up again and again does not help."""
    hashes = vault.digests(PHONE, number)
    by_person, by_number = (
        _codes_since(now - DAY, whose)
        for whose in (TextMessage.user_id == user_id, TextMessage.phone_hash.in_(hashes))
    )
    agreed = db.session.scalar(
        select(func.count())
        .select_from(TextConsent)
        .where(TextConsent.phone_hash.in_(hashes), TextConsent.agreed_at > now - DAY)
    )
    gone = max(by_person[0], by_number[0])
    asked = max(by_person[1], by_number[1])
    return gone >= CODES_A_DAY or asked >= ASKED_A_DAY or (agreed or 0) > 2 * CODES_A_DAY


def _codes_since(since: datetime, whose: ColumnElement[bool]) -> tuple[int, int]:
    """How many codes may have gone out, and how many were asked for."""
    may_have_gone = or_(TextMessage.status.not_in((FAILED, SKIPPED)), TextMessage.sent_at.is_not(None))
    row = db.session.execute(
        select(func.sum(case((may_have_gone, 1), else_=0)), func.count()).where(
            TextMessage.kind == CODE, TextMessage.created_at > since, whose
        )
    ).one()
    return int(row[0] or 0), row[1]


def _written(user: User, number: str, code: str) -> Claim:
    """The row of this text, in our hands already. Its body stays out of the table. Does not commit."""
    today = local_date(utcnow(), user.timezone)
    row = TextMessage(
        user_id=user.id,
        kind=CODE,
        local_date=today,
        phone_hash=vault.digest(PHONE, number),
        body="",
        status=SENDING,
        attempts=1,
        lease_until=utcnow() + LEASE,
    )
    db.session.add(row)
    db.session.flush()
    return Claim(
        id=row.id,
        callback_id=row.callback_id,
        to=number,
        body=code_text(code),
        local_date=today,
        attempts=1,
        user_id=user.id,
        tracker=None,
        validity_seconds=int(LIFETIME.total_seconds()),
        day_began=start_of_day(today, user.timezone),
    )


def _call_off(claim: Claim, code_hash: str) -> None:
    """No code is on its way: another one may be asked for at once, and nothing sends this one later."""
    db.session.execute(
        update(TextMessage)
        .where(TextMessage.id == claim.id, TextMessage.status == PENDING)
        .values(status=FAILED, reason=text_rules.NOT_TAKEN)
    )
    db.session.execute(
        delete(PhoneVerification).where(
            PhoneVerification.user_id == claim.user_id, PhoneVerification.code_hash == code_hash
        )
    )
    db.session.commit()


def _refusal(sent: Sent) -> AppError:
    """Why no code went, for the person."""
    kind = None if sent.error is None else sent.error.kind
    if kind is TextKind.OPTED_OUT:
        return OptedOut()
    if kind is TextKind.NUMBER:
        return NumberRefused()
    if kind is TextKind.UNVERIFIED:
        return NotTaken(
            "This site may not text your number yet. Whoever runs it must allow it at Twilio first."
        )
    return NotTaken()


def _count_try(user_id: int, number: str) -> str:
    """Use up one try, and the hash it must match. Counted before it is looked at: tries at once count one by one."""
    row = db.session.execute(
        update(PhoneVerification)
        .where(
            PhoneVerification.user_id == user_id,
            PhoneVerification.phone_hash.in_(vault.digests(PHONE, number)),
            PhoneVerification.expires_at > utcnow(),
            PhoneVerification.tries < TRIES,
        )
        .values(tries=PhoneVerification.tries + 1)
        .returning(PhoneVerification.code_hash)
    ).one_or_none()
    db.session.commit()
    if row is None:
        raise WrongCode("That code does not work any more. Please ask for a new one.")
    return row.code_hash


def _wrong_words(user_id: int) -> str:
    tries = db.session.scalar(select(PhoneVerification.tries).where(PhoneVerification.user_id == user_id))
    left = TRIES - (tries or TRIES)
    if left <= 0:
        return "That is not the code, and its tries are used up. Please ask for a new one."
    return f"That is not the code of the newest text. You have {left} {'try' if left == 1 else 'tries'} left."
