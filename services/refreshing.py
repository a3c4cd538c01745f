"""Bringing an institution up to date: claim (services/leases.py), read, write, finish.

Reading happens outside any transaction; one transaction writes the result and, last, the cursor. Running
twice changes nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from database import utcnow
from domain.periods import local_date, next_refresh
from extensions import db
from models import DONE, HEALTHY, NEW, TRANSACTIONS
from providers.base import BankGateway, Banks, Institution, Kind, ProviderError
from services import applying, endings, failures, leases, outcomes, reading, vendors
from services.health import DATABASE_AWAY, roll_back
from services.leases import Claim
from vault import UndecryptableError

log = logging.getLogger(__name__)

NOT_READY_LADDER = (1, 2, 4, 8, 15, 30, 60)
"""Seconds between tries while a new Item's transactions are being prepared (DESIGN.md 6)."""


class Outcome(StrEnum):
    """How a refresh ended. WAITING: transactions are not ready yet; BUSY: somebody else has it, or it is gone;
    PUT_OFF: the vendor or the bank is down and is not called just now."""

    DONE = "done"
    WAITING = "waiting"
    FAILED = "failed"
    BUSY = "busy"
    PUT_OFF = "put_off"


def refresh(
    institution_id: int,
    banks: Banks,
    lease_seconds: int,
    *,
    due_by: datetime | None = None,
    only_wanted: bool = False,
) -> Outcome:
    """Refresh one institution now, if nobody else is and it still exists. Never raises for a vendor's failure.

    With `due_by` only if the daily job wanted it by then: of two jobs at once the later one finds it done.
    With `only_wanted` only if somebody still waits for it: a message that comes late, or twice, does nothing.
    """
    try:
        claim = leases.claim(institution_id, lease_seconds, due_by, only_wanted=only_wanted)
    except UndecryptableError:
        db.session.rollback()
        failures.park(institution_id, "ACCESS_TOKEN_UNREADABLE")
        return Outcome.FAILED
    if claim is None:
        return Outcome.BUSY
    try:
        return _work_on(claim, banks, lease_seconds)
    except DATABASE_AWAY:  # it is no fault of this institution, and may be over in a moment
        roll_back()
        leases.let_go(claim)
        raise


def _work_on(claim: Claim, banks: Banks, lease_seconds: int) -> Outcome:
    """A claimed institution, and what its failure leaves behind."""
    if (until := vendors.wait_until(failures.vendors_of(claim))) is not None:
        failures.put_off(claim, until)
        return Outcome.PUT_OFF
    try:
        outcome = _read_and_write(claim, _bank_of(claim.environment, banks), lease_seconds)
    except ProviderError as error:
        failures.record(claim, error)
        return Outcome.FAILED
    except DATABASE_AWAY:
        raise
    except Exception:
        db.session.rollback()
        failures.broken(claim)
        raise
    vendors.succeeded(failures.vendors_of(claim))
    return outcome


def _bank_of(environment: str, banks: Banks) -> BankGateway:
    """The gateway; keys that were taken away since linking are a failure of ours with a name."""
    try:
        return banks[environment]
    except KeyError:
        raise ProviderError("NOT_CONFIGURED", Kind.CONFIG) from None


def _read_and_write(claim: Claim, bank: BankGateway, lease_seconds: int) -> Outcome:
    """The three steps of a refresh; a person watching sees the accounts before the transactions are read."""
    # While a new Item's transactions are being prepared its accounts were just read: only sync is tried again.
    retrying = 0 < claim.attempts <= len(NOT_READY_LADDER) and not claim.realtime
    identity = None if claim.identified or retrying else reading.institution(bank, claim.access_token)
    balances = None
    if not retrying:
        balances = reading.balances(bank, claim.access_token, realtime=claim.realtime, now=utcnow())
    if claim.watched and balances is not None:
        if not _write_accounts_early(claim, balances, identity, lease_seconds):
            return Outcome.BUSY
        identity = None
    keep = leases.keeper(claim, lease_seconds)
    try:
        changes = reading.changes_since(bank, claim.access_token, claim.cursor, keep)
    except leases.LeaseLostError:
        return Outcome.BUSY
    reading.describe_accounts(bank, claim.access_token, changes, balances.accounts if balances else [])
    return _write(claim, balances, identity, changes)


def _write_accounts_early(
    claim: Claim, balances: reading.Balances, identity: Institution | None, lease_seconds: int
) -> bool:
    """Show the balances at once, before the transactions are read."""
    now = utcnow()
    lease = {"lease_until": now + timedelta(seconds=lease_seconds), "stage": TRANSACTIONS}
    end = endings.told(balances.consent_ends_at, now)
    if not leases.lock(claim, {**lease, **_face(identity), **_age(balances)}, endings.columns, **end):
        return False
    link = db.session.connection()
    known = _known(link, claim, balances)
    applying.write_accounts(link, claim.id, balances.accounts, known, now, local_date(now, claim.timezone))
    db.session.commit()
    return True


def _known(link: Connection, claim: Claim, balances: reading.Balances | None) -> applying.KnownAccounts:
    """The accounts as they are here, without those that the person has unticked in Link."""
    known = applying.known_accounts(link, claim.id)
    _refuse_emptiness(balances, known)
    if claim.chosen_at is not None and balances is not None:
        applying.delete_unchosen(link, balances.accounts, known)
    return known


def _refuse_emptiness(balances: reading.Balances | None, known: applying.KnownAccounts) -> None:
    """An empty list where there were accounts is a bank's hiccup, not the end of them all: the numbers stay."""
    if balances is not None and not balances.accounts and known.open_rows:
        raise ProviderError("EMPTY_ACCOUNTS", Kind.RETRY)


def _write(
    claim: Claim, balances: reading.Balances | None, identity: Institution | None, changes: reading.Changes
) -> Outcome:
    """One transaction: accounts, balances, the day's snapshot, transactions and, last, the cursor."""
    now = utcnow()
    if not leases.hold(claim):
        return Outcome.BUSY
    link = db.session.connection()  # each statement by way of the session would cost a tenth more
    known = _known(link, claim, balances)
    reported = list(balances.accounts) if balances else []
    # An account may appear between the two calls: the pages that name its transactions name it too.
    seen = {row.account_id for row in reported} | known.ids.keys()
    late = [row for key, row in changes.accounts.items() if key not in seen]
    if balances or late:
        if not balances:
            known.open_rows = {}  # nothing was read about the others: nothing may be closed
        applying.write_accounts(link, claim.id, reported + late, known, now, local_date(now, claim.timezone))
    cursor = claim.cursor
    if changes.status != reading.NOT_READY:
        applying.write_transactions(link, claim.id, changes, known, from_start=cursor is None)
        cursor = _cursor_after(claim, changes, known)
    return _finish(claim, balances, identity, changes.status, cursor, now)


def _cursor_after(claim: Claim, changes: reading.Changes, known: applying.KnownAccounts) -> str | None:
    """How far this institution is read now. None, the start of history, while the bank sends rows of an account
    that it does not name: they could not be written, and must come again once it does. (From the old cursor only
    what changed in sum would come: a row written today and removed tomorrow would stay for ever.)"""
    if not applying.nameless(changes, known):
        return changes.cursor or claim.cursor
    log.warning("institution %s: transactions of an account that the bank does not name", claim.id)
    return None


def _finish(
    claim: Claim,
    balances: reading.Balances | None,
    identity: Institution | None,
    status: str,
    cursor: str | None,
    now: datetime,
) -> Outcome:
    """The last statement of a refresh: cursor, state, when it is read again, and the lease given back."""
    waiting = status == reading.NOT_READY
    climbing = waiting and claim.attempts < len(NOT_READY_LADDER)
    complete = status in ("HISTORICAL_UPDATE_COMPLETE", reading.UNSUPPORTED)
    values = {
        "stage": TRANSACTIONS if waiting else DONE,
        "refreshed_at": now,
        "transactions_cursor": cursor,
        "transactions_status": status,
        "scheduled_at": next_refresh(max(now, claim.due_by or now), claim.timezone) if complete else now,
        # One past the ladder's end means: climbed in vain, only the job tries again.
        "attempts": min(claim.attempts, len(NOT_READY_LADDER)) + 1 if waiting else 0,
        **_face(identity),
        **_age(balances),
    }
    written = outcomes.succeed(
        claim,
        values,
        now,
        state=NEW if climbing and claim.state == NEW else HEALTHY,
        retry_at=now + timedelta(seconds=NOT_READY_LADDER[claim.attempts]) if climbing else None,
        chosen_at=claim.chosen_at if balances else None,
        end=endings.told(balances.consent_ends_at, now) if balances else endings.untold(now),
    )
    if not written:
        return Outcome.BUSY
    return Outcome.WAITING if waiting else Outcome.DONE


def _face(identity: Institution | None) -> dict[str, object]:
    """The institution's own name, colour and logo, once known: what Link said is only a first guess."""
    if identity is None:
        return {}
    return {
        "plaid_institution_id": identity.institution_id,
        "name": identity.name[:255],
        "primary_color": identity.primary_color,
        "logo": identity.logo,
        "has_logo": identity.logo is not None,
        "identified": True,
    }


def _age(balances: reading.Balances | None) -> dict[str, object]:
    """The age of the numbers; one that was not said stays as it was known."""
    return {"balances_as_of": balances.as_of} if balances and balances.as_of else {}
