"""Exact money: decimals on the way in, integers of 1/10000 at rest, words on the way out.

Currencies are never mixed here: every function takes one amount and the code it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from functools import lru_cache

from babel.core import UnknownLocaleError
from babel.numbers import get_currency_precision, get_currency_symbol, list_currencies

SCALE = 10_000
"""Stored units per major unit: a 64-bit integer holds 1/10000 (SUM stays exact on SQLite too)."""

LIMIT = Decimal(10) ** 13
"""Amounts at or beyond this are a bank's mistake, not a fortune: they become unknown (DESIGN.md 5)."""

QUANTUM = Decimal(1) / SCALE
MINUS = "\N{MINUS SIGN}"


def to_amount(value: object) -> Decimal | None:
    """A vendor's JSON number as a Decimal of at most four places, half-even; anything else is None.

    NaN, infinities, booleans, text and |x| >= 10^13 are unknown, never an error (DESIGN.md 5).
    """
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    try:
        amount = Decimal(value)
        if not amount.is_finite() or abs(amount) >= LIMIT:
            return None
        rounded = amount.quantize(QUANTUM, rounding=ROUND_HALF_EVEN)
    except DecimalException:  # an exponent beyond the context's range overflows before it can be compared
        return None
    return rounded if abs(rounded) < LIMIT else None


def to_units(amount: Decimal) -> int:
    """A Decimal as whole 1/10000 units, rounded half-even."""
    return int((amount * SCALE).to_integral_value(rounding=ROUND_HALF_EVEN))


def from_units(units: int) -> Decimal:
    """Whole 1/10000 units as an exact Decimal."""
    return Decimal(units).scaleb(-4)


def plain(amount: Decimal | None) -> str | None:
    """An exact decimal string for JSON, at least two places and no exponent; None stays None."""
    if amount is None:
        return None
    text = f"{amount:.4f}"
    whole, _, places = text.partition(".")
    text = f"{whole}.{places[:2]}{places[2:].rstrip('0')}"
    return text.lstrip("-") if not text.strip("-0.") else text


@dataclass(frozen=True, slots=True)
class CurrencyStyle:
    """How one currency is written: text before and after the figure, and its places."""

    prefix: str
    suffix: str
    places: int


@lru_cache(maxsize=512)
def currency_style(currency: str | None) -> CurrencyStyle:
    """Symbol and places of an ISO code by CLDR; an unofficial code is written behind, up to four places."""
    if currency is None:
        return CurrencyStyle("", "", 2)
    if currency not in _iso_codes():
        return CurrencyStyle("", f" {currency}", 4)
    symbol = get_currency_symbol(currency, locale="en_US")
    places = get_currency_precision(currency)
    gap = "\N{NO-BREAK SPACE}" if symbol == currency else ""
    return CurrencyStyle(symbol + gap, "", places)


@lru_cache(maxsize=1)
def _iso_codes() -> frozenset[str]:
    try:
        return frozenset(list_currencies(locale="en"))
    except UnknownLocaleError:  # pragma: no cover - CLDR ships with the library
        return frozenset()


def format_money(amount: Decimal | None, currency: str | None) -> str:
    """What a person reads: '$1,184.22', a real minus sign before the symbol, 'unknown' for None."""
    if amount is None:
        return "unknown"
    style = currency_style(currency)
    figure = _figure(abs(amount), style)
    sign = MINUS if amount < 0 and not _reads_as_zero(figure) else ""
    return f"{sign}{style.prefix}{figure}{style.suffix}"


def format_exactly(amount: Decimal | None, currency: str | None) -> str:
    """Like format_money, with every place there is (up to four): what an explanation adds up with."""
    if amount is None:
        return "unknown"
    style = currency_style(currency)
    places = max(style.places, -int(amount.normalize().as_tuple().exponent))
    sign = MINUS if amount < 0 else ""
    return f"{sign}{style.prefix}{abs(amount):,.{places}f}{style.suffix}"


def _reads_as_zero(figure: str) -> bool:
    """Is nothing left of the amount after rounding to the places that are shown?"""
    return not figure.strip("0.,")


def _figure(magnitude: Decimal, style: CurrencyStyle) -> str:
    if style.places != 4:
        return f"{magnitude:,.{style.places}f}"
    figure = f"{magnitude:,.4f}".rstrip("0")
    whole, _, places = figure.partition(".")
    return f"{whole}.{places:0<2}"


@dataclass(frozen=True, slots=True)
class MoneyParts:
    """A figure cut for the hero: sign, whole with symbol, cents with point, and how it is said and toned."""

    sign: str
    whole: str
    cents: str
    spoken: str
    tone: str


def money_parts(amount: Decimal, currency: str | None) -> MoneyParts:
    """Parts of a total; a positive one carries a plus sign so that colour is never the only sign."""
    text = format_money(abs(amount), currency)
    whole, point, rest = text.partition(".")
    tone = tone_of(Decimal(0) if _reads_as_zero(_figure(abs(amount), currency_style(currency))) else amount)
    sign, spoken = {"neg": (MINUS, "minus "), "pos": ("+", "plus ")}.get(tone, ("", ""))
    return MoneyParts(sign, whole, point + rest, spoken, tone)


def tone_of(amount: Decimal | None) -> str:
    """'pos', 'neg', 'zero', or 'unknown' for None."""
    if amount is None:
        return "unknown"
    return "pos" if amount > 0 else "neg" if amount < 0 else "zero"
