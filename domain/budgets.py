"""The rules of a budget tracker: what a person may type, and when the next text is due. Days are local days."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

MAX_THRESHOLD = Decimal(10_000_000)
MIN_FREQUENCY, MAX_FREQUENCY = 1, 15
"""Whole days between texts."""
MAX_TYPED = 40
"""Characters; whatever is longer is no amount."""

_AMOUNT = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)?(?:\.[0-9]*)?", re.ASCII)


class TypedError(ValueError):
    """Why what was typed cannot be used, in one sentence for the person."""


def parse_threshold(text: str, symbol: str = "$") -> Decimal:
    """'$1,250.5' as 1250.5. TypedError unless it is more than 0, at most 10,000,000 and in whole cents.

    A dollar sign or the account's own `symbol` may lead; commas only where thousands have them, so that
    nothing is understood in two ways.
    """
    figure = _without_symbol(text.strip(), symbol)
    if figure.startswith(("-", "\N{MINUS SIGN}")):
        raise TypedError("Please enter an amount above 0.")
    if len(figure) > MAX_TYPED or not _AMOUNT.fullmatch(figure) or not re.search("[0-9]", figure):
        raise TypedError("Please enter an amount in digits, such as 400 or 1,250.50.")
    whole, _, cents = figure.replace(",", "").partition(".")
    if len(cents) > 2:
        raise TypedError("Please use at most two digits after the point.")
    threshold = Decimal(f"{whole or '0'}.{cents or '0'}")
    if threshold == 0:
        raise TypedError("Please enter an amount above 0.")
    if threshold > MAX_THRESHOLD:
        raise TypedError(f"Please enter at most {MAX_THRESHOLD:,}.")
    return threshold


def _without_symbol(text: str, symbol: str) -> str:
    for lead in (symbol, "$"):
        if lead and text.startswith(lead):
            return text.removeprefix(lead).lstrip()
    return text


def parse_frequency(text: str) -> int:
    """'3' as 3. TypedError unless it is a whole number of days from 1 to 15, in plain digits."""
    figure = text.strip()
    if not re.fullmatch(r"[0-9]{1,3}", figure) or not MIN_FREQUENCY <= int(figure) <= MAX_FREQUENCY:
        raise TypedError(f"Please enter a whole number of days from {MIN_FREQUENCY} to {MAX_FREQUENCY}.")
    return int(figure)


def first_text(today: date, frequency: int) -> date:
    """When the first text of a tracker that is created today is due."""
    return today + timedelta(days=frequency)


def text_after_edit(today: date, counted_from: date, frequency: int) -> date:
    """When the next text is due after the frequency was edited today: counted from the last text (or from the
    creation), never today."""
    return max(today + timedelta(days=1), counted_from + timedelta(days=frequency))
