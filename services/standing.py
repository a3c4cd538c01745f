"""How connections stand, read with the rows of others: what a query must select, and what follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select

from database import UtcDateTime, utcnow
from domain.connections import BROKEN, Standing
from extensions import db
from models import EXPIRING, GUESSED, HEALTHY, NEW, Account, FinancialInstitution
from services.reading import UNSUPPORTED, UNTOLD

HISTORY_IN = ("HISTORICAL_UPDATE_COMPLETE", UNSUPPORTED)


_table = FinancialInstitution.__table__
_accounts = Account.__table__


@dataclass(frozen=True, slots=True)
class Anew:
    """That a broken connection was linked anew. `newest` is the connection to which things may move, None while the
    bank prepares its history; `leaves` says whether there is an account left on the broken one."""

    newest: int | None
    leaves: bool


def _linked_anew(broken: Collection[int]) -> Any:
    """A query for the `id` of each of these broken connections that was linked anew: the same person has a working
    connection to the same bank, linked after it and with an account in common (a purged one has none left to
    compare: there, one linked since). `newest` and `leaves` as in Anew."""
    table, newer = _table.c, _table.alias("newer")
    theirs, ours = _accounts.alias("theirs"), _accounts.alias("ours")
    shared = (
        select(ours.c.id)
        .join_from(ours, theirs, same_account(ours.c, theirs.c))
        .where(ours.c.financial_institution_id == table.id, theirs.c.financial_institution_id == newer.c.id)
        .correlate(_table, newer)
        .exists()
    )
    left = select(ours.c.id).where(ours.c.financial_institution_id == table.id).correlate(_table).exists()
    ready = and_(newer.c.state != NEW, _has_history(newer.c))
    return (
        select(table.id, func.max(case((ready, newer.c.id))).label("newest"), left.label("leaves"))
        .where(
            table.id.in_(broken),
            table.state.in_(BROKEN),
            newer.c.user_id == table.user_id,
            newer.c.id > table.id,
            newer.c.environment == table.environment,
            newer.c.plaid_institution_id == table.plaid_institution_id,
            newer.c.state.in_((NEW, HEALTHY, EXPIRING)),
            or_(newer.c.created_at > table.purged_at, shared),
        )
        .group_by(table.id)
    )


def _has_history(connection: Any) -> ColumnElement[bool]:
    """Only what a new connection does not reach back to may move, so its history must be in. Where the vendor does
    not say, it is after a day; after a week nobody waits for it any more."""
    status = connection.transactions_status
    return or_(
        status.in_(HISTORY_IN),
        and_(status == UNTOLD, _linked_before(connection, timedelta(days=1))),
        _linked_before(connection, timedelta(days=7)),
    )


def _linked_before(connection: Any, ago: timedelta) -> ColumnElement[bool]:
    return connection.created_at < literal(utcnow() - ago, UtcDateTime())


def same_account(one: Any, other: Any) -> ColumnElement[bool]:
    """Whether two rows look like one account at the bank (domain/matching.py decides)."""
    return or_(
        one.persistent_account_id == other.persistent_account_id,
        and_(
            one.name == other.name,
            one.mask.is_not_distinct_from(other.mask),
            one.subtype.is_not_distinct_from(other.subtype),
        ),
    )


STANDING_COLUMNS = (
    _table.c.state,
    _table.c.error_code,
    _table.c.expires_at,
    _table.c.end_source,
    _table.c.new_accounts_at,
    _table.c.purged_at,
)
"""For a query over financial_institutions."""


def linked_anew(rows: Iterable[Any]) -> dict[int, Anew]:
    """The connections among these (rows with id and state) that were linked anew, by their ids. One statement where
    something is broken, none where all is well."""
    broken = [row.id for row in rows if row.state in BROKEN]
    if not broken:
        return {}
    return {row.id: Anew(row.newest, row.leaves) for row in db.session.execute(_linked_anew(broken))}


def standing_of(row: Any, anew: Mapping[int, Anew]) -> Standing:
    """Of a row with STANDING_COLUMNS and id; `anew` as linked_anew says of it and others."""
    again = anew.get(row.id)
    return Standing(
        state=row.state,
        error_code=row.error_code,
        expires_at=row.expires_at,
        end_is_guessed=row.end_source == GUESSED,
        new_accounts=row.new_accounts_at is not None,
        purged=row.purged_at is not None,
        linked_anew=again is not None and again.newest is not None,
        being_prepared=again is not None and again.newest is None,
        leaves_nothing=again is not None and not again.leaves,
    )


def linked_anew_as(institution_id: int) -> int | None:
    """The id of the connection that replaces this broken one; None for none."""
    found = db.session.execute(_linked_anew([institution_id])).one_or_none()
    return found.newest if found else None


def is_working(row: Any, now: datetime) -> bool:
    """Is a refresh under way or queued? Of a row with due_at and lease_until."""
    return row.due_at is not None or (row.lease_until is not None and row.lease_until > now)
