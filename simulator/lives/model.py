"""The words of a life: accounts, stories of transactions, and what a bank shows of them on a day.

A story is one purchase, transfer or payment from beginning to end: when it happened, whether it was shown as
pending, when it posted and for how much. Everything Plaid shows (rows, changes, balances) is read off stories.
Amounts have Plaid's sign: positive is money out of the account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, Protocol

Phase = Literal["pending", "posted", "enriched"]
Change = Literal["added", "modified", "removed"]

LONGEST_STORY = timedelta(days=21)
"""No story goes on changing for longer than this after the day it began."""
REPEATS = 5
"""Every so many days the rows posted since are told again as modified, unchanged, as Plaid does."""
ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account as its bank describes it. `role` says which part of a life is lived on it.

    `balance` is the current balance on the anchor day: money held, or for credit and loans money owed; None means
    that the bank reports none. `available` is what is shown as available: "derived" follows the stories, a Decimal
    is always that number, None is not reported.
    """

    key: str
    name: str
    type: str
    subtype: str | None
    role: str = "quiet"
    mask: str | None = None
    official_name: str | None = None
    balance: Decimal | None = None
    available: Decimal | Literal["derived"] | None = None
    limit: Decimal | None = None
    currency: str | None = "USD"
    unofficial_currency: str | None = None
    holder_category: str | None = "personal"
    fixed: bool = False
    """A balance that never moves, whatever the transactions say (Plaid's own test data)."""

    @property
    def owes(self) -> bool:
        return self.type in {"credit", "loan"}


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """Whom a row is about. `shown` None: the vendor names no merchant (transfers, cheques)."""

    descriptor: str
    shown: str | None = None
    category: str | None = None
    channel: Literal["online", "in store", "other"] = "in store"
    city: str | None = None
    region: str | None = None
    store_number: str | None = None
    counterparty: str = "merchant"
    confidence: str = "VERY_HIGH"


@dataclass(frozen=True, kw_only=True)
class Story:
    """One transaction's whole story. `posts` None: it vanishes on `ends` without ever posting."""

    key: str
    role: str
    merchant: Merchant
    amount: Decimal
    began: date
    posts: date | None
    pending: bool = False
    pending_amount: Decimal | None = None
    """What the pending row says; None: the same as `amount`."""
    ends: date | None = None
    enriched: date | None = None
    """The day the posted row is corrected: until then it has no merchant and a vague category."""
    linked: bool = True
    """Whether the posted row names the pending one it replaces."""
    check_number: str | None = None
    currency: str | None = None
    """A currency other than the account's."""


@dataclass(frozen=True, slots=True)
class Row:
    """A story in one phase: what the vendor's row is rendered from."""

    story: Story
    phase: Phase

    @property
    def key(self) -> str:
        """Names the transaction: the pending row and the posted row of a story are two transactions."""
        return f"{self.story.key}/{'pending' if self.phase == 'pending' else 'posted'}"

    @property
    def day(self) -> date:
        story = self.story
        return story.began if self.phase == "pending" or story.posts is None else story.posts

    @property
    def amount(self) -> Decimal:
        story = self.story
        if self.phase == "pending" and story.pending_amount is not None:
            return story.pending_amount
        return story.amount


@dataclass(frozen=True, slots=True)
class Event:
    """One change at the bank. For "removed" the row is the one that goes."""

    change: Change
    row: Row


@dataclass(frozen=True)
class Balances:
    """What a bank reports on a day, in the account's currency; None is not reported."""

    available: Decimal | None
    current: Decimal | None
    limit: Decimal | None


class Source(Protocol):
    """Tells the stories that began on days of one month, in order."""

    def month(self, year: int, month: int) -> Iterable[Story]: ...


def shown_on(story: Story, day: date) -> Row | None:
    """The row of a story at the end of `day`, or None when there is none (yet, or any more)."""
    if story.posts is not None and story.posts <= day:
        enriched = story.enriched is not None and story.enriched <= day
        return Row(story, "enriched" if enriched else "posted")
    if story.pending and story.began <= day and (story.ends is None or day < story.ends):
        return Row(story, "pending")
    return None


def _told_lately(row: Row, day: date) -> bool:
    return row.phase != "pending" and day - timedelta(days=REPEATS) <= row.day < day


def changes_on(story: Story, day: date) -> list[Event]:
    """What changes about a story on `day`, compared with the day before."""
    before, after = shown_on(story, day - timedelta(days=1)), shown_on(story, day)
    if after == before:
        return []
    if before is None:
        return [Event("added", after)] if after else []
    if after is None:
        return [Event("removed", before)]
    if after.key == before.key:
        return [Event("modified", after)]
    return [Event("removed", before), Event("added", after)]


@dataclass
class Life:
    """Accounts and the stories lived on them."""

    accounts: list[Account]
    source: Source
    _months: dict[tuple[int, int], list[Story]] = field(default_factory=dict)
    _balances: dict[tuple[date, date], dict[str, Balances]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_key = {account.key: account for account in self.accounts}
        self.by_role = {account.role: account for account in self.accounts if account.role != "quiet"}

    def only(self, keys: Iterable[str]) -> Life:
        """The same life seen through a selection of its accounts."""
        chosen = set(keys)
        return replace(
            self, accounts=[each for each in self.accounts if each.key in chosen], _months={}, _balances={}
        )

    def account_of(self, story: Story) -> Account:
        return self.by_role[story.role]

    def stories(self, first: date, last: date) -> list[Story]:
        """Stories that began from `first` to `last`, oldest first, of these accounts."""
        found: list[Story] = []
        year, month = first.year, first.month
        while (year, month) <= (last.year, last.month):
            found += self._month(year, month)
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        return [story for story in found if first <= story.began <= last]

    def _month(self, year: int, month: int) -> list[Story]:
        known = self._months.get((year, month))
        if known is None:
            told = (story for story in self.source.month(year, month) if story.role in self.by_role)
            known = sorted(told, key=lambda story: (story.began, story.key))
            self._months[year, month] = known
        return known

    def rows(self, first: date, last: date, on: date) -> list[Row]:
        """The rows dated `first` to `last` as they are shown on the day `on`, oldest first."""
        shown = (shown_on(story, on) for story in self.stories(first - LONGEST_STORY, last))
        return sorted(
            (row for row in shown if row and first <= row.day <= last), key=lambda row: (row.day, row.key)
        )

    def events(self, day: date) -> list[Event]:
        """What changes on `day`: removals first, so that a pending row is never shown beside what replaces it."""
        stories = self.stories(day - LONGEST_STORY, day)
        found = [event for story in stories for event in changes_on(story, day)]
        if day.toordinal() % REPEATS == 0:
            told = {event.row.key for event in found}
            shown = [
                row for row in (shown_on(story, day) for story in stories) if row and row.key not in told
            ]
            found += [Event("modified", row) for row in shown if _told_lately(row, day)]
        return sorted(found, key=lambda event: event.change != "removed")

    def balances(self, on: date, anchor: date) -> dict[str, Balances]:
        """The balances at the end of the day `on`; on `anchor` the current ones are `Account.balance`.

        Money held is what it was minus what posted since, money owed is what it was plus that. Available is money
        held less pending outflows, and for credit the limit less what is owed and pending.
        """
        known = self._balances.get((on, anchor))
        if known is None:
            known = self._balances[on, anchor] = self._balances_on(on, anchor)
        return known

    def _balances_on(self, on: date, anchor: date) -> dict[str, Balances]:
        posted = self._posted_between(anchor, on)
        pending = self._pending_outflows(on)
        return {
            account.key: _balances(account, posted.get(account.role, ZERO), pending.get(account.role, ZERO))
            for account in self.accounts
        }

    def _posted_between(self, anchor: date, on: date) -> dict[str, Decimal]:
        """By role, what posted after `anchor` up to `on`; when `on` is earlier, minus what posted after `on`."""
        first, last, sign = (anchor, on, 1) if anchor <= on else (on, anchor, -1)
        sums: dict[str, Decimal] = {}
        for story in self.stories(first - LONGEST_STORY, last):
            if story.posts is not None and first < story.posts <= last:
                sums[story.role] = sums.get(story.role, ZERO) + sign * story.amount
        return sums

    def _pending_outflows(self, on: date) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for story in self.stories(on - LONGEST_STORY, on):
            row = shown_on(story, on)
            if row and row.phase == "pending" and row.amount > 0:
                sums[story.role] = sums.get(story.role, ZERO) + row.amount
        return sums


def _balances(account: Account, posted: Decimal, pending: Decimal) -> Balances:
    if account.fixed or account.balance is None:
        available = None if account.available == "derived" else account.available
        return Balances(available, account.balance, account.limit)
    current = account.balance + posted if account.owes else account.balance - posted
    if account.available != "derived":
        return Balances(account.available, current, account.limit)
    if not account.owes:
        return Balances(current - pending, current, account.limit)
    room = None if account.limit is None else account.limit - current - pending
    return Balances(room, current, account.limit)
