"""The simulator's own households at its own institutions, and Plaid's personas with a believable life.

Which accounts a login has depends on the login alone; what happened on them also on the simulator's seed.
"""

from __future__ import annotations

from decimal import Decimal

from simulator.lives.dice import Dice
from simulator.lives.household import Household
from simulator.lives.model import Account, Life
from simulator.lives.sides import Tales

PERSONAS = {
    "user_transactions_dynamic": "plain",
    "user_ewa_user": "ewa",
    "user_yuppie": "yuppie",
    "user_small_business": "business",
    "user_bank_income": "plain",
    "user_credit_bonus": "yuppie",
    "user_credit_joint_account": "plain",
    "user_credit_profile_poor": "ewa",
    "user_credit_profile_good": "plain",
    "user_credit_profile_excellent": "yuppie",
}
"""Plaid's documented test users with a realistic history, and how each of their households lives."""


def household_life(accounts: list[Account], seed: str, style: str = "plain", country: str = "US") -> Life:
    """These accounts with the household of this seed, and smaller lives where the roles ask for them."""
    return Life(accounts, Tales(Household(seed, style, country), [each.role for each in accounts], seed))


def persona(username: str, institution_id: str, seed: str) -> Life:
    """One checking account and one credit card."""
    style = PERSONAS[username]
    dice = Dice("persona", username, institution_id)
    business = style == "business"
    holder = "business" if business else "personal"
    kind = "Business " if business else ""
    accounts = [
        checking(
            "checking", f"{kind}Checking", dice.money(900, 5200), mask=dice.digits(4), holder_category=holder
        ),
        card(
            "card",
            f"{kind}Rewards Card",
            dice.money(400, 2100),
            "9000",
            mask=dice.digits(4),
            holder_category=holder,
        ),
    ]
    return household_life(accounts, f"{seed}:{username}", style)


def checking(key: str, name: str, balance: Decimal | str, role: str = "checking", **more: object) -> Account:
    """A checking account whose balances follow its life."""
    return _account(key, name, "depository", "checking", role, balance, available="derived", **more)


def savings(key: str, name: str, balance: Decimal | str, role: str = "savings", **more: object) -> Account:
    return _account(key, name, "depository", "savings", role, balance, available="derived", **more)


def card(
    key: str, name: str, balance: Decimal | str, limit: str, role: str = "card", **more: object
) -> Account:
    """A credit card: `balance` is what is owed."""
    return _account(
        key, name, "credit", "credit card", role, balance, available="derived", limit=Decimal(limit), **more
    )


def quiet(
    key: str, name: str, type_: str, subtype: str | None, balance: Decimal | str | None, **more: object
) -> Account:
    """An account without transactions."""
    return _account(key, name, type_, subtype, "quiet", balance, **more)


def _account(
    key: str,
    name: str,
    type_: str,
    subtype: str | None,
    role: str,
    balance: Decimal | str | None,
    **more: object,
) -> Account:
    fields: dict[str, object] = {
        "mask": Dice("mask", key, name).digits(4),
        "official_name": name,
        "balance": None if balance is None else Decimal(balance),
    }
    return Account(key=key, name=name, type=type_, subtype=subtype, role=role, **(fields | more))  # type: ignore[arg-type]
