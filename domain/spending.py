"""What counts as spending: one definition for the tracker, the texts and the explanation.

By Plaid's personal_finance_category (primary and detailed, versions 1 and 2). Amounts have Plaid's sign:
positive is money out of the account. A transaction is classified when its row is written; whether its
currency is the account's is asked when rows are summed, because a bank may name an account's currency late.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

RULES_VERSION = 1
"""Raise it with every change of the rules below: rows classified by an older version are classified again."""


class SpendingClass(StrEnum):
    """COUNTED adds to what was spent, REFUND takes off it, LEFT_OUT does neither."""

    COUNTED = "counted"
    REFUND = "refund"
    LEFT_OUT = "left_out"


class Reason(StrEnum):
    """Why a transaction is left out."""

    INCOME = "income"
    BORROWED = "borrowed"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    CARD_PAYMENT = "card_payment"
    UNCATEGORISED_IN = "uncategorised_in"
    """Money in that nobody says is a refund: a paycheck must not hide what was spent."""
    OTHER_CURRENCY = "other_currency"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a transaction does to a budget; `reason` only when it is left out."""

    spending_class: SpendingClass
    reason: Reason | None = None


_LEFT_OUT_PRIMARIES = {
    "INCOME": Reason.INCOME,
    "LOAN_DISBURSEMENTS": Reason.BORROWED,
    "TRANSFER_IN": Reason.TRANSFER_IN,
    "TRANSFER_OUT": Reason.TRANSFER_OUT,
}
_LEFT_OUT_DETAILS = {"LOAN_PAYMENTS_CREDIT_CARD_PAYMENT": Reason.CARD_PAYMENT}
_SPENDING_DETAILS = frozenset(
    {
        "TRANSFER_OUT_WITHDRAWAL",
        "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS",
        "TRANSFER_OUT_FROM_APPS",
    }
)
"""Transfers that leave the person's own accounts: cash from a machine, money sent with an app."""
_SPENDING_PRIMARIES = frozenset(
    {
        "BANK_FEES",
        "ENTERTAINMENT",
        "FOOD_AND_DRINK",
        "GENERAL_MERCHANDISE",
        "GENERAL_SERVICES",
        "GOVERNMENT_AND_NON_PROFIT",
        "HOME_IMPROVEMENT",
        "LOAN_PAYMENTS",
        "MEDICAL",
        "PERSONAL_CARE",
        "RENT_AND_UTILITIES",
        "TRANSPORTATION",
        "TRAVEL",
    }
)
"""Categories in which money in is a refund."""


def classify(amount: Decimal, primary: str | None, detailed: str | None) -> Verdict:
    """What this transaction does to a budget. An amount of 0 counts as money out: it changes nothing."""
    reason = _left_out_by_category(primary, detailed)
    if reason is not None:
        return Verdict(SpendingClass.LEFT_OUT, reason)
    if amount >= 0:
        return Verdict(SpendingClass.COUNTED)
    if primary in _SPENDING_PRIMARIES or detailed in _SPENDING_DETAILS:
        return Verdict(SpendingClass.REFUND)
    return Verdict(SpendingClass.LEFT_OUT, Reason.UNCATEGORISED_IN)


def _left_out_by_category(primary: str | None, detailed: str | None) -> Reason | None:
    if detailed in _SPENDING_DETAILS:
        return None
    return _LEFT_OUT_DETAILS.get(detailed or "") or _LEFT_OUT_PRIMARIES.get(primary or "")


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent in a month, in the account's currency. `raw` is counted minus refunds, negative when more
    came back than went out; `raw_pending` the part of it that the bank has not posted yet."""

    raw: Decimal = Decimal(0)
    raw_pending: Decimal = Decimal(0)

    @property
    def spent(self) -> Decimal:
        """Never below 0: a refund larger than the month's spending earns no budget."""
        return max(Decimal(0), self.raw)

    @property
    def pending(self) -> Decimal:
        """The part of `spent` that may still change: between 0 and spent."""
        return min(self.spent, max(Decimal(0), self.raw_pending))

    def left(self, threshold: Decimal) -> Decimal:
        """What is left of the budget; negative when it is overspent."""
        return threshold - self.spent


def is_eligible(kind: str, subtype: str | None) -> bool:
    """May an account have a budget tracker? Credit cards, and checking and PayPal accounts."""
    return kind == "credit" or subtype in ("checking", "paypal")
