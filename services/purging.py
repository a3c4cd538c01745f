"""The end of access: when the person withdraws it at the bank, everything the bank gave is deleted here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete

from extensions import db
from models import DONE, REVOKED, Account, Transaction

WITHDRAWN = "USER_PERMISSION_REVOKED"


def ended(now: datetime) -> dict[str, object]:
    """The columns of an institution whose access was withdrawn: nobody reads it any more, a running refresh writes
    nothing, and what is left is its card."""
    nothing = (
        "transactions_cursor", "transactions_status", "balances_as_of", "expires_at", "new_accounts_at",
        "due_at", "lease_id", "lease_until",
    )  # fmt: skip
    return {
        **dict.fromkeys(nothing),
        "state": REVOKED,
        "stage": DONE,
        "error_code": WITHDRAWN,
        "purged_at": now,
        "attempts": 0,
        "realtime_wanted": False,
    }


def delete_data(institution_id: int) -> None:
    """Delete (not commit) accounts with their balances, snapshots, trackers and transactions. The institution's
    row must be locked."""
    for table in (Transaction, Account):
        db.session.execute(delete(table).where(table.financial_institution_id == institution_id))
