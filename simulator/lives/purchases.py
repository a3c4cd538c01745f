"""What is bought with a card: pending for a day or three, then posted; tips, holds, refunds, twins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from simulator.lives import merchants
from simulator.lives.dice import Dice, business_day, cents, on_day, posts_after
from simulator.lives.merchants import transfer
from simulator.lives.model import Merchant, Story


@dataclass
class Till:
    """Rings up stories of one role and month, each with a key of its own."""

    role: str
    seed: str
    year: int
    month: int
    _counts: dict[str, int] = field(default_factory=dict)

    def dice(self, stream: str) -> Dice:
        return Dice(self.seed, self.role, stream, self.year, self.month)

    def key(self, stream: str) -> str:
        number = self._counts[stream] = self._counts.get(stream, 0) + 1
        return f"{self.role}:{stream}:{self.year}-{self.month:02}:{number}"

    def day(self, day: int) -> date:
        return on_day(self.year, self.month, day)

    def swipe(
        self,
        stream: str,
        dice: Dice,
        merchant: Merchant,
        amount: Decimal,
        began: date,
        tip: Decimal | None = None,
    ) -> Story:
        """A card purchase. With `tip` the pending row lacks it."""
        posts = posts_after(began, dice.whole(1, 3))
        return Story(
            key=self.key(stream),
            role=self.role,
            merchant=merchant,
            amount=amount + (tip or 0),
            pending_amount=amount if tip else None,
            began=began,
            posts=posts,
            pending=tip is not None or dice.chance(0.9),
            enriched=posts + timedelta(days=dice.whole(1, 5)) if dice.chance(0.12) else None,
            linked=dice.chance(0.97),
        )

    def posted(
        self, stream: str, merchant: Merchant, amount: Decimal, day: date, check_number: str | None = None
    ) -> Story:
        """A row that appears as posted at once: bank-made entries, direct debits, refunds."""
        return Story(
            key=self.key(stream),
            role=self.role,
            merchant=merchant,
            amount=amount,
            began=day,
            posts=business_day(day),
            check_number=check_number,
        )

    def shops(
        self, stream: str, average: float, choices: Sequence[Merchant], low: float, high: float
    ) -> Iterator[Story]:
        dice = self.dice(stream)
        for _ in range(dice.times(average)):
            day = dice.day(self.year, self.month)
            yield self.swipe(stream, dice, dice.pick(choices), dice.money(low, high), day)


def card_month(seed: str, thrift: float, year: int, month: int) -> Iterator[Story]:
    """A month of purchases on a household's card; `thrift` scales how often, and a little how much."""
    till = Till("card", seed, year, month)
    yield from till.shops("groceries", 8 * min(thrift, 1.2), merchants.GROCERIES, 24, 132 * thrift)
    yield from till.shops("coffee", 9 * thrift, merchants.COFFEE, 3.85, 7.4)
    yield from till.shops("fast-food", 3, merchants.FAST_FOOD, 8.2, 17.9)
    yield from till.shops("rides", 2 * thrift, merchants.RIDES, 9.5, 31)
    yield from till.shops("occasional", 1.6 * thrift, merchants.OCCASIONAL, 12, 94)
    yield from restaurants(till, 6 * thrift)
    yield from twins(till)
    yield from fuel(till, 3)
    yield from shopping(till, 3 * thrift)
    yield from subscriptions(till)
    yield from travel(till)
    yield from late_fee(till)


def restaurants(till: Till, average: float) -> Iterator[Story]:
    """The tip is added after the card was authorised: the posted amount is higher than the pending one."""
    dice = till.dice("restaurants")
    for _ in range(dice.times(average)):
        amount, rate = dice.money(19, 72), Decimal(dice.pick(("0.15", "0.18", "0.20", "0.22")))
        day = dice.day(till.year, till.month)
        yield till.swipe(
            "restaurants", dice, dice.pick(merchants.RESTAURANTS), amount, day, cents(amount * rate)
        )


def twins(till: Till) -> Iterator[Story]:
    """Two real purchases of the same amount at the same place on one day: two coffees, paid one by one."""
    dice = till.dice("twins")
    merchant, amount, day = dice.pick(merchants.COFFEE), dice.money(4, 7), dice.day(till.year, till.month)
    for _ in range(2):
        yield till.swipe("twins", dice, merchant, amount, day)


def fuel(till: Till, average: float) -> Iterator[Story]:
    """The pump holds a round sum, the hold vanishes, and the real amount posts as an unrelated row."""
    dice = till.dice("fuel")
    for _ in range(dice.times(average)):
        merchant, day = dice.pick(merchants.FUEL), dice.day(till.year, till.month)
        hold = Decimal(dice.pick(("1.00", "100.00", "125.00")))
        yield Story(
            key=till.key("fuel-hold"),
            role=till.role,
            merchant=merchant,
            amount=hold,
            began=day,
            posts=None,
            pending=True,
            ends=day + timedelta(days=dice.whole(1, 2)),
        )
        yield Story(
            key=till.key("fuel"),
            role=till.role,
            merchant=merchant,
            amount=dice.money(28, 61),
            began=day,
            posts=posts_after(day, 2),
        )


def shopping(till: Till, average: float) -> Iterator[Story]:
    """Some of it is brought back: a refund is money in, in a spending category, days later in the same month."""
    dice = till.dice("shopping")
    for _ in range(dice.times(average)):
        merchant, amount = dice.pick(merchants.SHOPPING), dice.money(14, 128)
        day = dice.day(till.year, till.month)
        yield till.swipe("shopping", dice, merchant, amount, day)
        if day.day <= 15 and dice.chance(0.4):
            refund = amount if dice.chance(0.6) else cents(amount / 2)
            yield till.posted("refund", merchant, -refund, day + timedelta(days=dice.whole(6, 11)))


def subscriptions(till: Till) -> Iterator[Story]:
    dice = till.dice("subscriptions")
    for day, price, merchant in merchants.SUBSCRIPTIONS:
        yield till.swipe("subscription", dice, merchant, Decimal(price), till.day(day))


def travel(till: Till) -> Iterator[Story]:
    """A journey now and then, with the fee for paying abroad."""
    dice = till.dice("travel")
    if not dice.chance(0.12):
        return
    day = dice.day(till.year, till.month, 5, 18)
    yield till.swipe("flight", dice, merchants.AIRLINE, dice.money(180, 640), day)
    hotel = dice.money(240, 720)
    yield till.swipe("hotel", dice, merchants.HOTEL, hotel, day + timedelta(days=8))
    fee = transfer("FOREIGN TRANSACTION FEE", "BANK_FEES_FOREIGN_TRANSACTION_FEES")
    yield till.posted("foreign-fee", fee, cents(hotel * Decimal("0.03")), day + timedelta(days=9))


def late_fee(till: Till) -> Iterator[Story]:
    dice = till.dice("late")
    if dice.chance(0.07):
        yield till.posted(
            "late-fee", transfer("LATE FEE", "BANK_FEES_LATE_FEES"), Decimal("29.00"), till.day(20)
        )
        interest = transfer("INTEREST CHARGE ON PURCHASES", "BANK_FEES_INTEREST_CHARGE")
        yield till.posted("interest", interest, dice.money(4, 18), till.day(20))
