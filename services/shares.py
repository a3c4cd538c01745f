"""Which share of the positive holdings sits where: the ring of the dashboard and its table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from domain.balances import TotalLine


class Holder(Protocol):
    """An institution with its totals."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def totals(self) -> list[TotalLine]: ...

    @property
    def colors(self) -> tuple[str, str]:
        """Its colour as drawn on a light and on a dark card."""
        ...


@dataclass(frozen=True, slots=True)
class Share:
    """An institution's part of the positive holdings in one currency, 0..1; None at or below zero.
    `colors` are its colour on a light and on a dark card."""

    institution_id: int
    name: str
    colors: tuple[str, str]
    currency: str
    holdings: Decimal
    share: Decimal | None


def shares_of(institutions: Iterable[Holder], currencies: list[str]) -> list[Share]:
    """Per currency: shares of the positive holdings, largest first; institutions at or below zero beside them."""
    by_currency: dict[str, list[tuple[Holder, Decimal]]] = defaultdict(list)
    for view in institutions:
        for line in view.totals:
            by_currency[line.currency].append((view, line.holdings))
    shares: list[Share] = []
    for currency in currencies:
        entries = sorted(by_currency[currency], key=lambda entry: -entry[1])
        whole = sum((held for _, held in entries if held > 0), Decimal(0))
        shares += [
            Share(view.id, view.name, view.colors, currency, held, held / whole if held > 0 else None)
            for view, held in entries
        ]
    return shares
