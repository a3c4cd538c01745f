"""What the fleet knows together about vendors and banks: who is down, until when nobody calls, and who probes.

Rows of vendor_states are the truth. Each process keeps what it saw last, because in good times no refresh may
cost a statement for this: `look` reads it (the sweep, and the job while it runs), a failure writes at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, or_, select, update

from database import changed_rows, insert_or_update, utcnow
from domain.breaker import BANK, PROBE, VENDOR, Patience, Scope, scope_of
from extensions import db
from models import VendorState
from providers.base import Kind, ProviderError

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"
TWILIO = "twilio"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A vendor or bank that is not being called, and when it will be tried again (UTC)."""

    key: str
    state: str
    failures: int
    error_code: str | None
    opened_at: datetime | None
    retry_at: datetime | None


class _Seen:
    """What this process saw last: keys with failures. Threads replace the whole at once."""

    def __init__(self) -> None:
        self.troubles: dict[str, Trouble] = {}


_seen = _Seen()


def plaid_key(environment: str) -> str:
    return f"plaid:{environment}"


def bank_key(environment: str, plaid_institution_id: str) -> str:
    return f"plaid:{environment}:{plaid_institution_id}"[:96]


def keys_of(environment: str, plaid_institution_id: str | None) -> list[str]:
    """Whom a call reaches: the vendor, and the bank behind it where that is known."""
    keys = [plaid_key(environment)]
    if plaid_institution_id is not None:
        keys.append(bank_key(environment, plaid_institution_id))
    return keys


def patience_of(key: str) -> Patience:
    """A bank is given up sooner, and for longer, than the vendor everybody needs."""
    return BANK if key.count(":") == 2 else VENDOR


def look() -> None:
    """Read what the fleet knows. One statement."""
    rows = db.session.scalars(select(VendorState).where(VendorState.failures > 0)).all()
    db.session.commit()
    _seen.troubles = {row.key: _trouble(row) for row in rows}


def forget() -> None:
    """Forget what this process saw (another database, a test)."""
    _seen.troubles = {}


def troubles() -> list[Trouble]:
    """What is not being called just now, as this process saw it last: for the page and the operator."""
    return [each for each in _seen.troubles.values() if each.state != CLOSED]


def trouble_with(key: str) -> Trouble | None:
    found = _seen.troubles.get(key)
    return found if found is not None and found.state != CLOSED else None


def wait_until(keys: Collection[str]) -> datetime | None:
    """When these may be called; None: now. The first caller after a pause becomes the probe, the others wait."""
    for key in keys:
        if (seen := _seen.troubles.get(key)) is not None and seen.state != CLOSED:
            until = _probe_or_wait(key)
            if until is not None:
                return until
    return None


def _probe_or_wait(key: str) -> datetime | None:
    """None: this caller is the probe (or all is well again); else when to come back. Two statements."""
    now, table = utcnow(), VendorState
    overdue = or_(
        and_(table.state == OPEN, table.retry_at <= now),
        and_(table.state == HALF_OPEN, table.probe_until <= now),
    )
    result = db.session.execute(
        update(table)
        .where(table.key == key, overdue)
        .values(state=HALF_OPEN, probe_until=now + PROBE, updated_at=now)
    )
    db.session.commit()
    if changed_rows(result) == 1:
        return None
    row = _read_again(key)
    if row is None or row.state == CLOSED:
        return None
    return row.retry_at if row.state == OPEN else row.probe_until


def failed(key: str, error_code: str) -> None:
    """One more failure in a row; with enough of them nobody calls for a while. Two or three statements.

    Calls that were under way when the breaker opened fail too: they do not make the pause longer."""
    now, table = utcnow(), VendorState
    calls_go_on = or_(table.state != OPEN, table.retry_at <= now)
    statement = insert_or_update(
        table.__table__,
        {"key": key, "state": CLOSED, "failures": 1, "error_code": error_code[:64], "updated_at": now},
        ["key"],
        {
            "failures": case((calls_go_on, table.failures + 1), else_=table.failures),
            "error_code": error_code[:64],
            "updated_at": now,
        },
        db.session.get_bind().dialect.name,
    )
    failures = db.session.execute(statement.returning(table.failures)).scalar_one()
    pause = patience_of(key).pause(failures)
    if pause is not None:
        opened = {"state": OPEN, "opened_at": now, "retry_at": now + pause, "probe_until": None}
        db.session.execute(update(table).where(table.key == key, calls_go_on).values(**opened))
    _read_again(key)


def _read_again(key: str) -> VendorState | None:
    row = db.session.get(VendorState, key, populate_existing=True)
    db.session.commit()
    _put(key, None if row is None else _trouble(row))
    return row


def succeeded(keys: Collection[str]) -> None:
    """These answered. Costs nothing while nobody has seen them fail."""
    for key in keys:
        if key in _seen.troubles:
            db.session.execute(
                update(VendorState)
                .where(VendorState.key == key)
                .values(
                    state=CLOSED, failures=0, error_code=None, opened_at=None, retry_at=None,
                    probe_until=None, updated_at=utcnow(),
                )
            )  # fmt: skip
            db.session.commit()
            _put(key, None)


@contextmanager
def asking(environment: str, plaid_institution_id: str | None = None) -> Iterator[None]:
    """Around one call: its end is told to everybody, and a failure goes on to the caller. No transaction may be
    open. Costs nothing in good times."""
    keys = keys_of(environment, plaid_institution_id)
    try:
        yield
    except ProviderError as error:
        learn(keys, error)
        raise
    succeeded(keys)


def learn(keys: Sequence[str], error: ProviderError) -> None:
    """What a failure says about the vendor and the bank (see keys_of), for everybody who would call them next."""
    vendor, *bank = keys
    match scope_of(error.code, is_limit=error.kind is Kind.LIMIT):
        case Scope.VENDOR:
            failed(vendor, error.code)
        case Scope.BANK if bank:
            succeeded([vendor])
            failed(bank[0], error.code)
        case _:
            succeeded([vendor, *bank])


def _put(key: str, trouble: Trouble | None) -> None:
    others = {name: each for name, each in _seen.troubles.items() if name != key}
    _seen.troubles = others if trouble is None or not trouble.failures else {**others, key: trouble}


def _trouble(row: Any) -> Trouble:
    return Trouble(row.key, row.state, row.failures, row.error_code, row.opened_at, row.retry_at)
