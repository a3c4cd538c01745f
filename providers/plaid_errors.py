"""Plaid's error codes and every transport failure, as one ProviderError.

Source of the table: Plaid's error reference; branch on the code, never on the message or the HTTP status.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from domain.text import storable
from providers.base import Kind, ProviderError

MAX_CODE = 64
"""What the column of an institution's error holds; Plaid's longest is 43."""


def _table(*groups: tuple[Kind, Iterable[str]]) -> dict[str, Kind]:
    return {code: kind for kind, codes in groups for code in codes}


KIND_OF_CODE = _table(
    (
        Kind.LOGIN,
        (
            "ITEM_LOGIN_REQUIRED", "INVALID_CREDENTIALS", "INVALID_MFA", "ITEM_LOCKED", "PASSWORD_RESET_REQUIRED",
            "USER_SETUP_REQUIRED", "ACCESS_NOT_GRANTED", "ADDITIONAL_CONSENT_REQUIRED", "NO_ACCOUNTS",
        ),
    ),
    (Kind.EXPIRING, ("PENDING_DISCONNECT", "PENDING_EXPIRATION")),
    (Kind.GONE, ("ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN", "USER_PERMISSION_REVOKED")),
    (Kind.NOT_READY, ("PRODUCT_NOT_READY",)),
    (Kind.MUTATION, ("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",)),
    (
        Kind.UNSUPPORTED,
        (
            "PRODUCTS_NOT_SUPPORTED", "NO_INVESTMENT_ACCOUNTS", "NO_LIABILITY_ACCOUNTS", "INVALID_PRODUCT",
            "PRODUCT_NOT_ENABLED",
        ),
    ),
    (
        Kind.PERMANENT,
        (
            "INSTITUTION_NO_LONGER_SUPPORTED", "UNSUPPORTED_RESPONSE", "UNAUTHORIZED_INSTITUTION",
            "INSTITUTION_REGISTRATION_REQUIRED", "ITEM_NOT_SUPPORTED", "MFA_NOT_SUPPORTED",
            "CREDITS_EXHAUSTED", "TRIAL_CONNECTION_LIMIT", "COUNTRY_NOT_SUPPORTED",
            "INSUFFICIENT_CREDENTIALS", "INVALID_UPDATED_USERNAME",  # the link itself must be made anew
        ),
    ),
    (
        Kind.INPUT,
        (
            "INVALID_PUBLIC_TOKEN", "INVALID_LINK_TOKEN", "INVALID_ACCOUNT_ID", "INVALID_INSTITUTION",
            "INVALID_WEBHOOK_VERIFICATION_KEY_ID",
        ),
    ),
    (
        Kind.CONFIG,
        (
            "INVALID_API_KEYS", "MISSING_FIELDS", "UNKNOWN_FIELDS", "INVALID_FIELD", "INVALID_BODY",
            "INVALID_HEADERS", "NOT_FOUND", "SANDBOX_ONLY", "UNAUTHORIZED_ENVIRONMENT", "UNAUTHORIZED_ROUTE_ACCESS",
        ),
    ),
    (
        Kind.RETRY,
        (
            "INSTITUTION_DOWN", "INSTITUTION_NOT_RESPONDING", "INSTITUTION_NOT_AVAILABLE", "INTERNAL_SERVER_ERROR",
            "PLANNED_MAINTENANCE", "ITEM_CONCURRENTLY_DELETED",
        ),
    ),
)  # fmt: skip


def kind_of(code: str, error_type: str | None, status: int) -> Kind:
    """What a code asks of us. Unlisted codes: by type RATE_LIMIT_EXCEEDED or 429 a limit, else try again."""
    if code in KIND_OF_CODE:
        return KIND_OF_CODE[code]
    if status == 429 or error_type == "RATE_LIMIT_EXCEEDED":
        return Kind.LIMIT
    return Kind.CONFIG if error_type == "INVALID_REQUEST" else Kind.RETRY


def from_response(status: int, body: str | bytes | None) -> ProviderError:
    """The error of a non-2xx answer. A body that is not Plaid's envelope (a proxy's HTML) is HTTP_<status>."""
    envelope = _envelope(body)
    code = storable(_text(envelope.get("error_code")) or "")[:MAX_CODE]
    if not code:
        return ProviderError(f"HTTP_{status}", Kind.LIMIT if status == 429 else Kind.RETRY)
    return ProviderError(
        code,
        kind_of(code, envelope.get("error_type"), status),
        request_id=_text(envelope.get("request_id")),
        display=_text(envelope.get("display_message")),
    )


def from_transport(error: Exception) -> ProviderError:
    """Refused, reset, timed out, TLS: nobody knows whether the call was carried out. Only the class is kept."""
    return ProviderError(f"TRANSPORT_{type(error).__name__}", Kind.RETRY)


def _envelope(body: str | bytes | None) -> dict[str, Any]:
    try:
        parsed = json.loads(body or "{}")
    except (ValueError, UnicodeDecodeError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
