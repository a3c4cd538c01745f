"""The end of access: when the person withdraws it at the bank, everything the bank gave is deleted here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, exists, select, update

from database import utcnow
from extensions import db
from models import DONE, REVOKED, Account, BalanceSnapshot, BudgetTracker, Transaction
from services import endings

WITHDRAWN = "USER_PERMISSION_REVOKED"


def ended(now: datetime) -> dict[str, object]:
    """The columns of an institution whose access was withdrawn: nobody reads it any more, a running refresh writes
    nothing, and what is left is its card."""
    nothing = (
        "transactions_cursor", "transactions_status", "balances_as_of", "new_accounts_at",
        "accounts_chosen_at", "due_at", "lease_id", "lease_until",
    )  # fmt: skip
    return {
        **dict.fromkeys(nothing),
        **endings.NONE_KNOWN,
        "state": REVOKED,
        "stage": DONE,
        "error_code": WITHDRAWN,
        "purged_at": now,
        "attempts": 0,
        "realtime_wanted": False,
    }


def delete_data(institution_id: int) -> None:
    """Delete (not commit) accounts with their balances, snapshots and transactions. The institution's row must be
    locked.

    What the person made themselves stays for when they link the bank anew (services/relinking.py): budget
    trackers and the marks of deleted accounts, with the name and kind of their account and nothing that was in it.
    """
    ours = Account.financial_institution_id == institution_id
    living = (ours, Account.deleted_at.is_(None))
    tracked = exists().where(BudgetTracker.account_id == Account.id)
    db.session.execute(delete(Transaction).where(Transaction.financial_institution_id == institution_id))
    db.session.execute(
        delete(BalanceSnapshot).where(BalanceSnapshot.account_id.in_(select(Account.id).where(ours))),
        execution_options={"synchronize_session": False},
    )
    db.session.execute(
        delete(Account).where(*living, ~tracked), execution_options={"synchronize_session": False}
    )
    empty = dict.fromkeys(("available", "current", "limit", "official_name"))
    db.session.execute(
        update(Account).where(*living).values(closed_at=utcnow(), **empty),
        execution_options={"synchronize_session": False},
    )
