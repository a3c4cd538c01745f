"""A household: one believable life on a checking account, a savings account and a card.

Everything follows from a seed, so that two banks that know the same household tell the same life: the card payment
on checking is the payment on the card, the transfer that leaves checking arrives in savings. A month is told from
the month itself and the two before it, so that any month can be told without those before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache

from simulator.lives import merchants
from simulator.lives.bills import monthly_bills, payroll, savings_interest, taxes
from simulator.lives.cash import cash_and_people
from simulator.lives.dice import Dice, business_day, cents, month_before, on_day
from simulator.lives.merchants import transfer
from simulator.lives.model import ZERO, Story
from simulator.lives.purchases import card_month

PAYMENT_DAY, SWEEP_DAY = 24, 3
_STEP = Decimal(50)


@dataclass(frozen=True, kw_only=True)
class Ways:
    """How a household lives. Amounts are a month's, `net_pay` is a fortnight's."""

    employer: str
    net_pay: Decimal
    rent: Decimal
    landlord: str
    place: tuple[str, str]
    thrift: float
    """How much it spends, as a multiple of an ordinary household."""
    payday: date
    advances: bool = False
    """Lives on advances of its pay (earned wage access)."""


_STYLES = {"plain": 1.0, "yuppie": 1.7, "ewa": 0.55, "business": 1.4}


def ways(seed: str, style: str, country: str) -> Ways:
    """The ways of a household: pay is a little more than what such a month costs."""
    dice = Dice(seed, "ways")
    thrift = _STYLES[style]
    rent = (dice.money(1180, 1620) * Decimal(str(thrift))).quantize(Decimal(1))
    costs = rent + Decimal(1020) + Decimal(1750) * Decimal(str(thrift))
    return Ways(
        employer=dice.pick(merchants.EMPLOYERS),
        net_pay=cents(costs * Decimal("1.02") * 12 / 26 + dice.money(0, 60)),
        rent=rent,
        landlord=dice.pick(merchants.LANDLORDS),
        place=dice.pick(merchants.PLACES[country]),
        thrift=thrift,
        payday=date(2020, 1, 3) + timedelta(days=7 * dice.whole(0, 1)),
        advances=style == "ewa",
    )


class Household:
    """Tells the stories of a household, month by month. Roles: checking, savings, card."""

    def __init__(self, seed: str, style: str = "plain", country: str = "US") -> None:
        self.seed = seed
        self.ways = ways(seed, style, country)
        self._card = lru_cache(maxsize=64)(self._tell_card)
        self._checking = lru_cache(maxsize=64)(self._tell_checking)

    def month(self, year: int, month: int) -> Iterator[Story]:
        """Every story that began in that month."""
        yield from self._card(year, month)
        yield from self._checking(year, month)
        yield from self._card_payment_received(year, month)
        yield from self._sweep(year, month)
        yield from savings_interest(self.seed, year, month)

    def _tell_card(self, year: int, month: int) -> tuple[Story, ...]:
        told = card_month(self.seed, self.ways.thrift, year, month)
        return tuple(_at(self.ways.place, story) for story in told)

    def _tell_checking(self, year: int, month: int) -> tuple[Story, ...]:
        """What happens on checking, but for the transfer to or from savings that follows from it."""
        told = [
            *payroll(self.ways, year, month),
            *monthly_bills(self.seed, self.ways, year, month),
            *taxes(self.seed, year, month),
            *cash_and_people(self.seed, self.ways, year, month),
        ]
        due = self._card_due(year, month)
        if due > 0:
            told.append(self._payment("checking", due, year, month))
        return tuple(_at(self.ways.place, story) for story in told)

    def _card_due(self, year: int, month: int) -> Decimal:
        """What was bought on the card in the month before, less refunds: the card is paid off in full."""
        before = self._card(*month_before(year, month))
        return sum((story.amount for story in before if story.posts is not None), ZERO)

    def _payment(self, role: str, amount: Decimal, year: int, month: int) -> Story:
        began = business_day(on_day(year, month, PAYMENT_DAY))
        out = transfer("ONLINE PAYMENT TO CREDIT CARD", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT")
        back = transfer("PAYMENT - THANK YOU", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT")
        return Story(
            key=f"{role}:card-payment:{year}-{month:02}",
            role=role,
            merchant=out if amount > 0 else back,
            amount=amount,
            began=began,
            posts=business_day(began + timedelta(days=1)),
            pending=True,
        )

    def _card_payment_received(self, year: int, month: int) -> Iterator[Story]:
        due = self._card_due(year, month)
        if due > 0:
            yield self._payment("card", -due, year, month)

    def _sweep(self, year: int, month: int) -> Iterator[Story]:
        """What the month before left over goes to savings in steps of 50; what it lacked comes back."""
        before = self._checking(*month_before(year, month))
        left = -sum((story.amount for story in before if story.posts is not None), ZERO)
        moved = (left / _STEP).to_integral_value(rounding=ROUND_FLOOR) * _STEP
        if moved:
            yield from _both_legs(moved, year, month)


def _both_legs(to_savings: Decimal, year: int, month: int) -> Iterator[Story]:
    day = business_day(on_day(year, month, SWEEP_DAY))
    out, into = "TRANSFER_OUT_SAVINGS", "TRANSFER_IN_SAVINGS"
    if to_savings < 0:
        out, into = "TRANSFER_IN_ACCOUNT_TRANSFER", "TRANSFER_OUT_ACCOUNT_TRANSFER"
    legs = (
        ("checking", to_savings, "TRANSFER TO SAVINGS" if to_savings > 0 else "TRANSFER FROM SAVINGS", out),
        (
            "savings",
            -to_savings,
            "TRANSFER FROM CHECKING" if to_savings > 0 else "TRANSFER TO CHECKING",
            into,
        ),
    )
    for role, amount, name, category in legs:
        yield Story(
            key=f"{role}:sweep:{year}-{month:02}",
            role=role,
            merchant=transfer(name, category),
            amount=amount,
            began=day,
            posts=day,
        )


def _at(place: tuple[str, str], story: Story) -> Story:
    """The story with the place of its shop, where there is a shop."""
    if story.merchant.channel != "in store":
        return story
    return replace(story, merchant=replace(story.merchant, city=place[0], region=place[1]))
