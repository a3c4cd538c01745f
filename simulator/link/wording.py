"""What a person reads when linking fails, by Plaid error code.

Plaid's `display_message` is null for most codes, so the panes need words of their own. Each entry says what
happened and what to do next; the code itself is never the message.
"""

from __future__ import annotations

from typing import Any, TypedDict


class ErrorWords(TypedDict):
    """Title and text of an error pane; `inline` errors are shown at the form instead."""

    title: str
    text: str
    inline: bool


_WORDS: dict[str, tuple[str, str]] = {
    "INVALID_MFA": (
        "That answer was not accepted",
        "{name} did not accept the code or answer. You can try again from the start.",
    ),
    "ITEM_LOCKED": (
        "Your account at {name} is locked",
        "Too many tries, or a lock set by the bank. Unlock it on the bank's own site, then come back.",
    ),
    "ITEM_NOT_SUPPORTED": (
        "This account can't be connected",
        "{name} answered, but this kind of account can't be connected here.",
    ),
    "MFA_NOT_SUPPORTED": (
        "This sign-in step isn't supported",
        "{name} asks for a second step that can't be used here. Turn it off there or choose another bank.",
    ),
    "USER_SETUP_REQUIRED": (
        "{name} needs something from you first",
        "Sign in on the bank's own site and finish what it asks for. Then come back.",
    ),
    "PASSWORD_RESET_REQUIRED": (
        "{name} wants a new password",
        "Change your password on the bank's own site, then come back.",
    ),
    "NO_ACCOUNTS": (
        "No accounts found",
        "You are signed in at {name}, but there is no open account to connect.",
    ),
    "INSTITUTION_DOWN": (
        "{name} is not reachable",
        "The bank's systems are down right now. Nothing is wrong with your login; please try again later.",
    ),
    "INSTITUTION_NOT_RESPONDING": (
        "{name} is not answering",
        "The bank is taking too long to answer. Please try again in a few minutes.",
    ),
    "INSTITUTION_NOT_AVAILABLE": (
        "{name} is not available",
        "The bank can't be reached right now. Please try again later.",
    ),
    "INSTITUTION_NO_LONGER_SUPPORTED": (
        "{name} can't be connected any more",
        "Connections to this bank have ended. Please choose another one.",
    ),
    "INSTITUTION_NOT_SUPPORTED": (
        "{name} isn't supported",
        "This bank can't be connected. Please choose another one.",
    ),
    "PRODUCTS_NOT_SUPPORTED": (
        "{name} can't share what is needed",
        "The bank doesn't offer the kind of information this app asks for. Please choose another one.",
    ),
    "COUNTRY_NOT_SUPPORTED": (
        "This country isn't supported",
        "Accounts at {name} in this country can't be connected here.",
    ),
    "INVALID_SEND_METHOD": (
        "The code could not be sent",
        "{name} could not send a code the way you chose. Try again and choose another way.",
    ),
    "INVALID_UPDATED_USERNAME": (
        "This connection can't be renewed",
        "{name} has changed how people sign in and can't renew the old connection. Go back and link it anew.",
    ),
    "ACCESS_NOT_GRANTED": (
        "Access was not granted",
        "{name} was not given leave to share your accounts, so nothing was connected.",
    ),
}
_FALLBACK = (
    "Something went wrong",
    "The connection to {name} failed on our side. Please try again in a few minutes.",
)
_INLINE = {
    "INVALID_CREDENTIALS": "The credentials you provided were incorrect. Please try again.",
    "INSUFFICIENT_CREDENTIALS": "{name} needs every field to sign you in. Please fill in all of them.",
    "INVALID_MFA": "That was not accepted. Please try again.",
}


def words_for(error: dict[str, Any], institution_name: str, *, inline_codes: frozenset[str]) -> ErrorWords:
    """Words for a Plaid error dict; codes in `inline_codes` stay at the form the person is looking at."""
    code = str(error.get("error_code", ""))
    if code in inline_codes and code in _INLINE:
        return ErrorWords(title="", text=_INLINE[code].format(name=institution_name), inline=True)
    title, text = _WORDS.get(code, _FALLBACK)
    return ErrorWords(
        title=title.format(name=institution_name), text=text.format(name=institution_name), inline=False
    )
