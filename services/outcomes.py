"""How the work on an institution ends in its row: read, or failed; what was asked for since it was claimed still waits,
and the lease is given back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, and_, bindparam, case, func, not_, null, or_, update

from background import enqueue
from database import UtcDateTime, utcnow
from extensions import db
from models import ACCOUNTS, DONE, EXPIRING, HEALTHY, REVOKED, TRANSACTIONS, FinancialInstitution
from services import endings, leases, reading
from services.leases import NOBODYS, Claim

_table: Any = FinancialInstitution.__table__
_row = _table.c
_RESTING = case((_row.transactions_status == reading.NOT_READY, TRANSACTIONS), else_=DONE)


def _moment(name: str) -> Any:
    return bindparam(name, type_=UtcDateTime())


# What follows has named parameters instead of values, so that each statement is built once (leases.change).
WANTED_ANEW: ColumnElement[bool] = and_(
    _row.due_at.is_not(None), _row.due_at.is_distinct_from(_moment("wanted_at"))
)
"""Was it asked for again since the claim (a webhook, a click)? What was read may be older than that."""
_REALTIME_ANEW = and_(
    _row.realtime_wanted,
    or_(not_(bindparam("realtime", type_=Boolean)), _row.realtime_at.is_distinct_from(_moment("asked_at"))),
)
"""Were real-time numbers asked for since the claim? What was claimed as such, a webhook may want anew without."""


def since(claim: Claim) -> dict[str, object]:
    """The parameters of WANTED_ANEW: how it was wanted when it was claimed."""
    return {"wanted_at": claim.due_at}


def _asked_since(claim: Claim) -> dict[str, object]:
    return {**since(claim), "realtime": claim.realtime, "asked_at": claim.realtime_at}


def succeed(
    claim: Claim,
    values: dict[str, object],
    now: datetime,
    *,
    state: str,
    retry_at: datetime | None,
    chosen_at: datetime | None,
    end: dict[str, object],
) -> bool:
    """The last statement of a refresh, and the commit. False, and nothing written, when the lease was lost.

    HEALTHY as `state` gives way to EXPIRING while an end is announced. `retry_at`: when it is read again unless
    somebody asked meanwhile; None: when the job wants it. `chosen_at`: the choice of accounts that has been read, a
    newer one has not. `end`: see endings.told.
    """
    told = {"state_read": state, "now": now, "retry_at": retry_at, "chosen_at": chosen_at, **end}
    row = leases.change(claim, {**values, **NOBODYS}, _success, **told, **_asked_since(claim))
    if row is None:
        db.session.rollback()
        return False
    db.session.commit()
    wake(claim.id, row.due_at, realtime=row.realtime_wanted)
    return True


def _success() -> dict[str, ColumnElement[Any]]:
    ends, chosen = endings.is_announced(), _row.accounts_chosen_at
    state = bindparam("state_read", type_=String)
    return {
        "state": case((and_(ends, state == HEALTHY), EXPIRING), else_=state),
        "error_code": case((ends, endings.announced_code()), else_=null()),
        # A person who asked while a cached refresh was running still gets the real-time one.
        "due_at": case(
            (_REALTIME_ANEW, _moment("now")), (WANTED_ANEW, _row.due_at), else_=_moment("retry_at")
        ),
        "realtime_wanted": _REALTIME_ANEW,
        "accounts_chosen_at": case((chosen == _moment("chosen_at"), null()), else_=chosen),
        **endings.columns(),
    }


def fail(claim: Claim, outcome: dict[str, object], *, not_before: datetime | None = None) -> None:
    """End the lease with an outcome; what was asked for since the claim still waits, for `not_before` if that is
    given, and a worker is woken for it. Nothing waits for access that has ended."""
    values = {"attempts": 0, **NOBODYS, **outcome}
    told = {
        "goes_on": values.get("state") != REVOKED,
        "not_before": not_before,
        "retry_at": values.pop("due_at", None),
        "stage_left": values.pop("stage", None),
    }
    row = leases.change(claim, values, _failure, **told, **_asked_since(claim))
    db.session.commit()
    if row is not None and "due_at" not in outcome:
        wake(claim.id, row.due_at, realtime=row.realtime_wanted)


def _failure() -> dict[str, ColumnElement[Any]]:
    anew = and_(bindparam("goes_on", type_=Boolean), WANTED_ANEW)
    stage = func.coalesce(bindparam("stage_left", type_=String), _RESTING)
    return {
        "due_at": case((anew, func.coalesce(_moment("not_before"), _row.due_at)), else_=_moment("retry_at")),
        "stage": case((anew, ACCOUNTS), else_=stage),
        "realtime_wanted": and_(anew, _REALTIME_ANEW),
    }


def wake(institution_id: int, due_at: datetime | None, *, realtime: bool) -> None:
    """Have a worker come when it is wanted, after the commit that said so; None: nobody wants it."""
    if due_at is not None:
        delay = max(0.0, (due_at - utcnow()).total_seconds())
        enqueue("refresh_now" if realtime else "refresh", delay=delay, institution_id=institution_id)


def give_back(institution_id: int, outcome: dict[str, object]) -> None:
    """Leave an outcome, and nothing waiting, where no living worker has a lease."""
    free = and_(_row.id == institution_id, leases.is_free(utcnow()))
    nothing_waits = {"due_at": None, "realtime_wanted": False, "attempts": 0, "stage": _RESTING}
    left = {**nothing_waits, **NOBODYS, **outcome}
    db.session.execute(update(_table).where(free).values(left))
    db.session.commit()
