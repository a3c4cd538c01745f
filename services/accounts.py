"""What a person does to one account."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from database import utcnow
from extensions import db
from models import Account, BalanceSnapshot, BudgetTracker, FinancialInstitution, Transaction


def delete_account(account: Account) -> None:
    """Delete an account and its data. An empty mark stays so that the next refresh does not bring it back. Its
    budget tracker goes for good: restoring the account does not bring it back.

    The institution's row is locked first: a refresh that is writing has finished, or will see the mark.
    """
    db.session.execute(
        select(FinancialInstitution.id)
        .where(FinancialInstitution.id == account.financial_institution_id)
        .with_for_update()
    )
    db.session.execute(delete(Transaction).where(Transaction.account_id == account.id))
    db.session.execute(delete(BalanceSnapshot).where(BalanceSnapshot.account_id == account.id))
    db.session.execute(
        update(Account)
        .where(Account.id == account.id)
        .values(deleted_at=utcnow(), available=None, current=None, limit=None, official_name=None)
    )
    # After the mark: a tracker that is being created waits for the account's row, or is here by now.
    db.session.execute(delete(BudgetTracker).where(BudgetTracker.account_id == account.id))
    db.session.commit()
