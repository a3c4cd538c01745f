"""/link/token/create and /link/token/get."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from simulator.errors import PlaidError
from simulator.plaid.call import Call, Endpoints
from simulator.plaid.fields import Fields
from simulator.plaid.products import countries, products
from simulator.plaid.render import instant
from simulator.records import LinkSession

LANGUAGES = frozenset(
    {"da", "nl", "en", "et", "fr", "de", "hi", "it", "lv", "lt", "no", "pl", "pt", "ro", "es", "sv", "vi"}
)
_REQUIRED = ("client_name", "language", "country_codes")
_OPTIONAL = (
    "access_token", "access_tokens", "account_filters", "additional_consented_products", "android_package_name",
    "appearance_mode", "auth", "base_report", "card_switch", "cashflow_report", "consumer_report_permissible_purpose",
    "cra_enabled", "cra_options", "credit_partner_insights", "employment", "enable_multi_item_link", "eu_config",
    "financekit_supported", "hosted_link", "identity", "identity_verification", "income_verification",
    "institution_data", "institution_id", "investments", "investments_auth", "link_customization_name",
    "optional_products", "payment_configuration", "payment_initiation", "products", "redirect_uri",
    "required_if_supported_products", "statements", "third_party_user_token", "transactions", "transfer", "update",
    "user", "user_id", "user_token", "webhook",
)  # fmt: skip
_USER = (
    "address", "client_user_id", "date_of_birth", "email_address", "email_address_verified_time", "id_number",
    "legal_name", "name", "phone_number", "phone_number_verified_time", "ssn",
)  # fmt: skip
_UPDATE = ("account_selection_enabled", "item_ids", "reauthorization_enabled", "user")
_EXTRA = ("required_if_supported_products", "optional_products", "additional_consented_products")


def register(endpoints: Endpoints) -> None:
    endpoints.add("/link/token/create", create, required=_REQUIRED, optional=_OPTIONAL)
    endpoints.add("/link/token/get", get, required=("link_token",))


def create(call: Call) -> dict[str, Any]:
    """A link token; with access_token one for update mode, which asks for no products."""
    fields = call.fields
    user = fields.object("user", _USER)
    if "client_user_id" not in user and "user_id" not in fields:
        raise PlaidError("MISSING_FIELDS", "the following required fields are missing: user.client_user_id")
    if fields.text("language") not in LANGUAGES:
        raise fields.invalid("language", "is not supported")
    session = call.state.create_link_token(
        call.environment,
        client_name=_client_name(fields.text("client_name")),
        country_codes=countries(fields),
        language=fields.text("language"),
        redirect_uri=_redirect_uri(fields),
        webhook=fields.optional_text("webhook"),
        days_requested=fields.object("transactions", ("days_requested",)).whole("days_requested", 1, 730),
        user_id=user.optional_text("client_user_id") or fields.optional_text("user_id"),
        **(_update_mode(call) if "access_token" in fields else _new_link(fields)),
    )
    return {"link_token": session.link_token, "expiration": instant(session.expires_at)}


def get(call: Call) -> dict[str, Any]:
    """What a link token was created with, and the sessions in which people finished with it."""
    session = call.state.link_session(call.fields.text("link_token"))
    if session is None or session.environment != call.environment:
        raise PlaidError("INVALID_LINK_TOKEN")
    return {
        "link_token": session.link_token,
        "created_at": instant(session.created_at) if session.created_at else None,
        "expiration": instant(session.expires_at),
        "link_sessions": [_finished(each, session) for each in session.finished],
        "metadata": {
            "initial_products": session.products,
            "webhook": session.webhook,
            "country_codes": session.country_codes,
            "language": session.language,
            "redirect_uri": session.redirect_uri,
            "client_name": session.client_name,
        },
    }


def _finished(each: dict[str, Any], session: LinkSession) -> dict[str, Any]:
    """One session: the Item that was added, as the page was told of it; in update mode none is."""
    added = {key: each[key] for key in ("public_token", "accounts", "institution")}
    others = (
        "cra_item_add_results", "cra_update_results", "bank_income_results", "payroll_income_results",
    )  # fmt: skip
    none: dict[str, Any] = {name: [] for name in others} | {"document_income_results": None}
    return {
        "link_session_id": each["link_session_id"],
        "started_at": instant(each["started_at"]),
        "finished_at": instant(each["finished_at"]),
        "results": {"item_add_results": [] if session.update_mode else [added], **none},
    }


def _client_name(name: str) -> str:
    """Plaid shows a neutral name instead of one that is too long."""
    return name if len(name) <= 30 else "This Application"


def _new_link(fields: Fields) -> dict[str, Any]:
    wanted = products(fields, "products")
    if not wanted:
        raise PlaidError("MISSING_FIELDS", "the following required fields are missing: products")
    extra = {name: products(fields, name) for name in _EXTRA}
    every = [*wanted, *(each for several in extra.values() for each in several)]
    if len(every) != len(set(every)):
        raise fields.invalid("products", "must not overlap with the other lists of products")
    optional = [*extra["required_if_supported_products"], *extra["optional_products"]]
    return {
        "products": wanted,
        "optional_products": optional,
        "update_mode": False,
        "access_token": None,
        "institution_id": None,
    }


def _update_mode(call: Call) -> dict[str, Any]:
    if call.fields.texts("products"):
        raise call.fields.invalid("products", "must be left out in update mode")
    item = call.item()
    update = call.fields.object("update", _UPDATE)
    return {
        "products": [],
        "update_mode": True,
        "access_token": item.access_token,
        "institution_id": item.institution_id,
        "account_selection": update.flag("account_selection_enabled"),
    }


def _redirect_uri(fields: Fields) -> str | None:
    """https, or http on this machine (for Plaid only in Sandbox; here a page on loopback has nowhere else to go)."""
    uri = fields.optional_text("redirect_uri")
    if uri is None:
        return None
    parts = urlsplit(uri)
    allowed = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"}
    )
    if not allowed or not parts.hostname or parts.query or parts.fragment or "*" in uri:
        raise fields.invalid("redirect_uri", "must be https, without query, fragment or wildcard")
    return uri
