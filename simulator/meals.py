"""A dinner somebody has while you watch: charged as pending, posted later with the tip.

Two segments of an Item's event log tell it, so it is replayed like everything else. Amounts are in the account's
currency; the card was charged before the tip.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from simulator.lives.model import ZERO, Account, Balances, Event, Life, Merchant, Row, Story
from simulator.records import Item, Segment

if TYPE_CHECKING:
    from simulator.state import State

CHARGED, WITH_TIP = Decimal("48.00"), Decimal("57.60")
"""Twenty percent of tip."""
PENDING, POSTED = "meal-pending", "meal-posted"
"""The kinds of segments that tell of dinners."""
_RESTAURANT = Merchant(
    descriptor="The Copper Kettle",
    shown="The Copper Kettle",
    category="FOOD_AND_DRINK_RESTAURANT",
    city="Portland",
    region="OR",
)


def account_for(life: Life) -> Account | None:
    """The account that pays: the first card or bank account that has transactions; None when there is none."""
    lived = [each for each in life.accounts if each.role in life.by_role and each.currency]
    paying = [each for each in lived if each.type == "credit" or each.subtype == "checking"]
    return next(iter(paying or lived), None)


def open_meal(item: Item) -> Segment | None:
    """The dinner that is charged and not yet posted."""
    told = [each for each in item.segments if each.kind in {PENDING, POSTED}]
    return told[-1] if told and told[-1].kind == PENDING else None


def next_segment(item: Item, today: date) -> Segment:
    """The next thing to be told: a dinner, or the posting of the one that is pending."""
    pending = open_meal(item)
    if pending is None:
        return Segment(PENDING, today.isoformat(), today.isoformat())
    return Segment(POSTED, pending.first, today.isoformat())


def is_meal(segment: Segment) -> bool:
    return segment.kind in {PENDING, POSTED}


def events(life: Life, segment: Segment, number: int) -> list[Event]:
    """What a segment says; `number` counts the dinners of the Item."""
    account = account_for(life)
    if account is None:
        return []
    story = _story(account, segment, number)
    pending = Row(story, "pending")
    if segment.kind == PENDING:
        return [Event("added", pending)]
    return [Event("removed", pending), Event("added", Row(story, "posted"))]


def _story(account: Account, segment: Segment, number: int) -> Story:
    return Story(
        key=f"meal-{number}",
        role=account.role,
        merchant=_RESTAURANT,
        amount=WITH_TIP,
        began=date.fromisoformat(segment.first),
        posts=None if segment.kind == PENDING else date.fromisoformat(segment.last),
        pending=True,
        pending_amount=CHARGED,
    )


def dine(state: State, item: Item) -> bool | None:
    """A dinner, or the posting of the one that is pending, with the tip. Whether one is pending now; None when no
    transactions are there yet or no account has any.
    """
    if item.first_sync_at is None or account_for(state.life(item)) is None:
        return None
    state.advance(item)
    with state.changing(item):
        if len(item.segments) < 2:
            return None
        item.segments = [*item.segments, next_segment(item, state.clock.today())]
        item.updated_at = state.clock.now().isoformat()
        return open_meal(item) is not None


def on_top_of(balances: dict[str, Balances], life: Life, item: Item) -> dict[str, Balances]:
    """Balances after the dinners: posted ones are paid or owed, a pending one is only less to spend."""
    account = account_for(life)
    meals = [each for each in item.segments if is_meal(each)]
    if account is None or not meals or account.fixed:
        return balances
    posted = WITH_TIP * sum(each.kind == POSTED for each in meals)
    pending = CHARGED if open_meal(item) else ZERO
    known = balances[account.key]
    current = None if known.current is None else known.current + (posted if account.owes else -posted)
    derived = known.available is not None and account.available == "derived"
    available = (
        known.available - posted - pending if derived and known.available is not None else known.available
    )
    return balances | {account.key: replace(known, current=current, available=available)}
