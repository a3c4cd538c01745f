"""`user_custom`: the account, balances and transactions that a JSON object asks for.

The object is the one Plaid documents for its Sandbox (configuration object of custom users); keys about products
that the simulator does not have are ignored. Where transactions are left out, a checking account, a savings account
and a credit card get a believable life that ends at `starting_balance`; Items with the same `seed` get the same one.
Beside the documented keys a transaction may have `simulator`, an object with `category` (a detailed personal finance
category, or null), `merchant_name`, `pending_amount`, and `vanishes`: true for a hold that is gone on its posting
date without ever posting.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from simulator.lives.dice import Dice
from simulator.lives.household import Household
from simulator.lives.model import LONGEST_STORY, Account, Life, Merchant, Story
from simulator.lives.sides import Joined, Tales

MOST_ACCOUNTS, MOST_BYTES = 10, 55_000
COINS = frozenset({"BTC", "ETH", "LTC", "DOGE", "USDC", "SOL"})
_TYPES = {"depository", "credit", "loan", "investment", "brokerage", "payroll", "other"}
_KEYWORDS = (
    ("payroll", "INCOME_SALARY"),
    ("salary", "INCOME_SALARY"),
    ("paycheck", "INCOME_SALARY"),
    ("direct dep", "INCOME_SALARY"),
    ("interest", "INCOME_INTEREST_EARNED"),
    ("tax ref", "INCOME_TAX_REFUND"),
    ("rent", "RENT_AND_UTILITIES_RENT"),
    ("card payment", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"),
    ("payment - thank", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"),
    ("payment thank", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"),
    ("student l", "LOAN_PAYMENTS_STUDENT_LOAN_PAYMENT"),
    ("mortgage", "LOAN_PAYMENTS_MORTGAGE_PAYMENT"),
    ("atm", "TRANSFER_OUT_WITHDRAWAL"),
    ("transfer", "TRANSFER_OUT_ACCOUNT_TRANSFER"),
    ("fee", "BANK_FEES_OTHER_BANK_FEES"),
    ("grocer", "FOOD_AND_DRINK_GROCERIES"),
    ("market", "FOOD_AND_DRINK_GROCERIES"),
    ("coffee", "FOOD_AND_DRINK_COFFEE"),
    ("starbucks", "FOOD_AND_DRINK_COFFEE"),
    ("restaurant", "FOOD_AND_DRINK_RESTAURANT"),
    ("uber", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES"),
    ("fuel", "TRANSPORTATION_GAS"),
    ("gas", "TRANSPORTATION_GAS"),
    ("air", "TRAVEL_FLIGHTS"),
    ("hotel", "TRAVEL_LODGING"),
    ("pharmacy", "MEDICAL_PHARMACIES_AND_SUPPLEMENTS"),
)


_UNGUESSED = "GENERAL_MERCHANDISE_OTHER_GENERAL_MERCHANDISE"


class ConfigurationError(ValueError):
    """The JSON object is not one that Plaid documents; the message says why."""


def parse(password: str) -> dict[str, Any]:
    """The configuration object in a password, its numbers exact. ConfigurationError when it is none."""
    if len(password.encode()) > MOST_BYTES:
        raise ConfigurationError(f"the configuration object is longer than {MOST_BYTES} bytes")
    try:
        config = json.loads(password, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ConfigurationError("the password of user_custom must be a JSON object") from None
    if not isinstance(config, dict):
        raise ConfigurationError("the password of user_custom must be a JSON object")
    accounts = config.get("override_accounts") or []
    if not isinstance(accounts, list) or len(accounts) > MOST_ACCOUNTS:
        raise ConfigurationError(f"override_accounts must be a list of at most {MOST_ACCOUNTS} accounts")
    for account in accounts:
        _check_account(account)
    return config


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check_account(account: Any) -> None:
    if not isinstance(account, dict) or account.get("type") not in _TYPES:
        raise ConfigurationError("every override account needs a type")
    for key in ("starting_balance", "force_available_balance"):
        _number(account.get(key), key)
    _number(_meta(account).get("limit"), "meta.limit")
    if isinstance(account.get("transactions"), list):
        for row in account["transactions"]:
            _check_transaction(row)
    elif account.get("transactions") is not None:
        raise ConfigurationError("transactions must be a list")


def _check_transaction(row: Any) -> None:
    needed = ("date_transacted", "date_posted", "amount", "description")
    if not isinstance(row, dict) or any(row.get(key) is None for key in needed):
        raise ConfigurationError(f"every transaction needs {', '.join(needed)}")
    try:
        for key in ("date_transacted", "date_posted"):
            _day(row[key])
    except (TypeError, ValueError):
        raise ConfigurationError("transaction dates must look like 2026-01-31") from None
    _number(row["amount"], "amount")


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _number(value: Any, key: str) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ConfigurationError(f"{key} must be a number")
    return Decimal(value)


def _meta(account: dict[str, Any]) -> dict[str, Any]:
    meta = account.get("meta")
    return meta if isinstance(meta, dict) else {}


def life(config: dict[str, Any], institution_id: str, seed: str) -> Life:
    """The accounts of a checked configuration object and what happens on them."""
    own = config.get("seed")
    story_seed = f"{seed}:custom:{own}" if own else f"{seed}:custom:{institution_id}:{_fingerprint(config)}"
    wanted = config.get("override_accounts") or _default_accounts(institution_id, _fingerprint(config))
    accounts, rows, taken = [], {}, set()
    for number, override in enumerate(wanted):
        account = _account(override, f"custom-{number}", taken)
        accounts.append(account)
        if isinstance(override.get("transactions"), list):
            rows[account.role] = override["transactions"]
    country = "CA" if accounts[0].currency == "CAD" else "US"
    household = Household(story_seed, country=country)
    tales = Tales(household, [account.role for account in accounts], story_seed)
    return Life(accounts, Joined(tales, Listed(rows)))


def _fingerprint(config: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()


def _default_accounts(*name: str) -> list[dict[str, Any]]:
    """An empty object asks for random accounts."""
    dice = Dice("custom", *name)
    return [
        {"type": "depository", "subtype": "checking", "starting_balance": dice.money(300, 6000)},
        {"type": "depository", "subtype": "savings", "starting_balance": dice.money(1000, 20000)},
        {"type": "credit", "subtype": "credit card", "starting_balance": dice.money(50, 2500)},
    ]


def _account(override: dict[str, Any], key: str, taken: set[str]) -> Account:
    meta, type_, subtype = _meta(override), override["type"], override.get("subtype")
    currency = override.get("currency") or "USD"
    forced = _number(override.get("force_available_balance"), "force_available_balance")
    limit = _number(meta.get("limit"), "meta.limit")
    if limit is None and type_ == "credit" and "limit" not in meta:
        limit = Decimal(5000)
    dice = Dice("custom", key, type_, subtype)
    balance = _number(override.get("starting_balance"), "starting_balance")
    return Account(
        key=key,
        name=meta.get("name") or f"Custom {str(subtype or type_).title()}",
        official_name=meta.get("official_name"),
        mask=str(meta["mask"]) if meta.get("mask") else dice.digits(4),
        type=type_,
        subtype=subtype,
        role=_role(override, key, taken),
        balance=dice.money(100, 9000) if balance is None else balance,
        available=forced
        if forced is not None
        else ("derived" if type_ in {"depository", "credit"} else None),
        limit=limit,
        currency=None if currency in COINS else currency,
        unofficial_currency=currency if currency in COINS else None,
    )


_MAIN_ROLES = {
    ("depository", "checking"): ("checking", "side-checking"),
    ("depository", "savings"): ("savings", "side-savings"),
    ("credit", "credit card"): ("card", "side-card"),
}


def _role(override: dict[str, Any], key: str, taken: set[str]) -> str:
    """The first account of a kind is the household's, further ones live smaller lives."""
    if override.get("transactions") is not None:
        return f"listed:{key}"
    main, side = _MAIN_ROLES.get((str(override["type"]), str(override.get("subtype"))), ("", ""))
    if main and main not in taken:
        taken.add(main)
        return main
    return f"{side}:{key}" if side else "quiet"


class Listed:
    """Tells the transactions that were listed, by role."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        self._stories = [
            _story(row, role, f"{role}:{number}") for role in rows for number, row in enumerate(rows[role])
        ]

    def month(self, year: int, month: int) -> Iterator[Story]:
        return (each for each in self._stories if (each.began.year, each.began.month) == (year, month))


def _story(row: dict[str, Any], role: str, key: str) -> Story:
    """A listed transaction: pending from its first date, posted on its second."""
    extra = row.get("simulator")
    more: dict[str, Any] = extra if isinstance(extra, dict) else {}
    posts = _day(row["date_posted"])
    began = max(_day(row["date_transacted"]), posts - LONGEST_STORY + timedelta(days=1))
    vanishes = bool(more.get("vanishes"))
    return Story(
        key=key,
        role=role,
        merchant=_merchant(str(row["description"]), more),
        amount=_number(row["amount"], "amount") or Decimal(0),
        pending_amount=_number(more.get("pending_amount"), "pending_amount"),
        began=min(began, posts),
        posts=None if vanishes else posts,
        ends=posts if vanishes else None,
        pending=began < posts,
        currency=row.get("currency"),
    )


def _merchant(description: str, more: dict[str, Any]) -> Merchant:
    """Guessed from the words of the description, where `simulator` does not say."""
    guess = next((category for word, category in _KEYWORDS if word in description.casefold()), None)
    category = more.get("category", guess or _UNGUESSED)
    bank_made = str(category).startswith(("TRANSFER_", "LOAN_", "INCOME_", "BANK_FEES_"))
    shown = more.get("merchant_name", None if bank_made or category is None else description.title())
    confidence = "HIGH" if guess or "category" in more else "LOW"
    return Merchant(
        descriptor=description,
        shown=shown,
        category=category,
        channel="other" if bank_made else "in store",
        counterparty="financial_institution" if bank_made else "merchant",
        confidence=confidence,
    )
