"""One account as pages and JSON show it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.balances import CREDIT, LOAN, contribution, in_holdings
from domain.spending import is_eligible
from domain.subtypes import subtype_words
from services.tracking import TrackerView


@dataclass(slots=True)
class AccountView:
    """One account as the page shows it. `contribution` is signed and None when unknown or closed; `can_track`
    is whether a budget tracker can be created for it (it has none yet)."""

    id: int
    name: str
    official_name: str | None
    mask: str | None
    type: str
    subtype: str | None
    kind: str
    currency: str | None
    available: Decimal | None
    current: Decimal | None
    limit: Decimal | None
    closed: bool
    contribution: Decimal | None = None
    in_holdings: bool = True
    is_overpaid: bool = False
    what: str = ""
    """Its kind in a person's words: 'Checking', '401(k)', 'Student loan'."""
    budget_tracker: TrackerView | None = None
    can_track: bool = False

    def __post_init__(self) -> None:
        self.contribution = contribution(self)
        self.in_holdings = in_holdings(self.type)
        self.what = subtype_words(self.type, self.subtype)
        self.is_overpaid = self.kind in (CREDIT, LOAN) and self.current is not None and self.current < 0
        self.can_track = (
            not self.closed and self.budget_tracker is None and is_eligible(self.type, self.subtype)
        )
