"""How a total is made up: every account, its sign, and what is left out and why. It adds up exactly.

The amounts are those of domain/balances.py, so an explanation cannot differ from the total it explains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar

from domain.balances import Basis, Holding, TotalLine, in_holdings, reckon, totals

A = TypeVar("A", bound=Holding)

COUNTED = {
    Basis.AVAILABLE: "Adds what is available.",
    Basis.CURRENT: "Adds its current balance.",
    Basis.OWED: "Subtracts what is owed.",
    Basis.OVERPAID: "Adds what the bank owes you: more was paid than was owed.",
}
LEFT_OUT = {
    Basis.CLOSED: "Closed: the bank no longer reports it, so its last balance is not counted.",
    Basis.UNKNOWN: "The bank reports no balance, and unknown is not zero.",
}
NO_CURRENCY = "The bank reports no currency, so it can be added to none."
LOAN_NOT_HELD = "A loan: it counts only with loans."


@dataclass(frozen=True, slots=True)
class Counted(Generic[A]):
    """An account in a total: the signed amount, and what of it counts without loans (None: a loan)."""

    account: A
    amount: Decimal
    held: Decimal | None
    why: str


@dataclass(frozen=True, slots=True)
class LeftOut(Generic[A]):
    """An account in no total, and the reason."""

    account: A
    why: str


@dataclass(slots=True)
class Explanation(Generic[A]):
    """Per currency its total and the accounts that make it up, in the totals' order; and what is left out."""

    parts: list[tuple[TotalLine, list[Counted[A]]]] = field(default_factory=list)
    left_out: list[LeftOut[A]] = field(default_factory=list)


def explain(accounts: Iterable[A]) -> Explanation[A]:
    """The explanation of these accounts' totals."""
    listed = list(accounts)
    explanation: Explanation[A] = Explanation()
    by_currency: dict[str, list[Counted[A]]] = {}
    for account in listed:
        amount, basis = reckon(account)
        if amount is None:
            explanation.left_out.append(LeftOut(account, LEFT_OUT[basis]))
        elif account.currency is None:
            explanation.left_out.append(LeftOut(account, NO_CURRENCY))
        else:
            held = amount if in_holdings(account.type) else None
            row = Counted(account, amount, held, COUNTED[basis])
            by_currency.setdefault(account.currency, []).append(row)
    explanation.parts = [(line, by_currency[line.currency]) for line in totals(listed)]
    return explanation
