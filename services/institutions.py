"""What a person does to a linked institution: refresh it, delete it, restore the accounts they deleted."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.exc import InvalidRequestError

from background import enqueue
from database import changed_rows, utcnow
from domain.errors import Conflict, NotFound, TooSoon
from extensions import db
from models import ACCOUNTS, REVOKED, Account, FinancialInstitution, User
from services.removals import remember_removals

REALTIME_PAUSE = timedelta(seconds=60)
"""Between two real-time refreshes: the vendor bills each and allows 5 a minute."""


def refresh_now(institution: FinancialInstitution) -> None:
    """Want real-time balances and wake a worker; a refresh that is running is joined.

    TooSoon within 60 s of the last one accepted, Conflict when access has ended.
    """
    now = utcnow()
    _refuse_ended(institution)
    if _want_realtime(institution.id, now):
        enqueue("refresh_now", institution_id=institution.id)
        _look_again(institution)
        return
    _look_again(institution)
    if institution.working(now):
        return
    waited = now - institution.realtime_at if institution.realtime_at else REALTIME_PAUSE
    seconds = int((REALTIME_PAUSE - waited).total_seconds()) + 1
    raise TooSoon(
        f"This bank was refreshed a moment ago. You may refresh it again in {seconds} s.", retry_after=seconds
    )


def refresh_everything(user: User) -> int:
    """Want real-time balances of every institution of this person that may be refreshed now; how many were accepted.

    Running refreshes are joined. TooSoon when nothing is running and every bank was asked a moment ago.
    """
    now, table = utcnow(), FinancialInstitution
    accepted = db.session.scalars(
        update(table)
        .where(table.user_id == user.id, _may_be_refreshed(now))
        .values(due_at=now, realtime_wanted=True, realtime_at=now, stage=ACCOUNTS)
        .returning(table.id),
        execution_options={"synchronize_session": False},
    ).all()
    db.session.commit()
    for institution_id in accepted:
        enqueue("refresh_now", institution_id=institution_id)
    if not accepted:
        _refuse_all_too_soon(user, now)
    return len(accepted)


def _refuse_all_too_soon(user: User, now: datetime) -> None:
    """TooSoon with the seconds until the first bank may be asked again, unless one is being read."""
    query = select(FinancialInstitution).where(
        FinancialInstitution.user_id == user.id, FinancialInstitution.state != REVOKED
    )
    rows = db.session.scalars(query).all()
    if not rows or any(row.working(now) for row in rows):
        return
    seconds = min(ready_in(row.realtime_at, now) for row in rows)
    raise TooSoon(
        f"Every bank was refreshed a moment ago. You may refresh again in {seconds} s.", retry_after=seconds
    )


def _may_be_refreshed(now: datetime) -> ColumnElement[bool]:
    """The last real-time refresh is long enough ago. A new institution's first reading is joined, not doubled."""
    table = FinancialInstitution
    return and_(
        table.state != REVOKED,
        or_(table.realtime_at.is_(None), table.realtime_at <= now - REALTIME_PAUSE),
        or_(table.due_at.is_(None), table.refreshed_at.is_not(None)),
    )


def ready_in(realtime_at: datetime | None, now: datetime) -> int:
    """Whole seconds until a real-time refresh may be asked for again; 0: now."""
    if realtime_at is None:
        return 0
    return max(0, ceil((realtime_at + REALTIME_PAUSE - now).total_seconds()))


def _look_again(institution: FinancialInstitution) -> None:
    """Read the row anew. NotFound when it was deleted meanwhile."""
    try:
        db.session.refresh(institution)
    except InvalidRequestError:
        raise NotFound from None


def _refuse_ended(institution: FinancialInstitution) -> None:
    if institution.state == REVOKED:
        raise Conflict("Access to this bank has ended: delete it and link it anew.", code="access_ended")


def _want_realtime(institution_id: int, now: datetime) -> bool:
    """Accept a real-time refresh if it may be asked for; one UPDATE, so that of two clicks one wins."""
    table = FinancialInstitution
    result = db.session.execute(
        update(table)
        .where(table.id == institution_id, _may_be_refreshed(now))
        .values(due_at=now, realtime_wanted=True, realtime_at=now, stage=ACCOUNTS),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()
    return changed_rows(result) == 1


def delete_institution(user: User, institution: FinancialInstitution) -> None:
    """Forget the institution now; the Item at the vendor is removed by a row that stays until that worked."""
    table = FinancialInstitution
    theirs = and_(table.id == institution.id, table.user_id == user.id)
    removals = remember_removals(theirs)
    if not removals:  # a second click was first
        db.session.rollback()
        raise NotFound
    db.session.execute(delete(table).where(theirs))
    db.session.commit()
    for removal_id in removals:
        enqueue("remove_item", removal_id=removal_id)


def restore_accounts(institution: FinancialInstitution) -> None:
    """Let deleted accounts come back: forget their marks and read everything again from the start.

    Nothing deleted, nothing done. A refresh that is running loses its lease, or it would put the old cursor
    back. Conflict when access has ended: what was deleted cannot be read again.
    """
    _refuse_ended(institution)
    now, table = utcnow(), FinancialInstitution
    marked = (Account.financial_institution_id == institution.id, Account.deleted_at.is_not(None))
    result = db.session.execute(
        update(table)
        .where(table.id == institution.id, table.state != REVOKED, exists().where(*marked))
        .values(
            transactions_cursor=None, due_at=now, stage=ACCOUNTS, attempts=0, lease_id=None, lease_until=None
        ),
        execution_options={"synchronize_session": False},
    )
    restored = changed_rows(result) == 1
    if restored:
        db.session.execute(delete(Account).where(*marked))
    db.session.commit()
    _look_again(institution)
    _refuse_ended(institution)
    if restored:
        enqueue("refresh", institution_id=institution.id)


def logo_of(institution: FinancialInstitution) -> bytes:
    """The institution's logo as PNG bytes. NotFound when it has none."""
    logo = db.session.scalar(
        select(FinancialInstitution.logo).where(FinancialInstitution.id == institution.id)
    )
    if logo is None:
        raise NotFound
    return logo
