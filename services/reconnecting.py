"""Link in update mode: a connection that needs its person is renewed; it stays the same Item, nothing is exchanged."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import and_, case, literal, or_, select, update
from sqlalchemy.exc import InvalidRequestError

from database import UtcDateTime, changed_rows, utcnow
from domain.connections import CONSENT_CODES, Standing, chooses_accounts
from domain.errors import Conflict, NotFound, VendorTrouble
from domain.wording import failure_sentence, reconnecting_sentence
from extensions import db
from models import ACCOUNTS, REVOKED, FinancialInstitution
from providers.base import Banks, Kind, LinkToken, ProviderError
from services import endings, outcomes, vendors
from services.institutions import REALTIME_PAUSE
from services.linking import bank_of
from vault import UndecryptableError

log = logging.getLogger(__name__)

MISSED_PAUSE = timedelta(seconds=12)
"""Between two real-time readings of which the first was cut: Plaid allows five a minute and Item."""


def create_update_token(institution: FinancialInstitution, banks: Banks) -> tuple[LinkToken, bool]:
    """A token that opens Link on this institution, and whether Link will show its accounts to choose from.

    Conflict when access has ended, VendorTrouble when the vendor gives no token."""
    _refuse_ended(institution)
    bank = bank_of(institution.environment, banks)
    user_id, token = institution.user_id, _access_token(institution.id)
    environment, bank_id = institution.environment, institution.plaid_institution_id
    choosing = chooses_accounts(
        Standing(
            institution.state,
            institution.error_code,
            new_accounts=institution.new_accounts_at is not None,
        )
    )
    consent = institution.error_code in CONSENT_CODES
    db.session.commit()  # no transaction is open while the vendor is asked
    try:
        with vendors.asking(environment, bank_id):
            link_token = bank.create_update_token(
                user_id, token, choose_accounts=choosing, ask_consent=consent
            )
    except ProviderError as error:
        log.warning("link token for institution refused: %s", error)
        if error.kind is Kind.GONE:
            raise _ended() from None
        raise VendorTrouble(reconnecting_sentence(error.kind)) from None
    return link_token, choosing


def _access_token(institution_id: int) -> str:
    try:
        token = db.session.scalar(
            select(FinancialInstitution.access_token).where(FinancialInstitution.id == institution_id)
        )
    except UndecryptableError:
        raise VendorTrouble(failure_sentence("ACCESS_TOKEN_UNREADABLE")) from None
    if token is None:
        raise NotFound
    return token


def reconnected(institution: FinancialInstitution, *, chose_accounts: bool) -> None:
    """Read the institution at once: its person has just renewed it in Link. The warning goes with the first success;
    an end that was announced is over, or is told again by the reading.

    After a choice of accounts, those that are no longer shared are deleted by that reading. A refresh under way
    loses its lease: it began before. Conflict when access has ended.
    """
    now = utcnow()
    values = {**_read_now(now), **endings.NONE_KNOWN}
    if chose_accounts:
        values |= {"new_accounts_at": None, "accounts_chosen_at": now}
    _read(institution, values)


def refused(institution: FinancialInstitution) -> None:
    """Read the institution at once: its bank has just refused to renew it, and may say now what it needs instead.
    Nothing that is known changes by that; a refresh under way is followed by another one. Conflict when access has
    ended."""
    _read(institution, {"due_at": utcnow(), "stage": ACCOUNTS})


def _read(institution: FinancialInstitution, values: dict[str, object]) -> None:
    """Write these columns, among them when it is due, and wake a worker."""
    _refuse_ended(institution)
    table = FinancialInstitution
    result = db.session.execute(
        update(table).where(table.id == institution.id, table.state != REVOKED).values(**values),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()
    try:
        db.session.refresh(institution)
    except InvalidRequestError:
        raise NotFound from None
    if not changed_rows(result):
        raise _ended()
    outcomes.wake(institution.id, institution.due_at, realtime=institution.realtime_wanted)


def _read_now(now: datetime) -> dict[str, object]:
    """Real-time balances, unless those of the last minute were had: a reading that failed, was cut or still waits
    says nothing about the bank now. After one that is cut or waits, which may have asked the bank already, the next
    keeps MISSED_PAUSE, however often this is called."""
    table = FinancialInstitution
    missed = or_(
        table.realtime_wanted, table.balances_as_of.is_(None), table.balances_as_of < table.realtime_at
    )
    allowed = or_(
        table.realtime_at.is_(None),
        table.realtime_at <= now - REALTIME_PAUSE,
        and_(missed, or_(table.realtime_wanted.is_(False), table.realtime_at <= now - MISSED_PAUSE)),
    )
    next_one = literal(now + MISSED_PAUSE, UtcDateTime())
    later = case((table.realtime_at > now, table.realtime_at), else_=next_one)
    at_once = literal(now, UtcDateTime())
    return {
        "due_at": case((allowed, at_once), (missed, later), else_=at_once),
        "stage": ACCOUNTS,
        "attempts": 0,
        "lease_id": None,
        "lease_until": None,
        "realtime_wanted": case((or_(allowed, missed), True), else_=False),
        "realtime_at": case((allowed, at_once), (missed, later), else_=table.realtime_at),
    }


def _refuse_ended(institution: FinancialInstitution) -> None:
    if institution.state == REVOKED:
        raise _ended()


def _ended() -> Conflict:
    return Conflict("Access to this bank has ended: link it anew.", code="access_ended")
