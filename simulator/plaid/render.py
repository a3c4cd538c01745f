"""Items, accounts and transactions as Plaid writes them."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

from simulator.errors import KINDS
from simulator.institutions import catalogue
from simulator.lives.model import Account, Balances, Merchant, Row
from simulator.records import Item
from simulator.tokens import derived_id

VAGUE = "GENERAL_MERCHANDISE_OTHER_GENERAL_MERCHANDISE"
_ICONS = "https://plaid-category-icons.plaid.com/PFC_{primary}.png"
_PRIMARIES = (
    "LOAN_DISBURSEMENTS", "LOAN_PAYMENTS", "TRANSFER_IN", "TRANSFER_OUT", "BANK_FEES", "ENTERTAINMENT",
    "FOOD_AND_DRINK", "GENERAL_MERCHANDISE", "HOME_IMPROVEMENT", "MEDICAL", "PERSONAL_CARE", "GENERAL_SERVICES",
    "GOVERNMENT_AND_NON_PROFIT", "TRANSPORTATION", "TRAVEL", "RENT_AND_UTILITIES", "INCOME", "OTHER",
)  # fmt: skip
_VERSION_1 = {
    "INCOME_SALARY": "INCOME_WAGES",
    "INCOME_CONTRACTOR": "INCOME_WAGES",
    "INCOME_GIG_ECONOMY": "INCOME_WAGES",
    "INCOME_OTHER": "INCOME_OTHER_INCOME",
    "LOAN_DISBURSEMENTS_EWA": "TRANSFER_IN_CASH_ADVANCES_AND_LOANS",
    "LOAN_PAYMENTS_EWA": "LOAN_PAYMENTS_OTHER_PAYMENT",
    "TRANSFER_IN_TRANSFER_IN_FROM_APPS": "TRANSFER_IN_ACCOUNT_TRANSFER",
    "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS": "TRANSFER_OUT_ACCOUNT_TRANSFER",
    "TRANSFER_OUT_CRYPTO": "TRANSFER_OUT_INVESTMENT_AND_RETIREMENT_FUNDS",
}
"""Detailed categories that version 2 of the taxonomy has and version 1 had not."""
_LOCATION: dict[str, Any] = dict.fromkeys(
    ("address", "city", "region", "postal_code", "country", "lat", "lon", "store_number")
)
_PAYMENT_META: dict[str, Any] = dict.fromkeys(
    (
        "reference_number",
        "ppd_id",
        "payee",
        "by_order_of",
        "payer",
        "payment_method",
        "payment_processor",
        "reason",
    )
)
_TYPES = {"online": "digital", "in store": "place", "other": "special"}


def number(amount: Decimal | None) -> float | int | None:
    """A JSON number with exactly the digits of the amount (at most 15 of them)."""
    if amount is None:
        return None
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def instant(iso: str) -> str:
    """A time in UTC to the second, as Plaid writes it."""
    return iso[:19] + "Z"


def account_id(item: Item, key: str) -> str:
    return derived_id(item.secret, key)


def transaction_id(item: Item, row_key: str) -> str:
    return derived_id(item.secret, f"transaction/{row_key}")


def item_json(item: Item, error_code: str | None = None) -> dict[str, Any]:
    """An Item; `error_code` is of the error it is in."""
    institution = catalogue.get(item.institution_id)
    offered = list(institution.products) if institution else []
    return {
        "item_id": item.item_id,
        "institution_id": item.institution_id,
        "institution_name": institution.name if institution else None,
        "webhook": item.webhook,
        "error": KINDS[error_code].body() if error_code else None,
        "available_products": [each for each in offered if each not in item.products],
        "billed_products": list(item.products),
        "products": list(item.products),
        "consented_products": list(item.products),
        "consent_expiration_time": instant(item.consent_ends_at) if item.consent_ends_at else None,
        "update_type": "background",
        "auth_method": None,
    }


def account_json(item: Item, account: Account, balances: Balances) -> dict[str, Any]:
    return {
        "account_id": account_id(item, account.key),
        "balances": {
            "available": number(balances.available),
            "current": number(balances.current),
            "limit": number(balances.limit),
            "iso_currency_code": account.currency,
            "unofficial_currency_code": account.unofficial_currency,
        },
        "mask": account.mask,
        "name": account.name,
        "official_name": account.official_name,
        "type": account.type,
        "subtype": account.subtype,
        "holder_category": account.holder_category,
    }


def transaction_json(row: Row, account: Account, with_original: bool, version: str) -> dict[str, Any]:
    """A transaction without what differs from Item to Item: the ids of itself, its account and its pending row."""
    story, merchant = row.story, row.story.merchant
    raw = row.phase == "posted" and story.enriched is not None
    own_currency = account.currency or account.unofficial_currency
    foreign = story.currency if story.currency != own_currency else None
    shown = None if raw else merchant.shown
    category = _category(VAGUE if raw else merchant.category, "LOW" if raw else merchant.confidence, version)
    original = {"original_description": merchant.descriptor.upper()} if with_original else {}
    return {
        "account_owner": None,
        "amount": number(row.amount),
        "iso_currency_code": foreign or account.currency,
        "unofficial_currency_code": None if foreign else account.unofficial_currency,
        "authorized_date": story.began.isoformat(),
        "authorized_datetime": None,
        "category": None,
        "category_id": None,
        "check_number": story.check_number,
        "counterparties": [] if shown is None else [_counterparty(shown, merchant)],
        "date": row.day.isoformat(),
        "datetime": None,
        "location": _location(merchant),
        "logo_url": None,
        "merchant_entity_id": None if shown is None else _entity_id(shown),
        "merchant_name": shown,
        "name": merchant.descriptor,
        **original,
        "payment_channel": merchant.channel,
        "payment_meta": _PAYMENT_META,
        "pending": row.phase == "pending",
        "personal_finance_category": category,
        "personal_finance_category_icon_url": _ICONS.format(
            primary=category["primary"] if category else "OTHER"
        ),
        "transaction_code": None,
        "transaction_type": _TYPES[merchant.channel],
        "website": None,
    }


def _category(detailed: str | None, confidence: str, version: str) -> dict[str, str] | None:
    if detailed is None:
        return None
    named = _VERSION_1.get(detailed, detailed) if version == "v1" else detailed
    primary = next((each for each in _PRIMARIES if named.startswith(f"{each}_")), "OTHER")
    return {"primary": primary, "detailed": named, "confidence_level": confidence, "version": version}


def _counterparty(shown: str, merchant: Merchant) -> dict[str, Any]:
    return {
        "name": shown,
        "entity_id": _entity_id(shown),
        "type": merchant.counterparty,
        "website": None,
        "logo_url": None,
        "confidence_level": merchant.confidence,
    }


@lru_cache(maxsize=1024)
def _entity_id(name: str) -> str:
    """The same merchant has the same id in every Item."""
    return derived_id("merchants", name)


def _location(merchant: Merchant) -> dict[str, Any]:
    if merchant.city is None and merchant.store_number is None:
        return _LOCATION
    country = None if merchant.city is None else _country(merchant.region)
    return _LOCATION | {
        "city": merchant.city,
        "region": merchant.region,
        "country": country,
        "store_number": merchant.store_number,
    }


def _country(region: str | None) -> str:
    return "CA" if region in {"ON", "BC", "NS"} else "US"
