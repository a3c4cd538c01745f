"""Words for states, failures and moments. Sentences a person reads are written here once."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.periods import Month, zone

STATE_LABELS = {
    "new": ("Linking", "busy"),
    "refreshing": ("Refreshing", "busy"),
    "healthy": ("Healthy", "ok"),
    "needs_login": ("Sign in again", "warn"),
    "expiring": ("Expires soon", "warn"),
    "revoked": ("Access ended", "bad"),
    "error": ("Not answering", "bad"),
}
"""Institution state -> (label, tone)."""

_OUR_SIDE, _NO_LONGER, _SETUP = (
    ("Error on our side", "bad"),
    ("No longer supported", "bad"),
    ("Setup problem", "bad"),
)

_SIGN_IN = "The bank asks you to sign in again. Until then the numbers stay as they were."
_AT_BANK = "The bank needs you to do something on its own site first, then sign in again here."
_GONE = (
    "Access was ended at the bank. Its numbers here are the last ones it gave; delete it and link it anew."
)
_WITHDRAWN = (
    "Access was withdrawn at the bank, so everything it had given was deleted here. To see this bank again, "
    "link it anew."
)
_DOWN = "The bank is not answering just now. Its numbers here are the last ones it gave; we keep trying."
_OURS = "Something went wrong on our side while reading this bank. Its numbers here are the last good ones."
_NEVER = "This bank cannot be read through Plaid any more. Its numbers here are the last ones it gave."
_REGISTER = (
    "This site is not registered for this bank at Plaid. The person who runs this site must mend it; the numbers "
    "stay as they were."
)
_PLAN = "This site's plan with Plaid does not allow that. The person who runs this site must mend it."

_LACKS = (
    "This bank does not give CashView the numbers it asks for. Its numbers here are the last ones it gave."
)
_PREPARING = "The bank is still preparing its numbers. They appear here by themselves within a few hours."
_VENDOR = (
    "Plaid, which connects CashView to the bank, is not answering just now. The numbers here are the last ones the "
    "bank gave; we keep trying."
)
_SLOWED = (
    "Plaid was asked too often just now. The numbers here are the last ones the bank gave; we keep trying."
)
_CHANGING = "The bank's numbers changed while they were being read. The last good ones stay; we keep trying."
_NO_LIST = "The bank named no accounts this time. The numbers here are the last ones it gave; we keep trying."
_MAINTENANCE = (
    "Plaid, which connects CashView to the bank, is closed for maintenance and not answering just now. The numbers "
    "here are the last ones the bank gave; we keep trying."
)
_NO_KEYS = "This site has no keys for this kind of connection any more. The person who runs this site must mend that."

FAILURES = {
    "ITEM_LOGIN_REQUIRED": _SIGN_IN,
    "INVALID_CREDENTIALS": _SIGN_IN,
    "INVALID_MFA": _SIGN_IN,
    "INSUFFICIENT_CREDENTIALS": "The sign-in was never finished. Delete this institution here and link it anew.",
    "INVALID_UPDATED_USERNAME": "The bank won't renew this login: link it anew. Trackers and history can move over.",
    "ITEM_LOCKED": "The bank locked this login. Unlock it on the bank's own site, then sign in again here.",
    "PASSWORD_RESET_REQUIRED": "The bank wants a new password. Set it on the bank's own site, then sign in again here.",
    "USER_SETUP_REQUIRED": _AT_BANK,
    "NO_ACCOUNTS": "The bank shares no account with us. Choose accounts again to see their numbers.",
    "ACCESS_NOT_GRANTED": "The bank was not allowed to share what CashView reads. Choose accounts again to allow it.",
    "ADDITIONAL_CONSENT_REQUIRED": "The bank asks for your consent once more. Sign in again to give it.",
    "PENDING_DISCONNECT": "The bank will end this connection soon. Sign in again to keep it.",
    "PENDING_EXPIRATION": "Your consent at the bank runs out soon. Sign in again to keep it.",
    "ITEM_NOT_FOUND": _GONE,
    "INVALID_ACCESS_TOKEN": _GONE,
    "USER_PERMISSION_REVOKED": _WITHDRAWN,
    "INSTITUTION_NO_LONGER_SUPPORTED": _NEVER,
    "UNSUPPORTED_RESPONSE": _NEVER,
    "UNAUTHORIZED_INSTITUTION": _REGISTER,
    "INSTITUTION_REGISTRATION_REQUIRED": _REGISTER,
    "ITEM_NOT_SUPPORTED": _NEVER,
    "MFA_NOT_SUPPORTED": _NEVER,
    "COUNTRY_NOT_SUPPORTED": _NEVER,
    "CREDITS_EXHAUSTED": _PLAN,
    "TRIAL_CONNECTION_LIMIT": _PLAN,
    "INVALID_API_KEYS": "CashView's own keys were refused by Plaid. The person who runs this site must mend that.",
    "UNAUTHORIZED_ENVIRONMENT": _PLAN,
    "UNAUTHORIZED_ROUTE_ACCESS": _PLAN,
    "NOT_CONFIGURED": _NO_KEYS,
    "PRODUCT_NOT_READY": _PREPARING,
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": _CHANGING,
    "EMPTY_ACCOUNTS": _NO_LIST,
    "ENDLESS_PAGES": _OURS,
    "INTERNAL_SERVER_ERROR": _VENDOR,
    "INVALID_RESPONSE": _VENDOR,
    "PLANNED_MAINTENANCE": _MAINTENANCE,
    "ITEM_CONCURRENTLY_DELETED": "Access to this bank was ended a moment ago; CashView looks again within the hour.",
    **dict.fromkeys(("PRODUCTS_NOT_SUPPORTED", "NO_INVESTMENT_ACCOUNTS", "NO_LIABILITY_ACCOUNTS"), _LACKS),
    **dict.fromkeys(("INVALID_PRODUCT", "PRODUCT_NOT_ENABLED"), _PLAN),
    **dict.fromkeys(
        (
            "INVALID_PUBLIC_TOKEN", "INVALID_LINK_TOKEN", "INVALID_ACCOUNT_ID", "INVALID_INSTITUTION",
            "MISSING_FIELDS", "UNKNOWN_FIELDS", "INVALID_FIELD", "INVALID_BODY", "INVALID_HEADERS", "NOT_FOUND",
            "SANDBOX_ONLY", "ACCESS_TOKEN_UNREADABLE", "INTERNAL", "INVALID_WEBHOOK_VERIFICATION_KEY_ID",
        ),
        _OURS,
    ),
}  # fmt: skip


_LABELS = {
    _NEVER: _NO_LONGER,
    **dict.fromkeys((_PLAN, _REGISTER, _NO_KEYS, FAILURES["INVALID_API_KEYS"]), _SETUP),
    _OURS: _OUR_SIDE,
    _LACKS: ("Gives no numbers", "bad"),
    _PREPARING: ("Being prepared", "warn"),
    _SLOWED: ("Slowed down", "warn"),
    _CHANGING: ("Tried again soon", "warn"),
    _NO_LIST: ("Tried again soon", "warn"),
    **{FAILURES[code]: ("Choose accounts", "warn") for code in ("NO_ACCOUNTS", "ACCESS_NOT_GRANTED")},
    **{
        FAILURES[code]: ("Link it anew", "bad")
        for code in ("INSUFFICIENT_CREDENTIALS", "INVALID_UPDATED_USERNAME")
    },
    FAILURES["ITEM_CONCURRENTLY_DELETED"]: ("Access ended", "bad"),
}
"""Sentence of a failure -> (label, tone), where that of the state would say something else than the sentence."""


def state_label(state: str, error_code: str | None) -> tuple[str, str]:
    """Label and tone of a state; of one that wants something or does not work, as its failure has it."""
    label = STATE_LABELS[state]
    if state not in ("needs_login", "error"):
        return label
    return _LABELS.get(failure_sentence(error_code) or "", label)


def failure_sentence(code: str | None) -> str | None:
    """What a person reads about a failed refresh; None for no failure. An unknown code means 'not answering'."""
    return None if code is None else FAILURES.get(code) or _by_its_form(code)


def _by_its_form(code: str) -> str:
    if code.startswith(("TRANSPORT_", "HTTP_")):
        return _VENDOR
    return _SLOWED if code.endswith("_LIMIT") or code == "PACED" else _DOWN


_LINK_AGAIN = "The bank did not complete the sign-in. Nothing was linked; please link it again."
_LINK_OPERATOR = (
    "CashView's setup with Plaid is wrong: nothing was linked. Whoever runs this site must mend it."
)
_LINK_PLAN = (
    "This site's plan with Plaid allows no further bank. The person who runs this site must mend that."
)
_LINK_NEVER = "This bank cannot be linked through Plaid. Nothing was linked."
_LINK_BY_KIND = {
    "limit": "Plaid was asked too often just now. Nothing was linked; try again in a minute.",
    "login": _LINK_AGAIN,
    "gone": _LINK_AGAIN,
    "expiring": _LINK_AGAIN,
    "input": "Link could not be opened this time. Please reload the page and try again.",
    "config": _LINK_OPERATOR,
    "unsupported": _LINK_OPERATOR,
    "permanent": _LINK_NEVER,
}
_LINK_BY_CODE = {
    "CREDITS_EXHAUSTED": _LINK_PLAN,
    "TRIAL_CONNECTION_LIMIT": _LINK_PLAN,
    "UNAUTHORIZED_ENVIRONMENT": _LINK_PLAN,
    "PRODUCTS_NOT_SUPPORTED": _LINK_NEVER,
    "NO_INVESTMENT_ACCOUNTS": _LINK_NEVER,
    "NO_LIABILITY_ACCOUNTS": _LINK_NEVER,
    "INSUFFICIENT_CREDENTIALS": _LINK_AGAIN,
    "INVALID_UPDATED_USERNAME": _LINK_AGAIN,
    **dict.fromkeys(
        ("INSTITUTION_DOWN", "INSTITUTION_NOT_RESPONDING", "INSTITUTION_NOT_AVAILABLE"),
        "This bank is not answering just now. Nothing was linked; try again in a few hours.",
    ),
    "PLANNED_MAINTENANCE": "Plaid is closed for maintenance just now. Nothing was linked; try again in an hour.",
    "ITEM_CONCURRENTLY_DELETED": _LINK_AGAIN,
}
_LINK_UNANSWERED = (
    "Plaid is not answering right now. Try again in a minute; if that fails, link the bank anew."
)


def linking_sentence(code: str, kind: str) -> str:
    """What a person reads when a bank could not be linked: what happened, and who can do what about it. `kind` is
    the value of a ProviderError's kind; a failure that nobody knows the end of never says that nothing happened."""
    return _LINK_BY_CODE.get(code) or _LINK_BY_KIND.get(kind) or _LINK_UNANSWERED


def reconnecting_sentence(kind: str) -> str:
    """What a person reads when Link could not be opened on a bank that is linked."""
    if kind in ("config", "unsupported", "permanent"):
        return "CashView's setup with Plaid does not allow this. Whoever runs this site must mend it."
    if kind == "limit":
        return "Plaid was asked too often just now. Nothing was changed; try again in a minute."
    return "Plaid is not answering right now. Nothing was changed; try again in a minute."


def ago(moment: datetime, now: datetime) -> str:
    """'just now', '5 minutes ago', 'yesterday', '3 days ago'. A moment in the future counts as now."""
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < 60:
        return "just now"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return (
                "yesterday"
                if (unit, count) == ("day", 1)
                else f"{count} {unit}{'s' if count > 1 else ''} ago"
            )
    return "just now"


def local_moment(moment: datetime, now: datetime, zone_name: str) -> str:
    """'Tuesday, 2:05 PM' within the last six days, else 'Nov 3, 2:05 PM', with the year when it differs."""
    local, today = moment.astimezone(zone(zone_name)), now.astimezone(zone(zone_name)).date()
    clock = f"{local.hour % 12 or 12}:{local.minute:02d} {'AM' if local.hour < 12 else 'PM'}"
    if local.date() == today:
        return f"today, {clock}"
    if timedelta(0) < today - local.date() <= timedelta(days=6):
        return f"{local:%A}, {clock}"
    year = f" {local.year}" if local.year != today.year else ""
    return f"{local:%b} {local.day}{year}, {clock}"


def month_words(month: Month) -> str:
    """'November 2026'."""
    return f"{month.first:%B} {month.year}"


def day_words(day: date) -> str:
    """'Tue, Nov 10'."""
    return f"{day:%a}, {day:%b} {day.day}"


def coming_day(day: date, today: date) -> str:
    """'today', 'tomorrow', 'on Sunday, Nov 29' within a week, else 'on Nov 29', with the year when it differs.
    A day that has passed is overdue: 'today'."""
    if day <= today:
        return "today"
    if day - today == timedelta(days=1):
        return "tomorrow"
    weekday = f"{day:%A}, " if day - today < timedelta(days=7) else ""
    year = f", {day.year}" if day.year != today.year else ""
    return f"on {weekday}{day:%b} {day.day}{year}"


def every_days(days: int) -> str:
    """'every day', 'every 3 days'."""
    return "every day" if days == 1 else f"every {days} days"
