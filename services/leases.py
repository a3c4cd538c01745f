"""Who works on an institution: claimed by a conditional UPDATE with a lease, so that any number of workers share
the work and a killed one is taken over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    and_,
    bindparam,
    or_,
    select,
    true,
    update,
)

from database import utcnow
from extensions import db
from models import REVOKED, FinancialInstitution, User
from services.health import DATABASE_AWAY, roll_back

_table: Any = FinancialInstitution.__table__
_row = _table.c
"""Of the table, not of the class: what the ORM adds to an UPDATE costs more than the UPDATE, and every refresh does it.
"""

NOBODYS: dict[str, object] = {"lease_id": None, "lease_until": None}
"""The columns of a lease given back."""
Rule = Callable[[], dict[str, ColumnElement[Any]]]
"""Columns whose new values depend on what the row holds at that moment, with named parameters for the rest."""


@dataclass(frozen=True, repr=False)
class Claim:
    """A leased institution and what the work needs to know of it. Holds the access token: never logged."""

    id: int
    lease_id: str
    environment: str
    access_token: str
    cursor: str | None
    state: str
    attempts: int
    realtime: bool
    watched: bool
    """Somebody asked for this refresh and may be looking at its progress."""
    timezone: str
    due_by: datetime | None
    """The moment of the job that refreshes it (`--at` moves it); the next one is counted from there."""
    identified: bool
    """The vendor has said who the institution is: name, colour, logo."""
    plaid_institution_id: str | None
    due_at: datetime | None = None
    """When it was wanted, as it stood when we took it: another moment now means that it is wanted anew."""
    realtime_at: datetime | None = None
    """When real-time numbers were last asked for, as it stood then."""
    chosen_at: datetime | None = None
    """When the person chose accounts in Link that have not been read since."""


def claim(
    institution_id: int, lease_seconds: int, due_by: datetime | None, *, only_wanted: bool
) -> Claim | None:
    """Take the lease, or None: held by a living worker, removed, done already, or its access has ended."""
    now, lease_id = utcnow(), secrets.token_hex(16)
    # Timers may be early by a hair.
    column, by = ("due_at", now + timedelta(seconds=1)) if only_wanted else ("scheduled_at", due_by)
    stranded = _stranded.get(institution_id, ())
    until = now + timedelta(seconds=lease_seconds)
    values: dict[str, object] = {"number": institution_id, "now": now, "mine": lease_id, "until": until}
    values |= {"by": by} if by else {}
    values |= {"stranded": stranded} if stranded else {}
    taking = _taking(column if by else None, bool(stranded))
    try:
        row = db.session.execute(taking, values).one_or_none()
        db.session.commit()
    except DATABASE_AWAY:  # a commit that nobody answered may have happened
        roll_back()
        _strand(institution_id, lease_id)
        raise
    _stranded.pop(institution_id, None)
    return None if row is None else _claimed(row, institution_id, lease_id, due_by)


def _claimed(row: Any, institution_id: int, lease_id: str, due_by: datetime | None) -> Claim:
    return Claim(
        id=institution_id,
        lease_id=lease_id,
        environment=row.environment,
        access_token=row.access_token,
        cursor=row.transactions_cursor,
        state=row.state,
        attempts=row.attempts,
        realtime=row.realtime_wanted,
        watched=row.due_at is not None,
        timezone=row.timezone,
        identified=row.identified,
        plaid_institution_id=row.plaid_institution_id,
        due_by=due_by,
        due_at=row.due_at,
        realtime_at=row.realtime_at,
        chosen_at=row.accounts_chosen_at,
    )


@cache
def _taking(wanted: str | None, stranded: bool) -> Any:
    """The UPDATE that claims. `wanted`: the column that must not be later than :by; `stranded`: leases of ours that
    count as free. Built once each: building it took longer than the database."""
    free = is_free(bindparam("now"))
    if stranded:
        free = or_(free, _row.lease_id.in_(bindparam("stranded", expanding=True)))
    due = true() if wanted is None else _row[wanted] <= bindparam("by")
    zone = select(User.timezone).where(User.id == _row.user_id).scalar_subquery()
    return (
        update(_table)
        .where(_row.id == bindparam("number"), due, free, _row.state != REVOKED)
        .values(lease_id=bindparam("mine"), lease_until=bindparam("until"))
        .returning(*[_row[name] for name in _CLAIMED], zone.label("timezone"))
    )


_CLAIMED = (
    "environment", "access_token", "transactions_cursor", "state", "attempts", "realtime_wanted", "realtime_at",
    "due_at", "identified", "plaid_institution_id", "accounts_chosen_at",
)  # fmt: skip

_stranded: dict[int, tuple[str, ...]] = {}
"""Leases of this process, by institution, that it has, or may have, and could not give back: the database was away."""


def _strand(institution_id: int, lease_id: str) -> None:
    _stranded[institution_id] = (*_stranded.get(institution_id, ()), lease_id)


def let_go(claim: Claim) -> None:
    """End the lease and leave everything as it was: the database went away under the work, and whoever wanted it
    still does. When not even this can be written, this process alone may claim the institution before the lease
    has run out."""
    try:
        change(claim, NOBODYS)
        db.session.commit()
    except DATABASE_AWAY:
        roll_back()
        _strand(claim.id, claim.lease_id)


def is_free(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(_row.lease_until.is_(None), _row.lease_until < now)


class LeaseLostError(Exception):
    """Somebody else has the institution now, or it is gone: what was read is not written."""


def keeper(claim: Claim, lease_seconds: int) -> Callable[[], None]:
    """To be called after each page: a history that takes longer than a lease keeps it, a third at a time."""
    renewed = monotonic()

    def keep() -> None:
        nonlocal renewed
        if monotonic() - renewed < lease_seconds / 3:
            return
        if not lock(claim, {"lease_until": utcnow() + timedelta(seconds=lease_seconds)}):
            raise LeaseLostError
        db.session.commit()
        renewed = monotonic()

    return keep


def hold(claim: Claim) -> bool:
    """Lock the institution's row if the lease is still ours, without changing it; False when it is not.

    Postgres: a row updated twice in one transaction is checked against its user again, who may be locked by
    their own deletion, which waits for us: a deadlock. So this is a SELECT .. FOR NO KEY UPDATE there, and
    the refresh's last statement the only UPDATE. SQLite has no row locks; its first write locks the file, so
    there it is an UPDATE.
    """
    if db.session.get_bind().dialect.name == "sqlite":
        return lock(claim, {"lease_id": claim.lease_id})
    if db.session.execute(_HOLDING, _key(claim)).one_or_none() is not None:
        return True
    db.session.rollback()
    return False


def lock(claim: Claim, values: dict[str, object], rule: Rule | None = None, **told: object) -> bool:
    """Lock and change the institution's row if the lease is still ours; False when it was taken over or removed.

    Everything written after it in this transaction belongs to a living institution: a deletion waits, or
    has happened and we write nothing.
    """
    if change(claim, values, rule, **told) is not None:
        return True
    db.session.rollback()
    return False


def change(
    claim: Claim, values: dict[str, object], rule: Rule | None = None, **told: object
) -> Row[Any] | None:
    """Change the row if the lease is still ours: these values, and the rule's with the parameters `told`. When it is
    wanted now, and whether in real time; None when it was taken over or removed. Does not commit."""
    new = {f"new_{name}": value for name, value in values.items()}
    query = _changing(tuple(values), rule)
    return db.session.execute(query, {**_key(claim), **new, **told}).one_or_none()


@cache
def _changing(names: tuple[str, ...], rule: Rule | None) -> Any:
    """The UPDATE of a leased row, built once for the same columns and rule: that took longer than the database."""
    values = {name: bindparam(f"new_{name}", type_=_row[name].type) for name in names}
    ruled = rule() if rule else {}
    return (
        update(_table).where(_MINE).values({**values, **ruled}).returning(_row.due_at, _row.realtime_wanted)
    )


def _key(claim: Claim) -> dict[str, object]:
    return {"number": claim.id, "mine": claim.lease_id}


_MINE = and_(_row.id == bindparam("number"), _row.lease_id == bindparam("mine"))
_HOLDING = select(_row.id).where(_MINE).with_for_update(key_share=True)
