"""Rows for tests, made the way the services make them where that is quick, and by hand where it is not."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from database import utcnow
from extensions import db
from models import DONE, HEALTHY, Account, FinancialInstitution, User
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
