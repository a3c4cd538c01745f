"""Rows to measure with: people whose banks are linked, as refreshing would have left them."""

from __future__ import annotations

import hashlib
import itertools
import random
import secrets
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import Connection, insert, select

from database import utcnow
from extensions import db
from models import DONE, HEALTHY, Account, BudgetTracker, FinancialInstitution, Transaction, User
from services import sessions
from services.spending import classified

ZONE = "America/New_York"
_numbers = itertools.count(1)
KINDS = (
    ("depository", "checking", "1184.22", "1204.91", None),
    ("credit", "credit card", "3210.00", "410.00", "3620.00"),
    ("depository", "savings", "8210.55", "8210.55", None),
    ("loan", "student", None, "17410.05", None),
    ("credit", "credit card", "988.10", "11.90", "1000.00"),
    ("investment", "ira", None, "23631.98", None),
)
"""Type, subtype, available, current, limit. Of six accounts three may have a budget: checking and cards."""
_SPENDING = (
    ("FOOD_AND_DRINK", "FOOD_AND_DRINK_GROCERIES"),
    ("TRANSPORTATION", "TRANSPORTATION_GAS"),
    ("INCOME", "INCOME_SALARY"),
)


def person(link: Connection) -> int:
    """A person without a usable password; the id."""
    name = f"bench{next(_numbers)}"
    row = {
        "username": name,
        "username_key": name,
        "password_hash": "!",
        "phone_number": "+14155552671",
        "first_name": "Bench",
        "last_name": "Person",
        "account_type": "sandbox",
        "timezone": ZONE,
    }
    return link.execute(insert(User).values(row).returning(User.id)).scalar_one()


def institutions(link: Connection, user_id: int, count: int, **changes: Any) -> list[int]:
    """Healthy institutions, refreshed a moment ago; their ids."""
    rows = [_institution(user_id, next(_numbers)) | changes for _ in range(count)]
    table = FinancialInstitution.__table__
    link.execute(insert(FinancialInstitution), rows)
    wanted = select(table.c.id).where(table.c.user_id == user_id).order_by(table.c.id)
    return list(link.scalars(wanted))[-count:]


def _institution(user_id: int, number: int) -> dict[str, Any]:
    now = utcnow()
    return {
        "user_id": user_id,
        "environment": "sandbox",
        "plaid_item_id": f"item-{number}",
        "access_token": f"access-sandbox-{number}",
        "public_token_hash": hashlib.sha256(str(number).encode()).hexdigest(),
        "plaid_institution_id": f"ins_{number}",
        "name": f"First Bank of {number}",
        "identified": True,
        "state": HEALTHY,
        "stage": DONE,
        "refreshed_at": now,
        "balances_as_of": now,
        "scheduled_at": now + timedelta(days=1),
        "transactions_cursor": "c0",
        "transactions_status": "HISTORICAL_UPDATE_COMPLETE",
    }


def accounts(link: Connection, institution_ids: list[int], each: int) -> list[int]:
    """So many accounts at each institution, every second one with a budget tracker; their ids."""
    rows = [_account(number, index) for number in institution_ids for index in range(each)]
    link.execute(insert(Account), rows)
    wanted = (
        select(Account.id).where(Account.financial_institution_id.in_(institution_ids)).order_by(Account.id)
    )
    ids = list(link.scalars(wanted))
    eligible = [number for number, row in zip(ids, rows, strict=True) if _may_have_a_budget(row)]
    link.execute(insert(BudgetTracker), [_tracker(number) for number in eligible])
    return ids


def _account(institution_id: int, index: int) -> dict[str, Any]:
    kind, subtype, available, current, limit = KINDS[index % len(KINDS)]
    return {
        "financial_institution_id": institution_id,
        "plaid_account_id": f"account-{index}",
        "name": f"Everyday {subtype} {index}",
        "official_name": f"Official name of {subtype} {index}",
        "mask": f"{index:04d}",
        "type": kind,
        "subtype": subtype,
        "available": Decimal(available) if available else None,
        "current": Decimal(current),
        "limit": Decimal(limit) if limit else None,
        "currency": "USD",
    }


def _may_have_a_budget(row: dict[str, Any]) -> bool:
    return row["subtype"] in ("checking", "credit card")


def _tracker(account_id: int) -> dict[str, Any]:
    today = utcnow().date()
    return {
        "account_id": account_id,
        "threshold": Decimal("400.00"),
        "notification_frequency": 1,
        "counted_from": today,
        "next_notification_date": today + timedelta(days=1),
    }


def transactions(link: Connection, institution_id: int, account_ids: list[int], count: int) -> None:
    """So many transactions on these accounts in turn, over the two years until today."""
    dice, today = random.Random(5), utcnow().date()  # noqa: S311 - made-up purchases, the same in every run
    rows = (
        _transaction(institution_id, account_ids[number % len(account_ids)], number, _day(dice, today))
        for number in range(count)
    )
    while batch := list(itertools.islice(rows, 5000)):
        link.execute(insert(Transaction), batch)


def _day(dice: random.Random, today: date) -> date:
    return today - timedelta(days=dice.randrange(730))


def _transaction(institution_id: int, account_id: int, number: int, day: date) -> dict[str, Any]:
    category, detail = _SPENDING[number % len(_SPENDING)]
    amount = Decimal(number % 9000 + 100) / 100 * (-1 if category == "INCOME" else 1)
    return {
        "financial_institution_id": institution_id,
        "account_id": account_id,
        "plaid_transaction_id": f"transaction-{number}",
        "amount": amount,
        "currency": "USD",
        "date": day,
        "name": f"Shop number {number % 321}",
        "merchant_name": f"Merchant {number % 321}",
        "pending": number % 50 == 0,
        "category": category,
        "category_detail": detail,
        **classified(amount, category, detail),
    }


def signed_in(app: Flask, user_id: int) -> str:
    """The Cookie header of a browser in which this person signed in a moment ago."""
    token = secrets.token_urlsafe(32)
    user = db.session.get_one(User, user_id)
    sessions.save(token, user_id, {"_user_id": user.get_id(), "_fresh": True}, create=True)
    return f"{app.config['SESSION_COOKIE_NAME']}={token}"
