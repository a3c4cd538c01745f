"""Why a transaction counts or not, and what it was for, in words."""

from __future__ import annotations

from domain.spending import Reason, SpendingClass

COUNTED = {
    SpendingClass.COUNTED: "Counted",
    SpendingClass.REFUND: "Refund: takes off what was spent",
}
LEFT_OUT = {
    Reason.INCOME: "Income: it is not spending",
    Reason.BORROWED: "Borrowed money: it is not spending",
    Reason.TRANSFER_IN: "Transfer in: money moved, not spent",
    Reason.TRANSFER_OUT: "Transfer out: money moved, not spent",
    Reason.CARD_PAYMENT: "Card payment: the purchases count on the card",
    Reason.UNCATEGORISED_IN: "Money in that is not known to be a refund",
    Reason.OTHER_CURRENCY: "In another currency than the account's",
}


def verdict_words(spending_class: str, reason: str | None) -> str:
    """The sentence beside a transaction. A row that was not classified yet says so."""
    if spending_class in COUNTED:
        return COUNTED[SpendingClass(spending_class)]
    known = {each.value: words for each, words in LEFT_OUT.items()}
    return f"Left out. {known.get(reason or '', 'Not looked at yet')}"


def category_words(primary: str | None, detailed: str | None) -> str:
    """'Groceries' for FOOD_AND_DRINK and FOOD_AND_DRINK_GROCERIES; 'Uncategorised' without any."""
    text = (detailed or primary or "").removeprefix(f"{primary}_")
    return text.replace("_", " ").capitalize() if text else "Uncategorised"
