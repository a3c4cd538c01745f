"""Smaller lives, for second accounts: a side checking or card, savings with interest only, coins, odd decimals.

A role is `<kind>:<anything>`; the part after the colon only tells one account from another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from simulator.lives import merchants
from simulator.lives.bills import savings_interest
from simulator.lives.dice import Dice, month_before
from simulator.lives.household import Household
from simulator.lives.merchants import transfer
from simulator.lives.model import ZERO, Source, Story
from simulator.lives.purchases import Till, fuel, restaurants, shopping, subscriptions, twins

_SATOSHI = Decimal("0.00000001")


class Tales:
    """A household together with smaller lives on further accounts."""

    def __init__(self, household: Household, roles: Iterable[str], seed: str) -> None:
        self._household = household
        self._sides = [role for role in roles if role.partition(":")[0] in _KINDS]
        self._seed = seed

    def month(self, year: int, month: int) -> Iterator[Story]:
        yield from self._household.month(year, month)
        for role in self._sides:
            yield from _KINDS[role.partition(":")[0]](self._seed, role, year, month)


class Joined:
    """Several sources as one."""

    def __init__(self, *sources: Source) -> None:
        self._sources = sources

    def month(self, year: int, month: int) -> Iterator[Story]:
        for source in self._sources:
            yield from source.month(year, month)


def _side_checking(seed: str, role: str, year: int, month: int) -> Iterator[Story]:
    """Fed by a standing transfer, spent on this and that."""
    till = Till(role, seed, year, month)
    fed = Dice(seed, role, "standing").money(300, 700).quantize(Decimal(1))
    yield till.posted(
        "fed", transfer("TRANSFER FROM LINKED ACCOUNT", "TRANSFER_IN_ACCOUNT_TRANSFER"), -fed, till.day(2)
    )
    yield from till.shops("groceries", 3, merchants.GROCERIES, 20, 95)
    yield from till.shops("coffee", 3, merchants.COFFEE, 3.85, 7.4)
    yield from till.shops("occasional", 1.5, merchants.OCCASIONAL, 12, 80)
    yield from restaurants(till, 1.5)
    yield from fuel(till, 1)


def _side_card(seed: str, role: str, year: int, month: int) -> Iterator[Story]:
    """A second card: its payment comes from an account that is not seen."""
    yield from _side_charges(seed, role, year, month)
    due = sum(
        (story.amount for story in _side_charges(seed, role, *month_before(year, month)) if story.posts), ZERO
    )
    if due > 0:
        till = Till(role, seed, year, month)
        paid = transfer("AUTOPAY PAYMENT - THANK YOU", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT")
        yield till.posted("payment", paid, -due, till.day(19))


def _side_charges(seed: str, role: str, year: int, month: int) -> Iterator[Story]:
    till = Till(role, seed, year, month)
    yield from till.shops("rides", 1.5, merchants.RIDES, 9.5, 31)
    yield from restaurants(till, 2)
    yield from shopping(till, 2)
    yield from twins(till)
    yield from subscriptions(till)


def _side_savings(seed: str, role: str, year: int, month: int) -> Iterator[Story]:
    return savings_interest(seed, year, month, role)


def _odd(seed: str, role: str, year: int, month: int) -> Iterator[Story]:
    """Purchases abroad whose converted amounts keep up to seven decimals, as some banks report them."""
    till = Till(role, seed, year, month)
    dice = till.dice("abroad")
    for story in till.shops("abroad", 6, merchants.SHOPPING, 5, 90):
        rate = Decimal(dice.whole(1_050_001, 1_199_999)) / 1_000_000
        yield replace(story, amount=(story.amount * rate).quantize(Decimal("0.0000001")))


def _coins(seed: str, role: str, year: int, month: int) -> Iterator[Story]:
    """Coins bought, sold and paid with, to eight decimals."""
    till = Till(role, seed, year, month)
    dice = till.dice("coins")
    for _ in range(dice.times(3.5)):
        day = dice.day(year, month, 1, 27)
        amount = Decimal(dice.whole(20_000, 900_000)) * _SATOSHI
        bought = dice.chance(0.6)
        row = transfer("COIN PURCHASE" if bought else "COIN SALE", None)
        category = "TRANSFER_IN_INVESTMENT_AND_RETIREMENT_FUNDS" if bought else "TRANSFER_OUT_CRYPTO"
        story = till.posted("coins", replace(row, category=category), -amount if bought else amount, day)
        yield replace(story, posts=day + timedelta(days=1), pending=True)


_KINDS: dict[str, Callable[[str, str, int, int], Iterator[Story]]] = {
    "side-checking": _side_checking,
    "side-card": _side_card,
    "side-savings": _side_savings,
    "odd": _odd,
    "coins": _coins,
}
