"""/institutions/get, /institutions/get_by_id and /institutions/search."""

from __future__ import annotations

import base64
from typing import Any

from simulator.errors import PlaidError
from simulator.institutions import Institution, catalogue
from simulator.plaid.call import Call, Endpoints
from simulator.plaid.fields import Fields
from simulator.plaid.products import COUNTRIES, countries

_OPTIONS = (
    "include_auth_metadata",
    "include_optional_metadata",
    "include_payment_initiation_metadata",
    "include_status",
    "oauth",
    "payment_initiation",
)
MOST_FOUND, MOST_AT_ONCE = 10, 500
_CHANGED = "2026-01-05T09:00:00Z"


def register(endpoints: Endpoints) -> None:
    wanted = ("institution_id", "country_codes")
    endpoints.add("/institutions/get_by_id", get_by_id, required=wanted, optional=("options",))
    endpoints.add(
        "/institutions/get", get, required=("count", "offset", "country_codes"), optional=("options",)
    )
    endpoints.add(
        "/institutions/search", search, required=("query", "country_codes"), optional=("products", "options")
    )


def get_by_id(call: Call) -> dict[str, Any]:
    options = call.fields.object("options", _OPTIONS)
    found = catalogue.get(call.fields.text("institution_id"))
    if found is None or not set(found.country_codes) & set(countries(call.fields)):
        raise PlaidError("INVALID_INSTITUTION")
    return {"institution": institution_json(found, options)}


def get(call: Call) -> dict[str, Any]:
    """A page of the whole catalogue, which has `total` institutions after options.products and options.oauth."""
    options = call.fields.object("options", (*_OPTIONS, "products", "routing_numbers"))
    count, offset = call.fields.whole("count", 1, MOST_AT_ONCE), call.fields.whole("offset", 0, 10**9)
    found = catalogue.search("", countries(call.fields), options.texts("products"))
    if "oauth" in options:
        found = [each for each in found if each.oauth == options.flag("oauth")]
    if options.texts("routing_numbers"):
        found = []  # no institution here has any
    page = found[offset or 0 :][: count or MOST_AT_ONCE]
    return {"institutions": [institution_json(each, options) for each in page], "total": len(found)}


def search(call: Call) -> dict[str, Any]:
    """At most ten institutions whose names match."""
    options = call.fields.object("options", _OPTIONS)
    found = catalogue.search(call.fields.text("query"), countries(call.fields), call.fields.texts("products"))
    if "oauth" in options:
        found = [each for each in found if each.oauth == options.flag("oauth")]
    return {"institutions": [institution_json(each, options) for each in found[:MOST_FOUND]]}


def institution_json(institution: Institution, options: Fields) -> dict[str, Any]:
    """An institution as Plaid describes it; url, colour, logo and status only when they are asked for."""
    shown: dict[str, Any] = {
        "institution_id": institution.institution_id,
        "name": institution.name,
        "products": list(institution.products),
        "country_codes": [code for code in institution.country_codes if code in COUNTRIES],
        "routing_numbers": [],
        "dtc_numbers": [],
        "oauth": institution.oauth,
        "connection_availability": _availability(institution),
    }
    if options.flag("include_optional_metadata"):
        logo = institution.logo_png
        shown |= {
            "url": institution.url,
            "primary_color": institution.primary_color,
            "logo": base64.b64encode(logo).decode() if logo else None,
        }
    if options.flag("include_status"):
        shown["status"] = _status(institution)
    return shown


def _availability(institution: Institution) -> str:
    return "NOT_SUPPORTED" if institution.login_error == "INSTITUTION_NO_LONGER_SUPPORTED" else "SUPPORTED"


_SHARES = {"HEALTHY": (0.97, 0.01, 0.02), "DEGRADED": (0.55, 0.05, 0.4), "DOWN": (0.02, 0.03, 0.95)}


def _status(institution: Institution) -> dict[str, Any]:
    success, plaid, bank = _SHARES[institution.health]
    shares = {"success": success, "error_plaid": plaid, "error_institution": bank}
    health = {"status": institution.health, "last_status_change": _CHANGED}
    return {
        "item_logins": health | {"breakdown": shares},
        "transactions_updates": health | {"breakdown": shares | {"refresh_interval": "NORMAL"}},
    }
