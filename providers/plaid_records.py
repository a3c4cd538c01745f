"""Plaid's JSON as our records. Read by hand, not by the client's models: exact decimals, and an enum value or
a null the client does not know yet must not stop a whole institution.

What is required and missing raises KeyError, TypeError or ValueError; the gateway turns those into a ProviderError.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.money import to_amount
from domain.text import one_line, storable
from providers.base import (
    BankAccount,
    BankTransaction,
    Exchanged,
    Institution,
    ItemInfo,
    LinkToken,
    SyncPage,
    WebhookKey,
)

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_PNG = b"\x89PNG\r\n\x1a\n"
MAX_LOGO_BYTES = 200_000
MAX_ID = 128
"""Plaid's ids have 37 characters; the columns hold this many."""


def link_token(raw: dict[str, Any]) -> LinkToken:
    return LinkToken(_required_text(raw["link_token"]), _required_text(raw["expiration"]))


def public_token(raw: dict[str, Any]) -> str:
    return _required_text(raw["public_token"])


def exchanged(raw: dict[str, Any]) -> Exchanged:
    return Exchanged(_required_text(raw["access_token"]), _required_text(raw["item_id"]))


def account(raw: dict[str, Any]) -> BankAccount:
    balances = raw["balances"]
    return BankAccount(
        account_id=_required_text(raw["account_id"]),
        persistent_account_id=_id(raw.get("persistent_account_id")),
        name=_line(raw.get("name")) or "Account",
        official_name=_line(raw.get("official_name")),
        mask=(_line(raw.get("mask")) or "")[:16] or None,
        type=(_line(raw.get("type")) or "other")[:32],
        subtype=(_line(raw.get("subtype")) or "")[:64] or None,
        available=to_amount(balances.get("available")),
        current=to_amount(balances.get("current")),
        limit=to_amount(balances.get("limit")),
        currency=_currency(balances),
    )


def transaction(raw: dict[str, Any]) -> BankTransaction | None:
    """A transaction; None when its amount is no usable number (it could only be counted wrongly)."""
    amount = to_amount(raw["amount"])
    if amount is None:
        return None
    category = raw.get("personal_finance_category")
    category = category if isinstance(category, dict) else {}
    return BankTransaction(
        transaction_id=_required_text(raw["transaction_id"]),
        account_id=_required_text(raw["account_id"]),
        pending_transaction_id=_id(raw.get("pending_transaction_id")),
        amount=amount,
        currency=_currency(raw),
        date=date.fromisoformat(raw["date"]),
        authorized_date=_date(raw.get("authorized_date")),
        name=_line(raw.get("name")) or _line(raw.get("merchant_name")) or "",
        merchant_name=_line(raw.get("merchant_name")),
        pending=bool(raw["pending"]),
        category=(_text(category.get("primary")) or "")[:64] or None,
        category_detail=(_text(category.get("detailed")) or "")[:96] or None,
    )


def sync_page(raw: dict[str, Any]) -> SyncPage:
    rows = [transaction(row) for row in [*raw["added"], *raw["modified"]]]
    return SyncPage(
        upserts=[row for row in rows if row is not None],
        removed=[_required_text(row["transaction_id"]) for row in raw["removed"]],
        accounts=[account(row) for row in raw.get("accounts") or []],
        next_cursor=_text(raw["next_cursor"]) or "",
        has_more=bool(raw["has_more"]),
        status=(_text(raw.get("transactions_update_status")) or "TRANSACTIONS_UPDATE_STATUS_UNKNOWN")[:48],
    )


def item_error(raw: dict[str, Any]) -> str | None:
    """The code of the Item's error that an answer about its accounts carries; None for none."""
    item = raw.get("item")
    error = item.get("error") if isinstance(item, dict) else None
    return _text(error.get("error_code")) if isinstance(error, dict) else None


def consent_end(raw: dict[str, Any]) -> datetime | None:
    """When the person's consent ends, as the Item in an answer says it; None where it does not."""
    item = raw.get("item")
    return _moment(item.get("consent_expiration_time")) if isinstance(item, dict) else None


def item_info(raw: dict[str, Any]) -> ItemInfo:
    item, status = raw["item"], raw.get("status") or {}
    error = item.get("error") or {}
    updated = (status.get("transactions") or {}).get("last_successful_update")
    return ItemInfo(
        institution_id=_text(item.get("institution_id")),
        institution_name=_line(item.get("institution_name")),
        error_code=_text(error.get("error_code")),
        balances_as_of=_moment(updated),
        consent_ends_at=consent_end(raw),
    )


def institution(raw: dict[str, Any]) -> Institution:
    entry = raw["institution"]
    color = _text(entry.get("primary_color"))
    return Institution(
        institution_id=_required_text(entry["institution_id"]),
        name=_required_line(entry["name"]),
        primary_color=color if color and _COLOR.fullmatch(color) else None,
        logo=_png(_text(entry.get("logo"))),
    )


def webhook_key(raw: dict[str, Any]) -> WebhookKey:
    """The key. Only what is documented is believed: ES256 on P-256."""
    key = raw["key"]
    jwk = {name: _required_text(key[name]) for name in ("alg", "crv", "kid", "kty", "x", "y")}
    if (jwk["alg"], jwk["crv"], jwk["kty"]) != ("ES256", "P-256", "EC"):
        raise ValueError("no key of the documented kind")
    return WebhookKey(jwk, expired=key["expired_at"] is not None)


def _png(encoded: str | None) -> bytes | None:
    """The decoded logo, only if it really is a PNG of sane size: it is served from our own origin."""
    if encoded is None:
        return None
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if data.startswith(_PNG) and len(data) <= MAX_LOGO_BYTES else None


def _currency(raw: dict[str, Any]) -> str | None:
    code = _line(raw.get("iso_currency_code")) or _line(raw.get("unofficial_currency_code"))
    return code[:16] if code else None


def _text(value: object) -> str | None:
    """Text as far as it can be stored; anything that is not text, or empty, is None."""
    return (storable(value) or None) if isinstance(value, str) else None


def _line(value: object) -> str | None:
    """A name as one clean line; anything that is not text, or nothing but blanks, is None."""
    return (one_line(value) or None) if isinstance(value, str) else None


def _required_line(value: object) -> str:
    return _required_text(_line(value))


def _required_text(value: object) -> str:
    text = _text(value)
    if text is None or len(text) > MAX_ID:
        raise TypeError("a required text is missing or longer than any the vendor gives")
    return text


def _id(value: object) -> str | None:
    """An optional id; one that cannot be the vendor's is as good as none."""
    text = _text(value)
    return text if text is not None and len(text) <= MAX_ID else None


def _date(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def reject_constant(_name: str) -> Decimal:
    """NaN and Infinity are not JSON; as amounts they are unknown."""
    return Decimal("NaN")
