"""What an account adds to a total. One rule for page, JSON, job and explanation (DESIGN.md 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

DEPOSITORY, CREDIT, LOAN, INVESTMENT, OTHER = "depository", "credit", "loan", "investment", "other"


class Holding(Protocol):
    """The part of an account that totals read: Plaid's type, balances, currency, and whether it is closed."""

    @property
    def type(self) -> str: ...
    @property
    def available(self) -> Decimal | None: ...
    @property
    def current(self) -> Decimal | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def closed(self) -> bool: ...


def kind_of(account_type: str) -> str:
    """Plaid's account type as one of five kinds; legacy 'brokerage' is investment, an unknown type is other."""
    if account_type == "brokerage":
        return INVESTMENT
    return account_type if account_type in (DEPOSITORY, CREDIT, LOAN, INVESTMENT) else OTHER


class Basis(StrEnum):
    """Which reported balance an account counts with, or why it counts with none."""

    AVAILABLE = "available"
    CURRENT = "current"
    OWED = "owed"
    OVERPAID = "overpaid"
    CLOSED = "closed"
    UNKNOWN = "unknown"


def reckon(account: Holding) -> tuple[Decimal | None, Basis]:
    """What an account adds to net worth, signed, and which balance that is; None with CLOSED or UNKNOWN.

    Plaid's sign: a credit or loan balance is what is owed, so it is subtracted (an overpaid card adds).
    """
    if account.closed:
        return None, Basis.CLOSED
    kind = kind_of(account.type)
    if kind == DEPOSITORY and account.available is not None:
        return account.available, Basis.AVAILABLE
    if account.current is None:
        return None, Basis.UNKNOWN
    if kind in (CREDIT, LOAN):
        return -account.current, Basis.OVERPAID if account.current < 0 else Basis.OWED
    return account.current, Basis.CURRENT


def contribution(account: Holding) -> Decimal | None:
    """The signed amount an account adds to net worth, in its own currency; None when it is unknown or closed."""
    return reckon(account)[0]


def in_holdings(account_type: str) -> bool:
    """Holdings are worth without loans: every kind but loan counts."""
    return kind_of(account_type) != LOAN


@dataclass(frozen=True, slots=True)
class TotalLine:
    """One currency's totals, both exact and signed: holdings (without loans) and net worth (with loans)."""

    currency: str
    holdings: Decimal
    net_worth: Decimal
    accounts: int = field(default=0, compare=False)
    """How many accounts with a known balance it is made of."""


def totals(accounts: Iterable[Holding]) -> list[TotalLine]:
    """One line per currency that has a known balance, most accounts first, then by code; never converted.

    Accounts without a currency are in no line; a currency with only loans has holdings 0 (DESIGN.md 5).
    """
    sums: dict[str, tuple[int, Decimal, Decimal]] = {}
    for account in accounts:
        amount = contribution(account)
        if amount is None or account.currency is None:
            continue
        count, holdings, net = sums.get(account.currency, (0, Decimal(0), Decimal(0)))
        held = amount if in_holdings(account.type) else Decimal(0)
        sums[account.currency] = (count + 1, holdings + held, net + amount)
    return _ordered(TotalLine(code, holdings, net, count) for code, (count, holdings, net) in sums.items())


def merged(lines: Iterable[TotalLine]) -> list[TotalLine]:
    """The totals of several institutions in one: what totals() of all their accounts would be."""
    together: dict[str, TotalLine] = {}
    for line in lines:
        known = together.get(line.currency)
        together[line.currency] = line if known is None else _plus(known, line)
    return _ordered(together.values())


def _plus(one: TotalLine, other: TotalLine) -> TotalLine:
    return TotalLine(
        one.currency,
        one.holdings + other.holdings,
        one.net_worth + other.net_worth,
        one.accounts + other.accounts,
    )


def _ordered(lines: Iterable[TotalLine]) -> list[TotalLine]:
    return sorted(lines, key=lambda line: (-line.accounts, line.currency))
