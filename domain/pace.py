"""Where a month is going: what was spent so far, carried on at the same rate to the month's last day.

A guess, so it is said as one: rounded, never in the first days, never from nothing.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from domain.money import currency_style, format_money
from domain.periods import month_of

FIRST_TELLING_DAY = 4
"""Before it, one rent or one quiet day says nothing about a month."""


def projected(spent: Decimal, day: int, days: int) -> Decimal:
    """What the whole month comes to at this rate: `spent` by its `day` (from 1) of `days`."""
    return spent / day * days


def pace_words(spent: Decimal, currency: str | None, today: date) -> str:
    """'Day 11 of 30; at this rate about $540 by month end'. Only the day where a guess would mislead."""
    day, days = today.day, month_of(today).days
    if day == days:
        return f"Day {day} of {days}, the last of the month"
    if spent <= 0:
        return f"Day {day} of {days}"
    if day < FIRST_TELLING_DAY:
        return f"Day {day} of {days}, too early to tell a pace"
    about = format_about(projected(spent, day, days), currency)
    return f"Day {day} of {days}; at this rate about {about} by month end"


def format_about(amount: Decimal, currency: str | None) -> str:
    """A positive amount as a guess: two significant digits, three from 1,000 on; no cents behind a whole number."""
    digits = 3 if amount >= 1000 else 2
    step = Decimal(1).scaleb(amount.adjusted() - digits + 1)
    rounded = amount.quantize(step, rounding=ROUND_HALF_EVEN) if step < 1 else _to_step(amount, step)
    text = format_money(rounded, currency)
    cents = "." + "0" * currency_style(currency).places
    return text.replace(cents, "", 1) if rounded == rounded.to_integral_value() else text


def _to_step(amount: Decimal, step: Decimal) -> Decimal:
    return (amount / step).to_integral_value(rounding=ROUND_HALF_EVEN) * step
