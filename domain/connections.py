"""What a connection to a bank needs of its person: one thing to do at a time, how urgent it is, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from domain.periods import Month, local_date, month_of
from domain.wording import coming_day, failure_sentence, state_label

SOON = timedelta(days=7)
"""How long before its end a connection asks to be renewed."""

BROKEN = ("needs_login", "revoked", "error")
"""States in which a connection gives no numbers, and from which a person may link the same bank anew."""
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
    """How a connection stands: `state` as stored, the vendor's last failure, its known end (UTC) and whether that is
    only the latest day on which it may come, whether accounts wait to be chosen, whether its data was purged, whether
    the same bank was linked anew so that things may move there, or its history is still being prepared there, and
    whether there is nothing left to move."""

    state: str
    error_code: str | None = None
    expires_at: datetime | None = None
    end_is_guessed: bool = False
    new_accounts: bool = False
    purged: bool = False
    linked_anew: bool = False
    being_prepared: bool = False
    leaves_nothing: bool = False


def state_of(standing: Standing, now: datetime) -> str:
    """The state as it is shown: a healthy connection that ends within a week is expiring."""
    if standing.state == "healthy" and standing.expires_at and standing.expires_at - now <= SOON:
        return "expiring"
    return standing.state


def ends_words(standing: Standing, now: datetime, zone_name: str) -> str | None:
    """'Expires on Sunday, May 3', in the person's days, 'by Sunday' where it may come sooner; None when no end is
    known."""
    day = _end_day(standing, now, zone_name)
    return day and f"Expires {day}"


def _end_day(standing: Standing, now: datetime, zone_name: str) -> str | None:
    if standing.expires_at is None:
        return None
    day, today = local_date(standing.expires_at, zone_name), local_date(now, zone_name)
    if standing.end_is_guessed and day > today:
        return f"by {coming_day(day, today).removeprefix('on ')}"
    return coming_day(day, today)


def badge_of(standing: Standing, shown: str, now: datetime, zone_name: str) -> tuple[str, str]:
    """Label and tone of a connection that is shown in the state `shown`."""
    label, tone = state_label(shown, standing.error_code)
    if shown == "expiring":
        label = ends_words(standing, now, zone_name) or label
    elif shown in BROKEN and (standing.linked_anew or standing.being_prepared):
        label, tone = "Linked anew", "warn"
    elif shown == "healthy" and standing.new_accounts:
        label = "New accounts found"
    return label, tone


def need_of(standing: Standing, now: datetime, zone_name: str) -> Need | None:
    """The one thing to do, None when nothing is. What stops the numbers comes before what will."""
    state = state_of(standing, now)
    if state in BROKEN and standing.leaves_nothing:
        return _need(Act.DELETE, _NOTHING_LEFT)
    if state in BROKEN and standing.linked_anew:
        return _need(Act.MOVE, _MOVE)
    if state == "revoked":
        sentence = _PURGED if standing.purged else failure_sentence(standing.error_code) or _ENDED
        return _link_anew(standing, sentence)
    if state == "needs_login":
        act = Act.CHOOSE if standing.error_code in CHOOSE_CODES else Act.RECONNECT
        return Need(act, (failure_sentence(standing.error_code) or _SIGN_IN) + _beside(standing, act), 1)
    if state == "expiring":
        sentence = _expiring(standing, now, zone_name) + _beside(standing, Act.RECONNECT)
        return Need(Act.RECONNECT, sentence, 3)
    if state == "error":
        sentence = failure_sentence(standing.error_code) or _DOWN
        act = _act_of_error(standing.error_code)
        return _link_anew(standing, sentence) if act is Act.LINK else _need(act, sentence)
    return Need(Act.CHOOSE, _NEW_ACCOUNTS, 4) if standing.new_accounts else None


def _beside(standing: Standing, act: Act) -> str:
    """What Link asks for on the way, because chooses_accounts."""
    return _ON_THE_WAY if standing.new_accounts and act is Act.RECONNECT else ""


def _need(act: Act, sentence: str) -> Need:
    return Need(act, sentence, _URGENCY[act])


def _link_anew(standing: Standing, sentence: str) -> Need:
    """It is not asked for twice."""
    return _need(Act.WAIT, _LINKED) if standing.being_prepared else _need(Act.LINK, sentence)


def _act_of_error(code: str | None) -> Act:
    if code in ANEW_CODES:
        return Act.LINK
    return Act.DELETE if code in NEVER_CODES else Act.WAIT


def chooses_accounts(standing: Standing) -> bool:
    """Whether Link is to show the list of accounts when this connection is renewed."""
    return standing.new_accounts or standing.error_code in CHOOSE_CODES


def _expiring(standing: Standing, now: datetime, zone_name: str) -> str:
    day = _end_day(standing, now, zone_name)
    if day is None:
        return failure_sentence(standing.error_code) or _EXPIRING
    when = "soon" if standing.end_is_guessed else "before that"
    return f"Your access at the bank ends {day}. Reconnect {when} and everything goes on as it is."


_MOVE = (
    "You have linked this bank anew. If it is the same login, your budget trackers, the history and what you "
    "deleted can move over, and this connection can go."
)
_NOTHING_LEFT = "You have linked this bank anew. Nothing of yours is left on this connection: it can go."
_LINKED = (
    "You have linked this bank anew, and it is still preparing its history. Once that is in, what you made here can "
    "move over."
)
_ON_THE_WAY = " The bank has new accounts too: you can choose them on the way."
_PURGED = (
    "Access was withdrawn at the bank, so everything it had given is deleted here. Link it anew to see it again, if "
    "you have not done so."
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
