"""What `user_good` finds at the simulator's own institutions: each is the place of one difficulty."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from simulator.lives.dice import Dice
from simulator.lives.model import Account, Life
from simulator.lives.personas import card, checking, household_life, quiet, savings


def family(seed: str) -> Life:
    """An ordinary bank: everything a household does in a bank, two years of it."""
    accounts = [
        checking("everyday", "Everyday Checking", "6120.44", official_name="Alder & Oak Everyday Checking"),
        savings("rainy", "Rainy Day Savings", "18440.10", official_name="Alder & Oak High Yield Savings"),
        card("rewards", "Rewards Card", "1284.90", "9500", official_name="Alder & Oak Cash Rewards Visa"),
        quiet("cd", "12-Month CD", "depository", "cd", "5000"),
    ]
    return household_life(accounts, f"{seed}:family")


def card_issuer(seed: str) -> Life:
    """Two cards: a used one, and one that was paid twice, so that the issuer owes."""
    accounts = [
        card("everyday", "Evergreen Everyday Card", "842.15", "6000", role="side-card:everyday"),
        quiet("travel", "Evergreen Travel Card", "credit", "credit card", "-45.10", limit=Decimal(12000)),
    ]
    return household_life(accounts, f"{seed}:cards")


def loans(seed: str) -> Life:
    accounts = [
        quiet(
            "a",
            "Direct Subsidized Loan",
            "loan",
            "student",
            "8412.77",
            official_name="Federal Direct Subsidized",
        ),
        quiet("b", "Direct Unsubsidized Loan", "loan", "student", "14903.02"),
        quiet("c", "Graduate PLUS Loan", "loan", "student", "21350.00"),
    ]
    return household_life(accounts, f"{seed}:loans")


def brokerage(seed: str) -> Life:
    accounts = [
        quiet(
            "brokerage",
            "Individual Brokerage",
            "investment",
            "brokerage",
            "48210.3371",
            available=Decimal("1204.18"),
        ),
        quiet("roth", "Roth IRA", "investment", "roth", "22987.55"),
        quiet("401k", "Employer 401(k)", "investment", "401k", "87341.9928"),
    ]
    return household_life(accounts, f"{seed}:brokerage")


def forty(seed: str) -> Life:
    """Forty accounts of every kind."""
    return household_life(_forty_accounts(), f"{seed}:forty")


_KINDS: tuple[tuple[int, Callable[[str, str, Dice], Account]], ...] = (
    (
        12,
        lambda key, name, dice: checking(
            key, f"{name} Checking", dice.money(40, 6000), role=f"side-checking:{key}"
        ),
    ),
    (
        8,
        lambda key, name, dice: savings(
            key, f"{name} Savings", dice.money(500, 30000), role=f"side-savings:{key}"
        ),
    ),
    (
        8,
        lambda key, name, dice: card(
            key, f"{name} Card", dice.money(0, 2400), "7500", role=f"side-card:{key}"
        ),
    ),
    (4, lambda key, name, dice: quiet(key, f"{name} CD", "depository", "cd", dice.money(1000, 20000))),
    (4, lambda key, name, dice: quiet(key, f"{name} Loan", "loan", "consumer", dice.money(900, 40000))),
    (
        4,
        lambda key, name, dice: quiet(
            key, f"{name} Portfolio", "investment", "brokerage", dice.money(2000, 90000)
        ),
    ),
)
_PURPOSES = (
    "Household", "Payroll", "Travel", "Tax Reserve", "Kids' College", "Garden Shop", "Studio", "Rental Unit A",
    "Rental Unit B", "Emergency", "Wedding", "Operating",
)  # fmt: skip


def _forty_accounts() -> list[Account]:
    dice = Dice("forty")
    return [
        make(f"{kind}-{number}", _PURPOSES[number], dice)
        for kind, (count, make) in enumerate(_KINDS)
        for number in range(count)
    ]


def canada(seed: str) -> Life:
    """A household that lives in Canadian dollars, with one account in US dollars beside it."""
    accounts = [
        checking("chequing", "Everyday Chequing", "3310.28", currency="CAD"),
        savings("tfsa", "High Interest Savings", "9120.00", currency="CAD"),
        card("card", "Aurora Mastercard", "655.70", "5000", currency="CAD"),
        checking("usd", "US Dollar Account", "412.66", role="side-checking:usd"),
        quiet("mortgage", "Fixed Mortgage", "loan", "mortgage", "241880.19", currency="CAD"),
    ]
    return household_life(accounts, f"{seed}:canada", country="CA")


def coins(seed: str) -> Life:
    """Accounts in unofficial currencies, to eight decimals, and one in dollars."""
    accounts = [
        quiet_coin("btc", "Bitcoin Wallet", "0.84210377", "BTC", role="coins:btc"),
        quiet_coin("eth", "Ether Wallet", "12.500031", "ETH", role="quiet"),
        quiet("cash", "US Dollar Cash", "depository", "cash management", "250.00", available=Decimal(250)),
    ]
    return household_life(accounts, f"{seed}:coins")


def quiet_coin(key: str, name: str, balance: str, currency: str, role: str) -> Account:
    """A wallet: its currency is one that ISO 4217 does not know."""
    return Account(
        key=key,
        name=name,
        type="depository",
        subtype="cash management",
        role=role,
        mask=None,
        balance=Decimal(balance),
        available="derived" if role != "quiet" else Decimal(balance),
        currency=None,
        unofficial_currency=currency,
    )


def unknowns(seed: str) -> Life:
    """Everything a bank may leave out, and amounts with more decimals than a currency has."""
    no_names: dict[str, object] = {"mask": None, "official_name": None}
    accounts = [
        checking("odd", "Global Checking", "2045.1234567", role="odd:global", **no_names),
        quiet("no-available", "Plain Checking", "depository", "checking", "1204.55", **no_names),
        quiet(
            "no-current", "Plain Savings", "depository", "savings", None, available=Decimal(350), mask="0042"
        ),
        quiet(
            "empty", "Empty Checking", "depository", "checking", "37.10", available=Decimal(0), mask="0043"
        ),
        quiet("nothing", "Silent Account", "depository", "money market", None, **no_names),
        quiet(
            "below", "Overdrawn Checking", "depository", "checking", "-120.33", available=Decimal("-120.33")
        ),
        quiet("no-limit", "Charge Card", "credit", "credit card", "310.20", official_name=None),
        quiet("no-owed", "Silent Card", "credit", "credit card", None, limit=Decimal(3000), **no_names),
        quiet("no-loan", "Silent Loan", "loan", "consumer", None, **no_names),
        quiet("no-subtype", "Other Assets", "other", None, "75.00", **no_names),
        quiet("no-currency", "Gift Balance", "other", "other", "20.00", currency=None, **no_names),
    ]
    return household_life(accounts, f"{seed}:unknowns")
