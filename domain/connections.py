"""What a connection to a bank needs of its person: one thing to do at a time, how urgent it is, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from domain.periods import Month, local_date, month_of
from domain.wording import coming_day, failure_sentence

SOON = timedelta(days=7)
"""How long before its end a connection asks to be renewed."""

CHOOSE_CODES = frozenset({"NO_ACCOUNTS", "ACCESS_NOT_GRANTED"})
"""Failures that only another choice of accounts mends."""
CONSENT_CODES = frozenset({"ADDITIONAL_CONSENT_REQUIRED"})
ANEW_CODES = frozenset({"INSUFFICIENT_CREDENTIALS", "INVALID_UPDATED_USERNAME"})
"""Failures of the link itself: no signing in again mends it."""
NEVER_CODES = frozenset(
    {
        "INSTITUTION_NO_LONGER_SUPPORTED", "UNSUPPORTED_RESPONSE", "ITEM_NOT_SUPPORTED", "MFA_NOT_SUPPORTED",
        "COUNTRY_NOT_SUPPORTED",
    }
)  # fmt: skip


class Act(StrEnum):
    """The one thing to do about a connection."""

    MOVE = "move"
    """The bank was linked anew: move what the person made over, and let this connection go."""
    RECONNECT = "reconnect"
    CHOOSE = "choose"
    LINK = "link"
    DELETE = "delete"
    WAIT = "wait"
    """Nothing: CashView keeps trying."""


LABELS = {
    Act.MOVE: "Move over",
    Act.RECONNECT: "Reconnect",
    Act.CHOOSE: "Choose accounts",
    Act.LINK: "Link it anew",
    Act.DELETE: "Delete it here",
}
_URGENCY = {Act.MOVE: 1, Act.RECONNECT: 1, Act.LINK: 2, Act.DELETE: 3, Act.WAIT: 5}


@dataclass(frozen=True, slots=True)
class Need:
    """What is wrong in a sentence, and what to do about it. `urgency`: 1 is the most urgent."""

    act: Act
    sentence: str
    urgency: int

    @property
    def label(self) -> str | None:
        """The words of the button; None when there is nothing to press."""
        return LABELS.get(self.act)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a connection stands: `state` as stored, the vendor's last failure, its known end (UTC), whether accounts
    wait to be chosen, whether its data was purged, and whether the same bank was linked anew."""

    state: str
    error_code: str | None = None
    expires_at: datetime | None = None
    new_accounts: bool = False
    purged: bool = False
    linked_anew: bool = False


def state_of(standing: Standing, now: datetime) -> str:
    """The state as it is shown: a healthy connection that ends within a week is expiring."""
    if standing.state == "healthy" and standing.expires_at and standing.expires_at - now <= SOON:
        return "expiring"
    return standing.state


def ends_words(standing: Standing, now: datetime, zone_name: str) -> str | None:
    """'Expires on Sunday, May 3', in the person's days; None when no end is known."""
    if standing.expires_at is None:
        return None
    return f"Expires {coming_day(local_date(standing.expires_at, zone_name), local_date(now, zone_name))}"


def need_of(standing: Standing, now: datetime, zone_name: str) -> Need | None:
    """The one thing to do, None when nothing is. What stops the numbers comes before what will."""
    state = state_of(standing, now)
    if standing.linked_anew and state in ("needs_login", "revoked", "error"):
        return _need(Act.MOVE, _MOVE)
    if state == "revoked":
        return _need(
            Act.LINK, _PURGED if standing.purged else failure_sentence(standing.error_code) or _ENDED
        )
    if state == "needs_login":
        act = Act.CHOOSE if standing.error_code in CHOOSE_CODES else Act.RECONNECT
        return Need(act, failure_sentence(standing.error_code) or _SIGN_IN, 1)
    if state == "expiring":
        return Need(Act.RECONNECT, _expiring(standing, now, zone_name), 3)
    if state == "error":
        return _need(_act_of_error(standing.error_code), failure_sentence(standing.error_code) or _DOWN)
    return Need(Act.CHOOSE, _NEW_ACCOUNTS, 4) if standing.new_accounts else None


def _need(act: Act, sentence: str) -> Need:
    return Need(act, sentence, _URGENCY[act])


def _act_of_error(code: str | None) -> Act:
    if code in ANEW_CODES:
        return Act.LINK
    return Act.DELETE if code in NEVER_CODES else Act.WAIT


def chooses_accounts(standing: Standing) -> bool:
    """Whether Link is to show the list of accounts when this connection is renewed."""
    return standing.new_accounts or standing.error_code in CHOOSE_CODES


def _expiring(standing: Standing, now: datetime, zone_name: str) -> str:
    if standing.expires_at is None:
        return failure_sentence(standing.error_code) or _EXPIRING
    day = coming_day(local_date(standing.expires_at, zone_name), local_date(now, zone_name))
    return f"Your access at the bank ends {day}. Reconnect before that and everything goes on as it is."


_MOVE = (
    "You have linked this bank anew. If it is the same login, your budget trackers, the history and what you "
    "deleted can move over, and this connection can go."
)
_PURGED = (
    "Access was withdrawn at the bank, so everything it had given is deleted here. Link it anew to see it again, "
    "or delete it."
)
_ENDED = "Access was ended at the bank. Link it anew to see new numbers."
_SIGN_IN = "The bank asks you to sign in again. Until then the numbers stay as they were."
_EXPIRING = "Your access at the bank ends soon. Reconnect and everything goes on as it is."
_DOWN = "The bank is not answering. CashView keeps trying; the numbers stay as they were."
_NEW_ACCOUNTS = "The bank has accounts that CashView does not see yet. Choose which ones it may."


def coming_months(today: date, count: int = 12) -> list[Month]:
    """This month and those after it."""
    months = [month_of(today)]
    while len(months) < count:
        months.append(months[-1].next)
    return months
