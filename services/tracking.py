"""Budget trackers as the page shows them: the budget, what was spent of it, and when the next text goes.

Made of values that were read already: whose page it is, with the institutions (OWNER_COLUMNS); the tracker, with its
account; what was spent, by the one SUM of services/spending.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from domain.pace import pace_words
from domain.texts import BudgetNews, budget_text
from domain.wording import coming_day, every_days
from models import PhoneOptOut, User
from services import text_rules

_user = User.__table__.c
OWNER_COLUMNS = (
    _user.timezone, _user.is_demo, _user.account_type, _user.texts_agreed_at, _user.phone_verified_at,
    _user.phone_problem, PhoneOptOut.__table__.c.id.is_not(None).label("opted_out"),
)  # fmt: skip
"""What trackers ask of their owner; for a query that joins User, and PhoneOptOut (outer) by the number's hash."""


class Owner(NamedTuple):
    """A person as far as trackers ask."""

    timezone: str
    is_demo: bool
    account_type: str
    texts_agreed_at: datetime | None
    phone_verified_at: datetime | None
    phone_problem: str | None
    opted_out: bool


def owner_of(row: Any) -> Owner:
    """The owner in a row with OWNER_COLUMNS."""
    return Owner(*(getattr(row, name) for name in Owner._fields))


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


def why_not(owner: Owner, closed: bool) -> str | None:
    """Why no text goes about this tracker, on a site that sends texts; None when they do."""
    reason = text_rules.why_not(owner, texts_on=True, opted_out=owner.opted_out)
    if reason in (None, text_rules.NOT_VERIFIED) and owner.phone_problem:
        return BAD_NUMBER
    return reason or (text_rules.CLOSED if closed else None)
