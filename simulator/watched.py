"""Purchases somebody makes while you watch: a dinner whose tip comes later, a hold at the pump that vanishes, books.

Segments of an Item's event log tell them, so they are replayed like everything else. Amounts are in the account's
currency.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from simulator.lives.model import ZERO, Account, Balances, Event, Life, Merchant, Row, Story
from simulator.records import Item, Segment, later

if TYPE_CHECKING:
    from simulator.state import State


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What is bought. `charged` None: it posts at once, never pending. `paid` None: the pending row vanishes."""

    name: str
    merchant: Merchant
    charged: Decimal | None
    paid: Decimal | None

    @property
    def pending(self) -> str:
        """The kind of the segment that tells of its beginning, when it is pending first."""
        return f"{self.name}-pending"

    @property
    def ended(self) -> str:
        """The kind of the segment that tells of its end."""
        return f"{self.name}-posted" if self.paid is not None else f"{self.name}-gone"

    def starts_with(self, segment: Segment) -> bool:
        return segment.kind == (self.ended if self.charged is None else self.pending)


def _shop(name: str, category: str) -> Merchant:
    return Merchant(descriptor=name, shown=name, category=category, city="Portland", region="OR")


DINNER = Purchase(
    name="meal",
    merchant=_shop("The Copper Kettle", "FOOD_AND_DRINK_RESTAURANT"),
    charged=Decimal("48.00"),
    paid=Decimal("57.60"),
)
"""Twenty percent of tip."""
FUEL_HOLD = Purchase(
    name="fuel", merchant=_shop("Cascade Fuel", "TRANSPORTATION_GAS"), charged=Decimal("125.00"), paid=None
)
BOOKS = Purchase(
    name="books",
    merchant=_shop("Paper Lantern Books", "GENERAL_MERCHANDISE_BOOKSTORES_AND_NEWSSTANDS"),
    charged=None,
    paid=Decimal("23.40"),
)
PURCHASES = (DINNER, FUEL_HOLD, BOOKS)
_BY_KIND = {kind: each for each in PURCHASES for kind in (each.pending, each.ended)}


def purchase_of(segment: Segment) -> Purchase | None:
    """The purchase that a segment tells of; None when it tells of days."""
    return _BY_KIND.get(segment.kind)


def account_for(life: Life) -> Account | None:
    """The account that pays: the first card or bank account that has transactions; None when there is none."""
    lived = [each for each in life.accounts if each.role in life.by_role and each.currency]
    paying = [each for each in lived if each.type == "credit" or each.subtype == "checking"]
    return next(iter(paying or lived), None)


def pending_segment(segments: Iterable[Segment], purchase: Purchase) -> Segment | None:
    """The beginning of the purchase that is pending now."""
    told = [each for each in segments if each.kind in {purchase.pending, purchase.ended}]
    return told[-1] if told and told[-1].kind == purchase.pending else None


def _next_segment(item: Item, purchase: Purchase, today: date) -> Segment:
    """The next thing to be told: a purchase, or the end of the one that is pending."""
    if purchase.charged is not None and pending_segment(item.segments, purchase) is None:
        return Segment(purchase.pending, today.isoformat(), today.isoformat())
    return _end(item.segments, purchase, today)


def _end(segments: list[Segment], purchase: Purchase, today: date) -> Segment:
    began = pending_segment(segments, purchase)
    return Segment(purchase.ended, began.first if began else today.isoformat(), today.isoformat())


def ended_by_now(item: Item, segments: list[Segment], now: datetime, today: date) -> list[Segment]:
    """The ends of pending purchases whose time has come."""
    due = [each for each in PURCHASES if later(now, item.ends.get(each.name))]
    return [_end(segments, each, today) for each in due if pending_segment(segments, each)]


def ends_ahead(item: Item) -> list[datetime]:
    """When the purchases that are pending end by themselves."""
    pending = [each.name for each in PURCHASES if pending_segment(item.segments, each)]
    return [datetime.fromisoformat(item.ends[name]) for name in pending if name in item.ends]


def events(life: Life, purchase: Purchase, segment: Segment, number: int) -> list[Event]:
    """What a segment says; `number` counts the purchases of this kind that the Item has seen."""
    account = account_for(life)
    if account is None:
        return []
    story = _story(account, purchase, segment, number)
    pending, posted = Row(story, "pending"), Row(story, "posted")
    if segment.kind == purchase.pending:
        return [Event("added", pending)]
    before = [] if purchase.charged is None else [Event("removed", pending)]
    return before if purchase.paid is None else [*before, Event("added", posted)]


def _story(account: Account, purchase: Purchase, segment: Segment, number: int) -> Story:
    posts = segment.kind == purchase.ended and purchase.paid is not None
    return Story(
        key=f"{purchase.name}-{number}",
        role=account.role,
        merchant=purchase.merchant,
        amount=purchase.paid or purchase.charged or ZERO,
        began=date.fromisoformat(segment.first),
        posts=date.fromisoformat(segment.last) if posts else None,
        pending=purchase.charged is not None,
        pending_amount=purchase.charged,
    )


def go_on(state: State, item: Item, purchase: Purchase, ends_in: timedelta | None = None) -> bool | None:
    """A purchase, or the end of the one that is pending. With `ends_in` a new one ends by itself after that time.

    Whether one is pending now; None when no transactions are there yet or no account has any.
    """
    if item.first_sync_at is None or account_for(state.life(item)) is None:
        return None
    state.advance(item)
    with state.changing(item):
        if len(item.segments) < 2:
            return None
        item.segments = [*item.segments, _next_segment(item, purchase, state.clock.today())]
        item.updated_at = state.clock.now().isoformat()
        pending = pending_segment(item.segments, purchase) is not None
        if pending and ends_in is not None:
            item.ends[purchase.name] = (state.clock.now() + ends_in).isoformat()
        else:
            item.ends.pop(purchase.name, None)
    state.history.look_ahead(item)
    return pending


def on_top_of(balances: dict[str, Balances], life: Life, item: Item) -> dict[str, Balances]:
    """Balances after the purchases: posted ones are paid or owed, a pending one is only less to spend."""
    account = account_for(life)
    if account is None or account.fixed or not any(purchase_of(each) for each in item.segments):
        return balances
    posted = sum((_posted(item, each) for each in PURCHASES), ZERO)
    pending = sum((_pending(item, each) for each in PURCHASES), ZERO)
    known = balances[account.key]
    current = None if known.current is None else known.current + (posted if account.owes else -posted)
    derived = known.available is not None and account.available == "derived"
    available = (
        known.available - posted - pending if derived and known.available is not None else known.available
    )
    return balances | {account.key: replace(known, current=current, available=available)}


def _posted(item: Item, purchase: Purchase) -> Decimal:
    return (purchase.paid or ZERO) * sum(each.kind == purchase.ended for each in item.segments)


def _pending(item: Item, purchase: Purchase) -> Decimal:
    open_ = pending_segment(item.segments, purchase)
    return purchase.charged or ZERO if open_ else ZERO
