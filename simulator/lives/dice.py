"""Seeded chance, and the calendar of a bank. A stream of chance is named, so that adding one changes no other."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

_T = TypeVar("_T")
CENT = Decimal("0.01")


class Dice:
    """Chance for one stream: the same name always throws the same."""

    def __init__(self, *name: object) -> None:
        self._random = Random("|".join(map(str, name)))

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def whole(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def money(self, low: float, high: float) -> Decimal:
        """An amount of whole cents, evenly between the two."""
        return Decimal(self._random.randint(round(low * 100), round(high * 100))) * CENT

    def times(self, average: float) -> int:
        """How often something happens that happens `average` times a month."""
        whole = int(average)
        return whole + (1 if self.chance(average - whole) else 0)

    def pick(self, choices: Sequence[_T]) -> _T:
        return self._random.choice(choices)

    def digits(self, count: int) -> str:
        return "".join(str(self._random.randint(0, 9)) for _ in range(count))

    def day(self, year: int, month: int, first: int = 1, last: int = 31) -> date:
        """A day of the month, from `first` to `last` or the month's end."""
        return date(year, month, self._random.randint(first, min(last, days_in(year, month))))


def days_in(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def on_day(year: int, month: int, day: int) -> date:
    """That day of the month, or its last one."""
    return date(year, month, min(day, days_in(year, month)))


def month_before(year: int, month: int) -> tuple[int, int]:
    return (year, month - 1) if month > 1 else (year - 1, 12)


def business_day(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= 5 else day


def posts_after(day: date, days: int) -> date:
    """The business day on which something posts that takes `days` days."""
    return business_day(day + timedelta(days=days))


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT)
