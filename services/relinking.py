"""A bank that was linked anew: what the person made here moves to the new connection, and the old one goes.

A new link has new ids for everything. Accounts are matched by domain/matching.py, and the person has the last
word. Everything happens in one transaction; the old Item is ended by a removal row written in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update

from background import enqueue
from database import changed_rows
from domain.errors import AppError, BadInput, Conflict, NotFound
from domain.matching import AccountFace, match_accounts
from extensions import db
from models import Account, BalanceSnapshot, BudgetTracker, FinancialInstitution, Transaction, User
from services.applying import OWN, moved_from, moved_id
from services.ownership import owned_institution
from services.removals import remember_removals
from services.standing import linked_anew_as


@dataclass(frozen=True, slots=True)
class OldAccount:
    """An account of the old connection: what would move, and to which new account (None: not decided)."""

    face: AccountFace
    has_tracker: bool
    transactions: int
    deleted: bool
    suggested: int | None

    @property
    def matters(self) -> bool:
        """Whether there is anything to move."""
        return self.has_tracker or self.deleted or self.transactions > 0


@dataclass(slots=True)
class MovePlan:
    """What would move from an old connection to the one that replaces it."""

    old_id: int
    new_id: int
    name: str
    old_since: datetime
    new_since: datetime
    accounts: list[OldAccount] = field(default_factory=list)
    targets: list[AccountFace] = field(default_factory=list)

    @property
    def matters(self) -> bool:
        """Whether there is anything to move."""
        return any(row.matters for row in self.accounts)

    def options(self, row: OldAccount) -> list[AccountFace]:
        """The new accounts that this one may move into."""
        return [face for face in self.targets if face.type == row.face.type or face.id == row.suggested]


def plan_move(user: User, old_id: int) -> MovePlan:
    """What would move. NotFound for a stranger's; Conflict when nothing has replaced this connection."""
    old = owned_institution(user, old_id)
    new_id = linked_anew_as(old.id)
    if new_id is None:
        raise Conflict(
            "This connection has not been linked anew, so there is nothing to move.", code="not_replaced"
        )
    new = owned_institution(user, new_id)
    plan = MovePlan(old.id, new.id, old.name, old.created_at, new.created_at)
    olds, plan.targets = _faces(old.id), [face for face, deleted in _faces(new.id) if not deleted]
    matched = match_accounts([face for face, _ in olds], plan.targets)
    trackers, rows = _tracked(old.id), _counted(old.id)
    plan.accounts = [
        OldAccount(face, face.id in trackers, rows.get(face.id, 0), deleted, matched[face.id])
        for face, deleted in olds
    ]
    return plan


def _faces(institution_id: int) -> list[tuple[AccountFace, bool]]:
    """An institution's accounts, and whether the person deleted each."""
    columns = (
        Account.id,
        Account.persistent_account_id,
        Account.name,
        Account.mask,
        Account.type,
        Account.subtype,
    )
    query = (
        select(*columns, Account.deleted_at)
        .where(Account.financial_institution_id == institution_id)
        .order_by(Account.id)
    )
    return [(AccountFace(*row[:6]), row.deleted_at is not None) for row in db.session.execute(query)]


def _tracked(institution_id: int) -> set[int]:
    query = (
        select(BudgetTracker.account_id)
        .join(Account)
        .where(Account.financial_institution_id == institution_id)
    )
    return set(db.session.scalars(query))


def _counted(institution_id: int) -> dict[int, int]:
    query = (
        select(Transaction.account_id, func.count())
        .where(Transaction.financial_institution_id == institution_id)
        .group_by(Transaction.account_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def move(user: User, old_id: int, choices: Mapping[int, int | None]) -> str:
    """Move what the person made, and the history that the new connection does not reach back to, as they chose
    (old account id -> new one, None or absent: left behind); then the old connection goes. Its bank's name.

    NotFound for a stranger's or when it is gone; Conflict when nothing replaces it (any more); BadInput for a
    choice that is not among the accounts, or that puts two accounts into one.
    """
    plan = plan_move(user, old_id)
    _checked(plan, choices)
    db.session.commit()
    _lock(user.id, plan)
    plan, pairs = _planned_again(user, plan, choices)
    deleted = {row.face.id for row in plan.accounts if row.deleted}
    for old, new in pairs.items():
        if old in deleted:
            _move_deletion(old, new)
        else:
            _move_account(old, new, plan)
    removals = remember_removals(FinancialInstitution.id == plan.old_id)
    db.session.execute(delete(FinancialInstitution).where(FinancialInstitution.id == plan.old_id))
    db.session.commit()
    for removal_id in removals:
        enqueue("remove_item", removal_id=removal_id)
    return plan.name


def _checked(plan: MovePlan, choices: Mapping[int, int | None]) -> dict[int, int]:
    pairs = {old: new for old, new in choices.items() if new is not None}
    targets = {face.id for face in plan.targets}
    if not pairs.keys() <= {row.face.id for row in plan.accounts} or not set(pairs.values()) <= targets:
        raise BadInput("Please choose among the accounts shown.")
    if len(set(pairs.values())) < len(pairs):
        raise BadInput("Two accounts cannot move into one. Please choose another one for either of them.")
    return pairs


def _lock(user_id: int, plan: MovePlan) -> None:
    """Nobody refreshes either connection until this is over: the old one's lease is taken away, and whoever writes
    to the new one waits for its row. NotFound when one of them has gone meanwhile."""
    table = FinancialInstitution
    old = db.session.execute(
        update(table)
        .where(table.id == plan.old_id, table.user_id == user_id)
        .values(lease_id=None, lease_until=None),
        execution_options={"synchronize_session": False},
    )
    new = (
        select(table.id)
        .where(table.id == plan.new_id, table.user_id == user_id)
        .with_for_update(key_share=True)
    )
    if not changed_rows(old) or db.session.scalar(new) is None:
        db.session.rollback()
        raise NotFound


def _planned_again(
    user: User, plan: MovePlan, choices: Mapping[int, int | None]
) -> tuple[MovePlan, dict[int, int]]:
    """The plan and the pairs as they stand now that both rows are locked: before that a refresh or a webhook may
    have changed a state, and the person an account."""
    try:
        again = plan_move(user, plan.old_id)
        if again.new_id != plan.new_id:
            raise Conflict("Your connections have changed meanwhile. Please look again.", code="not_replaced")
        return again, _checked(again, choices)
    except AppError:
        db.session.rollback()
        raise


def _move_account(old: int, new: int, plan: MovePlan) -> None:
    """A tracker stays the same row, so its texts stay its own. Where the new account has one already, that stays."""
    tracked = select(BudgetTracker.id).where(BudgetTracker.account_id == new)
    if db.session.scalar(tracked) is None:
        _update(BudgetTracker, BudgetTracker.account_id == old, account_id=new)
    _move_transactions(old, new, plan)
    _move_snapshots(old, new)


def _move_transactions(old: int, new: int, plan: MovePlan) -> None:
    """What was pending has posted since, or never will."""
    _update(
        Transaction,
        and_(Transaction.account_id == old, ~Transaction.pending),
        account_id=new,
        financial_institution_id=plan.new_id,
        plaid_transaction_id=moved_id(Transaction.__table__.c.plaid_transaction_id, plan.old_id),
        pending_transaction_id=None,
    )
    _keep_the_newest_word(new)


def _keep_the_newest_word(account_id: int) -> None:
    """A day belongs to the newest connection that reaches back to it, whichever was moved first: what older ones
    gave for it is the same once more."""
    source = moved_from(Transaction.__table__.c.plaid_transaction_id).label("source")
    ours = Transaction.account_id == account_id
    rows = db.session.execute(select(source, func.min(Transaction.date)).where(ours).group_by(source))
    reached = date.max
    for giver, first in sorted(rows, key=lambda row: (row[0] == OWN, row[0]), reverse=True):
        if giver != OWN:
            db.session.execute(
                delete(Transaction).where(ours, source == giver, Transaction.date >= reached),
                execution_options={"synchronize_session": False},
            )
        reached = min(reached, first)


def _move_snapshots(old: int, new: int) -> None:
    """The days that the new account has not: of two connections each has days when it alone was read."""
    there = select(BalanceSnapshot.local_date).where(BalanceSnapshot.account_id == new)
    missing = BalanceSnapshot.local_date.not_in(there)
    _update(BalanceSnapshot, and_(BalanceSnapshot.account_id == old, missing), account_id=new)


def _move_deletion(old: int, new: int) -> None:
    """The new account is what the person had deleted: its data goes, and an empty mark stays."""
    deleted_at = db.session.scalar(select(Account.deleted_at).where(Account.id == old))
    for table in (Transaction, BalanceSnapshot, BudgetTracker):
        db.session.execute(delete(table).where(table.account_id == new))
    empty = dict.fromkeys(("available", "current", "limit", "official_name"))
    _update(Account, Account.id == new, deleted_at=deleted_at, **empty)


def _update(model: Any, condition: ColumnElement[bool], **values: Any) -> None:
    db.session.execute(
        update(model).where(condition).values(**values), execution_options={"synchronize_session": False}
    )
