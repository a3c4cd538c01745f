"""Budget trackers as the page shows them: the budget, what was spent of it, and when the next text goes.

Whose page it is was read with the institutions (OWNER_COLUMNS); what was spent is one more statement, and
only where there is a tracker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.pace import pace_words
from domain.periods import local_date, month_of
from domain.spending import Spent
from domain.texts import BudgetNews, budget_text
from domain.wording import coming_day, every_days
from models import BudgetTracker, PhoneOptOut, User
from services import text_rules
from services.spending import NOTHING, spent_by_account

OWNER_COLUMNS = (
    User.timezone, User.is_demo, User.account_type, User.texts_agreed_at, User.phone_verified_at,
    User.phone_problem, PhoneOptOut.id.is_not(None).label("opted_out"),
)  # fmt: skip
"""What trackers ask of their owner; for a query that joins User, and PhoneOptOut (outer) by the number's hash."""

TRACKER_COLUMNS = (
    BudgetTracker.threshold,
    BudgetTracker.notification_frequency,
    BudgetTracker.next_notification_date,
)
"""For a query that joins BudgetTracker (outer): all null where an account has none."""

BAD_NUMBER = "bad_number"
"""Why no text goes, beside the words of services/text_rules.py: the vendor says this number cannot get any."""


@dataclass(slots=True)
class TrackerView:
    """One tracker. Amounts are in `currency`, days are the owner's local days; `left` is negative when over.
    `why_not` says why no text goes (None: texts go, if this site sends any)."""

    account_name: str
    threshold: Decimal
    notification_frequency: int
    next_notification_date: date
    currency: str | None
    today: date
    spent: Decimal
    pending: Decimal
    left: Decimal
    why_not: str | None

    @property
    def is_over(self) -> bool:
        return self.left < 0

    @property
    def pace(self) -> str:
        return pace_words(self.spent, self.currency, self.today)

    @property
    def next_text(self) -> str:
        """'on Sunday, Nov 29'."""
        return coming_day(self.next_notification_date, self.today)

    @property
    def every(self) -> str:
        return every_days(self.notification_frequency)

    @property
    def text(self) -> str:
        """The words of a first text, if it went now."""
        news = BudgetNews(self.account_name, self.spent, self.threshold, self.currency)
        return budget_text(news, opt_out_line=True)

    @property
    def bar(self) -> tuple[Decimal, Decimal, Decimal]:
        """In percent of the bar: where the solid part ends, where the pending part ends, where the budget does.
        An overspent budget ends within its bar."""
        whole = max(self.threshold, self.spent)
        ends = (self.spent - self.pending, self.spent, self.threshold)
        return tuple(round(100 * end / whole, 2) for end in ends)  # type: ignore[return-value]


def tracker_of(row: Any, owner: Any, now: datetime) -> TrackerView | None:
    """The tracker of a row with TRACKER_COLUMNS and the account's name, currency and closed_at, or None. What was
    spent is still to be filled in."""
    if row.threshold is None:
        return None
    return TrackerView(
        account_name=row.name,
        threshold=row.threshold,
        notification_frequency=row.notification_frequency,
        next_notification_date=row.next_notification_date,
        currency=row.currency,
        today=local_date(now, owner.timezone),
        spent=Decimal(0),
        pending=Decimal(0),
        left=row.threshold,
        why_not=_why_not(owner, closed=row.closed_at is not None),
    )


def add_spending(trackers: Iterable[tuple[int, TrackerView]]) -> None:
    """Fill in what was spent this month, by account id. One statement; none without trackers."""
    by_account = dict(trackers)
    if not by_account:
        return
    today = next(iter(by_account.values())).today
    spent_of = spent_by_account(by_account.keys(), month_of(today))
    for account_id, tracker in by_account.items():
        _set_spent(tracker, spent_of.get(account_id, NOTHING))


def _set_spent(tracker: TrackerView, spent: Spent) -> None:
    tracker.spent = spent.spent
    tracker.pending = spent.pending
    tracker.left = spent.left(tracker.threshold)


def _why_not(owner: Any, closed: bool) -> str | None:
    """Why no text goes about this tracker, on a site that sends texts; None when they do."""
    reason = text_rules.why_not(owner, texts_on=True, opted_out=owner.opted_out)
    if reason in (None, text_rules.NOT_VERIFIED) and owner.phone_problem:
        return BAD_NUMBER
    return reason or (text_rules.CLOSED if closed else None)
