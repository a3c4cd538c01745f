"""/sandbox/public_token/create, /sandbox/item/reset_login, /sandbox/item/fire_webhook: in Sandbox only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from simulator import logins
from simulator.errors import KINDS, PlaidError
from simulator.feed import updates
from simulator.institutions import catalogue
from simulator.plaid import shown
from simulator.plaid.call import Call, Endpoints
from simulator.plaid.products import products
from simulator.plaid.render import account_id, instant
from simulator.records import Item
from simulator.state import State

_OPTIONS = (
    "income_verification",
    "override_password",
    "override_username",
    "statements",
    "transactions",
    "webhook",
)


def register(endpoints: Endpoints) -> None:
    endpoints.add(
        "/sandbox/public_token/create",
        create_public_token,
        required=("institution_id", "initial_products"),
        optional=("options", "user_id", "user_token"),
        sandbox_only=True,
    )
    endpoints.add("/sandbox/item/reset_login", reset_login, required=("access_token",), sandbox_only=True)
    endpoints.add(
        "/sandbox/item/fire_webhook",
        fire_webhook,
        required=("access_token", "webhook_code"),
        optional=("webhook_type", "options"),
        sandbox_only=True,
    )


def create_public_token(call: Call) -> dict[str, Any]:
    """The login is that of options.override_username and override_password; second steps are passed over."""
    options = call.fields.object("options", _OPTIONS)
    username = options.optional_text("override_username") or "user_good"
    password = options.optional_text("override_password") or "pass_good"
    institution_id = call.fields.text("institution_id")
    wanted = products(call.fields, "initial_products")
    if not wanted:
        raise call.fields.invalid("initial_products", "must not be empty")
    _check_institution(institution_id, wanted)
    outcome = logins.check(institution_id, username, password)
    if outcome.error:
        raise PlaidError(outcome.error["error_code"], outcome.error["error_message"])
    window = options.object("transactions", ("start_date", "end_date"))
    start, end = window.day("start_date"), window.day("end_date")
    return {
        "public_token": call.state.create_public_token(
            call.environment,
            institution_id,
            username,
            password,
            wanted,
            None,
            None,
            start_date=start.isoformat() if start else None,
            end_date=end.isoformat() if end else None,
            webhook=options.optional_text("webhook"),
        )
    }


def _check_institution(institution_id: str, wanted: list[str]) -> None:
    institution = catalogue.get(institution_id)
    if institution is None:
        raise PlaidError("INVALID_INSTITUTION")
    missing = [each for each in wanted if each not in institution.products]
    if missing:
        names = ", ".join(missing)
        raise PlaidError("PRODUCTS_NOT_SUPPORTED", f"the following products are not supported here: {names}")


def reset_login(call: Call) -> dict[str, Any]:
    """The bank wants the person to sign in again."""
    ask_to_log_in(call.state, call.item())
    return {"reset_login": True}


def ask_to_log_in(state: State, item: Item) -> None:
    """Puts an Item into ITEM_LOGIN_REQUIRED, from which Link in update mode brings it back, and says so."""
    with state.changing(item):
        item.error_code = "ITEM_LOGIN_REQUIRED"
    state.fire(item, "ITEM", "ERROR", error=item_error(item))


def item_error(item: Item) -> dict[str, Any]:
    """An error as webhooks have it: with its status, without a request id."""
    kind = KINDS[item.error_code or "ITEM_LOGIN_REQUIRED"]
    return kind.body() | {"status": kind.status}


def fire_webhook(call: Call) -> dict[str, Any]:
    """Fires one of the documented webhooks now. Needs an address, and a type that the code belongs to."""
    code, type_ = call.fields.text("webhook_code"), call.fields.optional_text("webhook_type")
    fire(call.state, call.item(), code, type_)
    return {"webhook_fired": True}


def fire(state: State, item: Item, code: str, type_: str | None = None) -> None:
    """Fires a documented webhook. PlaidError when the Item has no address, or no type that is known has the code."""
    types = FIRED.get(code, ())
    type_ = type_ or next(iter(types), "")
    if not item.webhook or type_ not in types:
        raise PlaidError("SANDBOX_WEBHOOK_INVALID")
    state.fire(item, type_, code, **_said(state, item, type_, code))


FIRED = {
    "DEFAULT_UPDATE": ("TRANSACTIONS", "HOLDINGS", "INVESTMENTS_TRANSACTIONS", "LIABILITIES"),
    "ERROR": ("ITEM",),
    "LOGIN_REPAIRED": ("ITEM",),
    "NEW_ACCOUNTS_AVAILABLE": ("ITEM",),
    "PENDING_DISCONNECT": ("ITEM",),
    "RECURRING_TRANSACTIONS_UPDATE": ("TRANSACTIONS",),
    "SYNC_UPDATES_AVAILABLE": ("TRANSACTIONS",),
    "USER_ACCOUNT_REVOKED": ("ITEM",),
    "USER_PERMISSION_REVOKED": ("ITEM",),
}
"""Codes that can be fired, with the types that have them; the first is meant when none is named."""
_NEWS = {
    "TRANSACTIONS": ("new_transactions",),
    "HOLDINGS": ("new_holdings", "updated_holdings"),
    "INVESTMENTS_TRANSACTIONS": ("new_investments_transactions", "cancelled_investments_transactions"),
}


def _said(state: State, item: Item, type_: str, code: str) -> dict[str, Any]:
    """What a webhook says beside its type, code, Item and environment."""
    ids = [account_id(item, account.key) for account, _ in shown.accounts(state, item)]
    if code == "DEFAULT_UPDATE" and type_ == "LIABILITIES":
        updated = {"account_ids_with_new_liabilities": [], "account_ids_with_updated_liabilities": {}}
        return updated | {"error": None}
    if code == "DEFAULT_UPDATE":
        return dict.fromkeys(_NEWS[type_], 0) | {"error": None}
    soon = item.consent_ends_at or (state.clock.now() + timedelta(days=7)).isoformat()
    said: dict[str, dict[str, Any]] = {
        "ERROR": {"error": item_error(item)},
        "NEW_ACCOUNTS_AVAILABLE": {"error": None},
        "PENDING_DISCONNECT": {"reason": "INSTITUTION_TOKEN_EXPIRATION", "disconnect_time": instant(soon)},
        "RECURRING_TRANSACTIONS_UPDATE": {"account_ids": ids},
        "SYNC_UPDATES_AVAILABLE": updates(item),
        "USER_ACCOUNT_REVOKED": {"account_id": ids[0] if ids else ""},
        "USER_PERMISSION_REVOKED": {"error": KINDS["USER_PERMISSION_REVOKED"].body() | {"status": 400}},
    }
    return said.get(code, {})
