"""What a failed refresh leaves behind: the institution's state and next try, and what everybody learns of a vendor.

The numbers stay and keep their age. Failures that pass are tried again soon, the others wait for the next day or
a person.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import select

from database import utcnow
from domain.periods import next_refresh
from extensions import db
from models import ACCOUNTS, ERROR, EXPIRING, NEEDS_LOGIN, NEW, REVOKED, FinancialInstitution, ItemRemoval
from providers.base import Kind, ProviderError
from services import leases, outcomes, purging, vendors
from services.leases import Claim

log = logging.getLogger(__name__)

RETRY_SOON = timedelta(minutes=50)
"""Before the next hourly run of the job, whatever minute it starts at."""
LIMIT_PAUSE = timedelta(seconds=60)

SOON = (Kind.RETRY, Kind.CONFIG, Kind.NOT_READY, Kind.MUTATION)
"""Failures that the next run of the job may find gone; the others wait for the next day or a person."""

STATE_OF_KIND = {Kind.LOGIN: NEEDS_LOGIN, Kind.EXPIRING: EXPIRING, Kind.GONE: REVOKED}


def vendors_of(claim: Claim) -> list[str]:
    """Whom a refresh calls: the vendor, and the bank behind it once that is known."""
    return vendors.keys_of(claim.environment, claim.plaid_institution_id)


def put_off(claim: Claim, until: datetime) -> None:
    """Nobody calls a vendor or a bank that is down: the institution waits for the next probe. Somebody who waits
    for it is told what is wrong, unless there is something to do for them; a new one goes on by itself."""
    outcome: dict[str, object] = {"scheduled_at": until}
    if claim.state == NEW:
        outcome |= {"due_at": until, "attempts": claim.attempts, "stage": ACCOUNTS}
    elif claim.watched and claim.state not in (NEEDS_LOGIN, EXPIRING):
        outcome |= {"state": ERROR, "error_code": _what_is_wrong(claim)}
    outcomes.fail(claim, outcome)


def _what_is_wrong(claim: Claim) -> str | None:
    found = (vendors.trouble_with(key) for key in vendors_of(claim))
    return next((trouble.error_code for trouble in found if trouble is not None), "INSTITUTION_DOWN")


def record(claim: Claim, error: ProviderError) -> None:
    """Record what happened; the numbers stay and keep their age. A rate limit changes nothing but the time."""
    db.session.rollback()
    now = utcnow()
    log.warning("refresh of institution %s failed: %s", claim.id, error)
    if error.code == purging.WITHDRAWN:
        _withdrawn(claim, now)
    else:
        pause = now + LIMIT_PAUSE if error.kind is Kind.LIMIT else None
        outcomes.fail(claim, _outcome(claim, error, now), not_before=pause)
    vendors.learn(vendors_of(claim), error)


def _outcome(claim: Claim, error: ProviderError, now: datetime) -> dict[str, object]:
    outcome: dict[str, object]
    if error.kind is Kind.LIMIT:
        outcome = {"scheduled_at": now + LIMIT_PAUSE}
        if claim.state == NEW:  # nothing to show yet: go on by ourselves
            outcome |= {"due_at": now + LIMIT_PAUSE, "stage": ACCOUNTS}
    else:
        state = STATE_OF_KIND.get(error.kind, ERROR)
        soon = error.kind in SOON  # it passes, or the operator mends it
        again = now + RETRY_SOON if soon else next_refresh(now, claim.timezone)
        outcome = {"state": state, "error_code": error.code, "scheduled_at": again}
    return outcome


def _withdrawn(claim: Claim, now: datetime) -> None:
    """The person has withdrawn access at the bank, and its webhook never came: the same is deleted now."""
    if leases.lock(claim, purging.ended(now)):
        purging.delete_data(claim.id)
        db.session.commit()


def park(institution_id: int, code: str) -> None:
    """An institution that cannot be worked on waits an hour, with its reason, so that it never blocks the others."""
    outcomes.give_back(institution_id, _parked(code))


def broken(claim: Claim) -> None:
    """One that a mistake of ours stopped waits likewise, but for what was asked for since."""
    outcomes.fail(claim, _parked("INTERNAL"))


def _parked(code: str) -> dict[str, object]:
    return {"state": ERROR, "error_code": code, "scheduled_at": utcnow() + RETRY_SOON}


def stopped_by(code: str) -> bool:
    """Does any institution or removal stand still because of this? For codes that only the operator can mend."""
    queries = (
        select(table.id).where(table.error_code == code).limit(1)
        for table in (FinancialInstitution, ItemRemoval)
    )
    found = any(db.session.scalar(query) is not None for query in queries)
    db.session.commit()
    return found
