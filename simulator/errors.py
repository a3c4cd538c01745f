"""Plaid's errors by code: type, HTTP status and words, for endpoints, logins and whatever else fails on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DOCUMENTATION = "https://plaid.com/docs/?ref=error#{anchor}"


@dataclass(frozen=True)
class ErrorKind:
    """What a code means on the wire. `display` is what a person may be shown; mostly there is nothing."""

    type: str
    code: str
    message: str
    status: int = 400
    display: str | None = None

    def body(self, message: str | None = None) -> dict[str, Any]:
        """The error object without a request id, as Link's callbacks and item.error have it."""
        return {
            "error_type": self.type,
            "error_code": self.code,
            "error_message": message or self.message,
            "display_message": self.display,
            "documentation_url": DOCUMENTATION.format(
                anchor=f"{self.type}-{self.code}".lower().replace("_", "-")
            ),
            "suggested_action": None,
        }


def _kinds(type_: str, *rows: tuple[Any, ...]) -> list[ErrorKind]:
    return [ErrorKind(type_, *row) for row in rows]


_LOCKED = "The account is locked. Prior to connecting your account, visit your bank's website to unlock it."
_MORE_LIMITS = (
    "ACCOUNTS_BALANCE_GET_LIMIT",
    "TRANSACTIONS_LIMIT",
    "INSTITUTIONS_GET_LIMIT",
    "INSTITUTIONS_GET_BY_ID_LIMIT",
)
_KINDS = [
    *_kinds(
        "INVALID_REQUEST",
        ("MISSING_FIELDS", "the following required fields are missing"),
        ("UNKNOWN_FIELDS", "the following fields are not recognized by this endpoint"),
        ("INVALID_FIELD", "a field is invalid"),
        ("INVALID_BODY", "body could not be parsed as JSON"),
        ("INVALID_HEADERS", "a header is invalid"),
        ("NOT_FOUND", "the requested endpoint does not exist", 404),
        ("SANDBOX_ONLY", "access to this endpoint is only available in the sandbox environment"),
    ),
    *_kinds(
        "INVALID_INPUT",
        ("INVALID_API_KEYS", "invalid client_id or secret provided"),
        ("UNAUTHORIZED_ENVIRONMENT", "you are not authorized to create items in this api environment"),
        ("INVALID_ACCESS_TOKEN", "could not find matching access token"),
        ("INVALID_PUBLIC_TOKEN", "could not find matching public token"),
        ("INVALID_LINK_TOKEN", "invalid link_token provided"),
        ("INVALID_PRODUCT", "client is not authorized to access the following products"),
        ("INVALID_INSTITUTION", "invalid institution_id provided"),
        ("INVALID_WEBHOOK_VERIFICATION_KEY_ID", "invalid key_id provided"),
        ("INVALID_ACCOUNT_ID", "failed to find requested account ID for requested item"),
        ("ADDITIONAL_CONSENT_REQUIRED", "additional consent is required for the requested product"),
        (
            "USER_PERMISSION_REVOKED",
            "the holder of this account has revoked their permission for your application",
        ),
    ),
    *_kinds(
        "ITEM_ERROR",
        (
            "INVALID_CREDENTIALS",
            "the provided credentials were not correct",
            400,
            "The provided credentials were not correct. Please try again.",
        ),
        (
            "INVALID_MFA",
            "the provided MFA response(s) were not correct",
            400,
            "The provided MFA responses were not correct. Please try again.",
        ),
        (
            "INVALID_UPDATED_USERNAME",
            "the username provided during update mode did not match the original username for this item",
        ),
        ("INVALID_SEND_METHOD", "the provided MFA send method was invalid"),
        ("INSUFFICIENT_CREDENTIALS", "insufficient authorization was provided to complete the request"),
        ("ITEM_LOCKED", "the account is locked", 400, _LOCKED),
        (
            "ITEM_LOGIN_REQUIRED",
            (
                "the login details of this item have changed (credentials, MFA, or required user action) and a user "
                "login is required to update this information. use Link's update mode to restore the item to a "
                "good state"
            ),
        ),
        (
            "ITEM_NOT_FOUND",
            (
                "The Item you requested cannot be found. This Item does not exist, has been previously removed via "
                "/item/remove, or has had access removed by the user."
            ),
        ),
        ("ITEM_CONCURRENTLY_DELETED", "This item was deleted while the operation was in progress"),
        ("ITEM_NOT_SUPPORTED", "this account is not currently supported"),
        ("MFA_NOT_SUPPORTED", "this account requires a MFA type that is not currently supported"),
        ("NO_ACCOUNTS", "no valid accounts were found for this item"),
        ("ACCESS_NOT_GRANTED", "access to this product was not granted for the account"),
        ("PASSWORD_RESET_REQUIRED", "the user must reset their password at the institution"),
        ("USER_SETUP_REQUIRED", "the account has not been fully set up by the user at the institution"),
        (
            "PRODUCT_NOT_READY",
            "the requested product is not yet ready. please provide a webhook or try again later",
        ),
        ("PRODUCTS_NOT_SUPPORTED", "the following products are not supported by this institution"),
        ("NO_INVESTMENT_ACCOUNTS", "there are no valid investment account(s) associated with this Item"),
        ("NO_LIABILITY_ACCOUNTS", "there are no valid liability account(s) associated with this Item"),
    ),
    *_kinds(
        "INSTITUTION_ERROR",
        (
            "INSTITUTION_DOWN",
            "this institution is not currently responding to this request. please try again soon",
        ),
        (
            "INSTITUTION_NOT_RESPONDING",
            "this institution is not currently responding to this request. please try again soon",
        ),
        ("INSTITUTION_NOT_AVAILABLE", "this institution is not currently available"),
        ("INSTITUTION_NO_LONGER_SUPPORTED", "this institution is no longer supported"),
        ("INSTITUTION_REGISTRATION_REQUIRED", "the institution requires registration before it can be used"),
        ("UNAUTHORIZED_INSTITUTION", "not authorized to access this institution"),
        ("UNSUPPORTED_RESPONSE", "the data returned from the institution is not valid"),
        ("COUNTRY_NOT_SUPPORTED", "the account's country is not supported"),
    ),
    *_kinds(
        "TRANSACTIONS_ERROR",
        (
            "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
            (
                "Underlying transaction data changed since last page was fetched. "
                "Please restart pagination from last update."
            ),
        ),
    ),
    *_kinds(
        "RATE_LIMIT_EXCEEDED",
        (
            "ACCOUNTS_LIMIT",
            "rate limit exceeded for attempts to access this item. please try again later",
            429,
        ),
        (
            "BALANCE_LIMIT",
            "rate limit exceeded for attempts to access this item. please try again later",
            429,
        ),
        (
            "TRANSACTIONS_SYNC_LIMIT",
            "rate limit exceeded for attempts to access this item. please try again later",
            429,
        ),
        (
            "ITEM_GET_LIMIT",
            "rate limit exceeded for attempts to access this item. please try again later",
            429,
        ),
        *((code, "rate limit exceeded. please try again later", 429) for code in _MORE_LIMITS),
        ("CREDITS_EXHAUSTED", "the credits of this team are used up", 429),
        ("TRIAL_CONNECTION_LIMIT", "the trial's number of connections is reached", 429),
        ("RATE_LIMIT", "rate limit exceeded. please try again later", 429),
        ("INSTITUTION_RATE_LIMIT", "rate limit exceeded for this institution. please try again later", 429),
    ),
    *_kinds(
        "SANDBOX_ERROR",
        (
            "SANDBOX_WEBHOOK_INVALID",
            "webhook for this item either has not been set up, or is not a known one",
        ),
        ("SANDBOX_PRODUCT_NOT_ENABLED", "the requested product is not enabled for this item"),
    ),
    *_kinds("RECAPTCHA_ERROR", ("RECAPTCHA_BAD", "captcha was solved incorrectly or insufficiently")),
    *_kinds(
        "API_ERROR",
        ("INTERNAL_SERVER_ERROR", "an unexpected error occurred", 500),
        (
            "PLANNED_MAINTENANCE",
            "the Plaid API is temporarily unavailable due to maintenance. visit the status page",
            503,
        ),
    ),
]


class PlaidError(Exception):
    """Ends a request with one of Plaid's errors; `message` replaces the usual words."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code)
        self.kind = KINDS[code]
        self.message = message


KINDS = {kind.code: kind for kind in _KINDS}
"""Every error the simulator knows to give, by its code."""
