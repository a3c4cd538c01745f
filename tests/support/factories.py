"""Rows for tests, made the way the services make them where that is quick, and by hand where it is not."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

from database import utcnow
from extensions import db
from models import DONE, HEALTHY, Account, BudgetTracker, FinancialInstitution, Transaction, User
from services.spending import classified
from vault import digest

_numbers = itertools.count(1)
PASSWORD = "nine lives of a tin robot"
# bcrypt of PASSWORD takes a third of a second; tests that log in go through sign-up instead.
NO_PASSWORD = "!"


def make_user(username: str | None = None, **changes: Any) -> User:
    """A person without a usable password, committed."""
    name = username or f"person{next(_numbers)}"
    values: dict[str, Any] = {
        "username": name,
        "username_key": name.casefold(),
        "password_hash": NO_PASSWORD,
        "phone_number": "+14155552671",
        "first_name": "Test",
        "last_name": "Person",
        "account_type": "sandbox",
        "timezone": "America/New_York",
    }
    return _added(User(**{**values, **changes}))


def make_institution(user: User, **changes: Any) -> FinancialInstitution:
    """A healthy institution that was refreshed just now, without accounts, committed."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "user_id": user.id,
        "environment": user.environment,
        "plaid_item_id": f"item-{number}",
        "access_token": f"access-sandbox-{number}",
        "public_token_hash": digest(f"public-{number}"),
        "plaid_institution_id": f"ins_{number}",
        "name": f"Bank {number}",
        "identified": True,
        "state": HEALTHY,
        "stage": DONE,
        "refreshed_at": utcnow(),
        "balances_as_of": utcnow(),
        "scheduled_at": utcnow(),
    }
    return _added(FinancialInstitution(**{**values, **changes}))


def make_account(institution: FinancialInstitution, **changes: Any) -> Account:
    """A checking account in USD with 100.00 available and 110.00 current, committed."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "financial_institution_id": institution.id,
        "plaid_account_id": f"account-{number}",
        "name": f"Account {number}",
        "mask": "0000",
        "type": "depository",
        "subtype": "checking",
        "available": Decimal("100"),
        "current": Decimal("110"),
        "currency": "USD",
    }
    return _added(Account(**{**values, **changes}))


def _added(row: Any) -> Any:
    db.session.add(row)
    db.session.commit()
    return row


def make_tracker(account: Account, **changes: Any) -> BudgetTracker:
    """A budget of 400.00 with a text every day, the next one due on 2026-11-10, committed."""
    values: dict[str, Any] = {
        "account_id": account.id,
        "threshold": Decimal("400"),
        "notification_frequency": 1,
        "counted_from": date(2026, 11, 9),
        "next_notification_date": date(2026, 11, 10),
    }
    return _added(BudgetTracker(**{**values, **changes}))


def make_transaction(account: Account, amount: str, **changes: Any) -> Transaction:
    """A posted purchase of groceries on 2026-11-05, classified as the services do, committed."""
    category, detail = "FOOD_AND_DRINK", "FOOD_AND_DRINK_GROCERIES"
    values: dict[str, Any] = {
        "financial_institution_id": account.financial_institution_id,
        "account_id": account.id,
        "plaid_transaction_id": f"transaction-{next(_numbers)}",
        "amount": Decimal(amount),
        "currency": "USD",
        "date": date(2026, 11, 5),
        "name": "Shop",
        "pending": False,
        "category": changes.pop("category", category),
        "category_detail": changes.pop("category_detail", detail),
    }
    own = classified(values["amount"], values["category"], values["category_detail"])
    return _added(Transaction(**{**values, **own, **changes}))


def make_texted_user(**changes: Any) -> User:
    """A person with real bank data, who agreed to texts and verified the number."""
    values = {"account_type": "development", "phone_verified_at": utcnow(), "texts_agreed_at": utcnow()}
    return make_user(**{**values, **changes})
