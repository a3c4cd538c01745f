"""/sandbox/public_token/create: an Item without Link, in Sandbox only."""

from __future__ import annotations

from typing import Any

from simulator import logins
from simulator.errors import PlaidError
from simulator.institutions import catalogue
from simulator.plaid.call import Call, Endpoints
from simulator.plaid.products import products

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
