"""Plaid's answers as JSON, for the oracle's records."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.oracle.records import Account, Row


def page(
    accounts: list[Account], changes: list[tuple[str, str, Row | None]], cursor: str, more: bool, status: str
) -> dict[str, Any]:
    told: dict[str, list[Any]] = {"added": [], "modified": [], "removed": []}
    for change, key, row in changes:
        told[change].append({"transaction_id": key, "account_id": "a"} if row is None else transaction(row))
    return {
        "accounts": [account(each) for each in accounts],
        **told,
        "next_cursor": cursor,
        "has_more": more,
        "transactions_update_status": status,
    }


def account(each: Account) -> dict[str, Any]:
    return {
        "account_id": each.id,
        "balances": {
            "available": each.cached.available,
            "current": each.cached.current,
            "limit": each.cached.limit,
            "iso_currency_code": each.iso,
            "unofficial_currency_code": each.coin,
        },
        "mask": None,
        "name": f"Account {each.id}",
        "official_name": None,
        "type": each.type,
        "subtype": each.subtype,
    }


def transaction(row: Row) -> dict[str, Any]:
    iso, coin = row.currency
    return {
        "transaction_id": row.id,
        "account_id": row.account,
        "pending_transaction_id": row.replaces,
        "amount": row.amount,
        "iso_currency_code": iso,
        "unofficial_currency_code": coin,
        "date": row.date.isoformat(),
        "authorized_date": None,
        "authorized_datetime": None,
        "datetime": None,
        "name": "Shop",
        "merchant_name": None,
        "payment_channel": "in store",
        "transaction_code": None,
        "pending": row.pending,
        "personal_finance_category": {"primary": "FOOD_AND_DRINK", "detailed": "FOOD_AND_DRINK_GROCERIES"},
    }


def item(item_id: str) -> dict[str, Any]:
    return {
        "item_id": item_id,
        "institution_id": None,
        "institution_name": None,
        "webhook": None,
        "error": None,
        "available_products": [],
        "billed_products": ["transactions"],
        "consent_expiration_time": None,
        "update_type": "background",
    }


def exactly(body: dict[str, Any]) -> tuple[int, bytes]:
    """JSON whose numbers are the Decimals, digit for digit."""
    text = json.dumps({**body, "request_id": "oracle"}, default=lambda number: f"<{number:f}>")
    return 200, re.sub(r'"<(-?[0-9.]+)>"', r"\1", text).encode()
