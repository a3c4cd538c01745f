"""Every error code that Plaid documents and CashView may meet: (type, HTTP status), and what must come of it.

Written from Plaid's error reference and DESIGN.md section 4, "States by cause"; not from providers/plaid_errors.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.faults.vendor import TRANSPORT, failure

SOON, DAILY, MINUTE = "within the hour", "the next local morning", "after a minute"


@dataclass(frozen=True)
class Cause:
    """One thing that goes wrong: what the vendor answers, and what a refresh makes of it."""

    name: str
    answer: Any
    state: str | None
    """None: unchanged."""
    again: str | None
    """When it is tried by itself; None: never."""
    says: str
    """A word of the sentence that tells the person what happened or what to do."""
    code: str | None = None


def _codes(
    state: str | None, again: str | None, says: str, type_: str, *names: str, status: int = 400
) -> list[Cause]:
    return [Cause(n, failure(n, type_, status), state, again, says, n) for n in names]


CODES = [
    *_codes("needs_login", DAILY, "sign in", "ITEM_ERROR", "ITEM_LOGIN_REQUIRED", "INVALID_CREDENTIALS", "INVALID_MFA"),
    *_codes(
        "needs_login", DAILY, "bank", "ITEM_ERROR", "ITEM_LOCKED", "PASSWORD_RESET_REQUIRED", "USER_SETUP_REQUIRED",
    ),
    *_codes("needs_login", DAILY, "Choose accounts", "ITEM_ERROR", "NO_ACCOUNTS", "ACCESS_NOT_GRANTED"),
    *_codes("needs_login", DAILY, "consent", "INVALID_INPUT", "ADDITIONAL_CONSENT_REQUIRED"),
    *_codes("expiring", DAILY, "soon", "ITEM_ERROR", "PENDING_DISCONNECT", "PENDING_EXPIRATION"),
    *_codes("revoked", None, "link it anew", "ITEM_ERROR", "ITEM_NOT_FOUND"),
    *_codes("revoked", None, "link it anew", "INVALID_INPUT", "INVALID_ACCESS_TOKEN", "USER_PERMISSION_REVOKED"),
    *_codes("error", DAILY, "link it anew", "ITEM_ERROR", "INSUFFICIENT_CREDENTIALS", "INVALID_UPDATED_USERNAME"),
    *_codes("error", SOON, "preparing", "ITEM_ERROR", "PRODUCT_NOT_READY"),
    *_codes(
        "error", DAILY, "does not give", "ITEM_ERROR",
        "PRODUCTS_NOT_SUPPORTED", "NO_INVESTMENT_ACCOUNTS", "NO_LIABILITY_ACCOUNTS",
    ),
    *_codes("error", DAILY, "cannot be read", "ITEM_ERROR", "ITEM_NOT_SUPPORTED", "MFA_NOT_SUPPORTED"),
    *_codes("error", SOON, "ended", "ITEM_ERROR", "ITEM_CONCURRENTLY_DELETED"),
    *_codes("error", DAILY, "our side", "INVALID_INPUT", "INVALID_ACCOUNT_ID", "INVALID_INSTITUTION"),
    *_codes("error", DAILY, "our side", "INVALID_INPUT", "INVALID_LINK_TOKEN", "INVALID_PUBLIC_TOKEN"),
    *_codes("error", SOON, "changed while", "TRANSACTIONS_ERROR", "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"),
    *_codes(
        "error", SOON, "not answering", "INSTITUTION_ERROR",
        "INSTITUTION_DOWN", "INSTITUTION_NOT_RESPONDING", "INSTITUTION_NOT_AVAILABLE",
    ),
    *_codes(
        "error", DAILY, "cannot be read", "INSTITUTION_ERROR", "INSTITUTION_NO_LONGER_SUPPORTED",
        "UNSUPPORTED_RESPONSE", "COUNTRY_NOT_SUPPORTED",
    ),
    *_codes(
        "error", DAILY, "person who runs this site", "INSTITUTION_ERROR",
        "UNAUTHORIZED_INSTITUTION", "INSTITUTION_REGISTRATION_REQUIRED",
    ),
    *_codes("error", SOON, "not answering", "API_ERROR", "INTERNAL_SERVER_ERROR", status=500),
    *_codes("error", SOON, "not answering", "API_ERROR", "PLANNED_MAINTENANCE", status=503),
    *_codes("error", SOON, "not answering", "SOME_NEW_ERROR", "A_CODE_OF_TOMORROW"),
    *_codes("error", SOON, "not answering", "ITEM_ERROR", "INVALID_SEND_METHOD"),
    *_codes(
        None, MINUTE, "", "RATE_LIMIT_EXCEEDED", "RATE_LIMIT", "INSTITUTION_RATE_LIMIT", "ACCOUNTS_LIMIT",
        "BALANCE_LIMIT", "ACCOUNTS_BALANCE_GET_LIMIT", "TRANSACTIONS_SYNC_LIMIT", "TRANSACTIONS_LIMIT",
        "ITEM_GET_LIMIT", "ADDITION_LIMIT", "AUTH_LIMIT", "IDENTITY_LIMIT", "INSTITUTIONS_GET_LIMIT",
        "INSTITUTIONS_GET_BY_ID_LIMIT", "A_NEW_LIMIT", status=429,
    ),
    *_codes(
        "error", DAILY, "plan", "RATE_LIMIT_EXCEEDED", "CREDITS_EXHAUSTED", "TRIAL_CONNECTION_LIMIT", status=429
    ),
    *_codes(
        "error", SOON, "our side", "INVALID_REQUEST",
        "MISSING_FIELDS", "UNKNOWN_FIELDS", "INVALID_FIELD", "INVALID_BODY", "INVALID_HEADERS", "SANDBOX_ONLY",
    ),
    *_codes("error", SOON, "our side", "INVALID_REQUEST", "NOT_FOUND", status=404),
    *_codes("error", SOON, "person who runs this site", "INVALID_INPUT", "INVALID_API_KEYS"),
    *_codes("error", SOON, "plan", "INVALID_INPUT", "UNAUTHORIZED_ENVIRONMENT", "UNAUTHORIZED_ROUTE_ACCESS"),
    *_codes("error", DAILY, "plan", "INVALID_INPUT", "INVALID_PRODUCT", "PRODUCT_NOT_ENABLED"),
]  # fmt: skip

TRANSPORTS = [Cause(name, answer, "error", SOON, "not answering") for name, answer in TRANSPORT.items()]

CAUSES = [*CODES, *TRANSPORTS]


def named(cause: Cause) -> str:
    return cause.name.replace(" ", "-")
