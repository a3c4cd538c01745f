"""What a bank knows and what happens there: the oracle's records. Amounts are Decimal, with Plaid's signs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

KINDS = (
    ("depository", "checking"),
    ("depository", "savings"),
    ("credit", "credit card"),
    ("loan", "student"),
    ("investment", "ira"),
    ("brokerage", None),
    ("other", None),
    ("unheard of", "new"),
)
CURRENCIES = (("USD", None), ("USD", None), ("EUR", None), ("CAD", None), (None, "BTC"), (None, None))
WITHOUT_TRANSACTIONS = ("investment", "brokerage")
"""/transactions/sync neither tells nor names them."""

Amount = Decimal | None


@dataclass(frozen=True)
class Balances:
    """What the bank says now; None is null."""

    available: Amount = None
    current: Amount = None
    limit: Amount = None


@dataclass
class Account:
    """`real` is what the bank knows now, `cached` what Plaid fetched last. `reported`: in the list of accounts."""

    id: str
    type: str
    subtype: str | None
    iso: str | None
    coin: str | None
    real: Balances
    cached: Balances
    reported: bool = True


@dataclass(frozen=True)
class Row:
    """One transaction; `replaces` is its pending_transaction_id."""

    id: str
    account: str
    amount: Decimal
    date: date
    currency: tuple[str | None, str | None]
    pending: bool = False
    replaces: str | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the log: the row as it is from now on, or None when it is gone. `told` False: Plaid says so
    only through the posted row that names it."""

    id: str
    row: Row | None
    told: bool = True


@dataclass(frozen=True)
class Event:
    """Something that happens at the bank: its name, which account or row it meets, amounts, a variant."""

    name: str
    pick: int
    amount: Decimal
    other: Decimal
    variant: int
