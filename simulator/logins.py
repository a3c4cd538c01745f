"""What a login is answered, and the accounts behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class LoginOutcome:
    """`error` is a Plaid error dict without request_id; `mfa` is {type, rounds: [[{prompt, options, answer}]]}."""

    kind: Literal["ok", "mfa", "error"]
    error: dict[str, Any] | None = None
    mfa: dict[str, Any] | None = None


def check(institution_id: str, username: str, password: str, pin: str | None = None) -> LoginOutcome:
    """Whether these credentials are right. `pin` None means that it was not asked for."""
    del institution_id, pin
    if (username, password) == ("user_good", "pass_good"):
        return LoginOutcome("ok")
    return LoginOutcome(
        "error",
        error={
            "error_type": "ITEM_ERROR",
            "error_code": "INVALID_CREDENTIALS",
            "error_message": "the provided credentials were not correct",
            "display_message": "The provided credentials were not correct. Please try again.",
        },
    )


def accounts(institution_id: str, username: str, password: str) -> list[dict[str, Any]]:
    """The accounts of a login as Link's metadata shows them."""
    del institution_id, username, password
    return [
        {
            "id": "a" * 37,
            "name": "Plaid Checking",
            "mask": "0000",
            "type": "depository",
            "subtype": "checking",
            "verification_status": None,
            "class_type": None,
        }
    ]
