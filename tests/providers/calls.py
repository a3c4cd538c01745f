"""Every method of a bank gateway with the path it asks, and the smallest answer it can read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from providers.base import BankGateway
from tests.providers.conftest import ACCESS_TOKEN, PUBLIC_TOKEN
from tests.support.scripted_plaid import ITEM, page

CALLS: dict[str, tuple[str, Callable[[BankGateway], Any]]] = {
    "create_link_token": ("/link/token/create", lambda bank: bank.create_link_token(7)),
    "create_update_token": (
        "/link/token/create",
        lambda bank: bank.create_update_token(7, ACCESS_TOKEN, choose_accounts=True, ask_consent=True),
    ),
    "create_sandbox_public_token": (
        "/sandbox/public_token/create",
        lambda bank: bank.create_sandbox_public_token(
            "ins_1", ["transactions"], "user_good", "pass_good", date(2026, 8, 1), date(2026, 11, 1)
        ),
    ),
    "exchange": ("/item/public_token/exchange", lambda bank: bank.exchange(PUBLIC_TOKEN)),
    "item": ("/item/get", lambda bank: bank.item(ACCESS_TOKEN)),
    "institution": ("/institutions/get_by_id", lambda bank: bank.institution("ins_1")),
    "accounts": ("/accounts/get", lambda bank: bank.accounts(ACCESS_TOKEN)),
    "realtime_accounts": ("/accounts/balance/get", lambda bank: bank.realtime_accounts(ACCESS_TOKEN)),
    "sync": ("/transactions/sync", lambda bank: bank.sync(ACCESS_TOKEN, None)),
    "remove": ("/item/remove", lambda bank: bank.remove(ACCESS_TOKEN)),
    "move_webhook": (
        "/item/webhook/update",
        lambda bank: bank.move_webhook(ACCESS_TOKEN, "https://example.com/webhooks/plaid"),
    ),
    "webhook_key": ("/webhook_verification_key/get", lambda bank: bank.webhook_key("key-1")),
}

GOOD: dict[str, dict[str, Any]] = {
    "create_link_token": {"link_token": "link-sandbox-1", "expiration": "2026-11-23T12:00:00Z"},
    "create_update_token": {"link_token": "link-sandbox-1", "expiration": "2026-11-23T12:00:00Z"},
    "create_sandbox_public_token": {"public_token": PUBLIC_TOKEN},
    "exchange": {"access_token": ACCESS_TOKEN, "item_id": "item-1"},
    "item": {"item": ITEM, "status": None},
    "institution": {"institution": {"institution_id": "ins_1", "name": "Bank of Tests"}},
    "accounts": {"accounts": [], "item": ITEM},
    "realtime_accounts": {"accounts": [], "item": ITEM},
    "sync": page(cursor="c1"),
    "remove": {},
    "move_webhook": {"item": ITEM},
    "webhook_key": {
        "key": {
            "alg": "ES256",
            "created_at": 1,
            "crv": "P-256",
            "expired_at": None,
            "kid": "key-1",
            "kty": "EC",
            "use": "sig",
            "x": "eA",
            "y": "eQ",
        }
    },
}
