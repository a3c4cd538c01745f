"""The worst states of a dashboard, as rows: what a bank, a life or an attacker may make of it.

`SCENES` names them; each builds its institutions for a person who has just signed up. Rows are written directly,
so that nothing needs three days of a bank being down.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app import create_app
from config import Settings
from database import utcnow
from extensions import db
from models import User
from tests.support.factories import make_account, make_institution, make_tracker, make_transaction
from tests.support.server import AppServer

Build = Callable[[User], None]

SPACED = "The First Amalgamated Savings and Loan Association of the Greater Metropolitan Area, " * 3
NAME_OF_200 = SPACED[:200]
WORD_OF_200 = "Donaudampfschifffahrtsgesellschaftskapitaenskajuetenverwaltungs" * 4
COLORS = (
    "#003087",
    "#c00000",
    "#111111",
    "#f5f5f5",
    "#ffd400",
    "#0b6b5b",
    "#5b2d90",
    "#00205b",
    "#231f20",
    "#7fd1ae",
)


def build(server: AppServer, username: str, scene: Build) -> None:
    """Writes the scene's rows into the database of a running server, for this person."""
    app = create_app(Settings.from_env(server.environ))
    with app.app_context():
        scene(db.session.query(User).filter_by(username=username).one())
        db.session.remove()
        db.engine.dispose()


def account(institution: Any, name: str, kind: str = "depository/checking", **changes: Any) -> None:
    """An account; balances as text."""
    account_type, _, subtype = kind.partition("/")
    for key in ("available", "current", "limit"):
        if isinstance(changes.get(key), str):
            changes[key] = Decimal(changes[key])
    make_account(institution, name=name, type=account_type, subtype=subtype or None, **changes)


def household(user: User, name: str, **changes: Any) -> None:
    """A bank with a checking account, a card, a pension and a loan."""
    bank = make_institution(user, name=name, **changes)
    account(
        bank,
        "Everyday Checking",
        available="1843.20",
        current="1901.75",
        official_name="Gold Standard 0% Checking",
    )
    account(bank, "Travel Card", "credit/credit card", available="3588.10", current="1411.90", limit="5000")
    account(bank, "Retirement", "investment/401k", available=None, current="48210.44")
    account(bank, "Old Retirement", "investment/ira", available=None, current="9210.00")
    account(bank, "Study", "loan/student", available=None, current="22310.08")


def all_banks_down(user: User) -> None:
    for days, name in enumerate(
        ("First Platypus Bank", "Houndstooth Bank", "Tattersall Federal Credit Union"), 1
    ):
        then = utcnow() - timedelta(days=days * 2, hours=5)
        trouble = {
            "state": "error",
            "error_code": "INSTITUTION_DOWN",
            "refreshed_at": then,
            "balances_as_of": then,
        }
        household(user, name, primary_color=COLORS[days], **trouble)


def needs_a_person(user: User) -> None:
    then = utcnow() - timedelta(days=1)
    old = {"refreshed_at": then, "balances_as_of": then}
    household(user, "Asks to sign in", state="needs_login", error_code="ITEM_LOGIN_REQUIRED", **old)
    household(user, "Locked the login", state="needs_login", error_code="ITEM_LOCKED", **old)
    household(user, "Consent runs out", state="expiring", error_code="PENDING_EXPIRATION", **old)
    household(user, "Access withdrawn", state="revoked", error_code="USER_PERMISSION_REVOKED", **old)
    household(user, "No longer offered", state="error", error_code="INSTITUTION_NO_LONGER_SUPPORTED", **old)


def forty_accounts(user: User) -> None:
    bank = make_institution(user, name="Forty Accounts Bank", primary_color="#003087")
    kinds = (
        "depository/checking",
        "depository/money market",
        "credit/credit card",
        "investment/roth 401k",
        "loan/auto",
    )
    for number in range(40):
        kind = kinds[number % 5]
        changes = {"limit": "5000"} if kind.startswith("credit") else {}
        account(
            bank,
            f"Account number {number + 1}",
            kind,
            current=f"{(number + 1) * 137}.45",
            mask=f"{number:04d}",
            **changes,
        )


def ten_institutions(user: User) -> None:
    for number, color in enumerate(COLORS, 1):
        name = f"{'The ' * (number % 3)}Institution of {'Brotherly ' * (number % 4)}Savings No. {number}"
        bank = make_institution(user, name=name, primary_color=color)
        account(bank, "Checking", available=f"{number * 731}.10", current="1")
        if number in (3, 8):
            account(bank, "Card", "credit/credit card", current="90000", available="0", limit="90000")


def many_currencies(user: User) -> None:
    bank = make_institution(user, name="Bank of Four Corners", primary_color="#5b2d90")
    for currency, amount in (("USD", "12040.50"), ("EUR", "3300.00"), ("JPY", "1250000"), ("CAD", "77.10")):
        account(bank, f"{currency} account", available=amount, current=amount, currency=currency)
    account(bank, "Mortgage in euros", "loan/mortgage", available=None, current="210000", currency="EUR")
    account(bank, "No currency said", available="5", current="5", currency=None)
    coins = make_institution(user, name="Coin Vault", primary_color="#f7931a")
    account(coins, "Coins", "investment/crypto exchange", available=None, current="0.1842", currency="BTC")
    account(
        coins,
        "Odd coins",
        "investment/crypto exchange",
        available=None,
        current="1200345.5",
        currency="WHATCOIN-2000",
    )


def long_names(user: User) -> None:
    for name in (NAME_OF_200, WORD_OF_200[:200]):
        bank = make_institution(user, name=name)
        for kind in ("depository/checking", "credit/credit card", "loan/mortgage"):
            account(bank, name, kind, official_name=name, current="1843.20", limit="5000")


def strange_balances(user: User) -> None:
    bank = make_institution(user, name="Bank of Strange Balances")
    nothing = {"available": None, "current": None, "limit": None}
    account(bank, "Knows nothing", **nothing)
    account(bank, "Card that knows nothing", "credit/credit card", **nothing)
    account(bank, "Loan that knows nothing", "loan/mortgage", **nothing)
    account(bank, "Overpaid card", "credit/credit card", available="5120.00", current="-120.00", limit="5000")
    account(bank, "Overdrawn", available="-84.10", current="-84.10")
    account(bank, "Exactly zero", available="0", current="0")
    account(bank, "Less than a cent", available="0.0004", current="0.0004")
    account(bank, "Closed", available="500", current="500", closed_at=utcnow())
    account(bank, "Of no known kind", "tulip bulbs", current="12.50", available=None)
    unknown = make_institution(user, name="Bank that says nothing")
    account(unknown, "Savings", "depository/savings", **nothing)


def great_sums(user: User) -> None:
    bank = make_institution(user, name="Great Sums Private Bank", primary_color="#111111")
    account(bank, "Checking of the house", available="1234567.89", current="1234567.89")
    account(
        bank,
        "Premier Rewards Reserve Card of the house",
        "credit/credit card",
        available="8765432.10",
        current="1234567.90",
        limit="10000000",
    )
    account(
        bank,
        "Managed portfolio with a rather long name",
        "investment/brokerage",
        available=None,
        current="987654321.01",
    )
    account(
        bank, "Mortgage on the house by the lake", "loan/mortgage", available=None, current="123456789.99"
    )
    other = make_institution(user, name="Second Bank of Great and Growing Sums", primary_color="#ffd400")
    account(other, "Savings", "depository/savings", available="7654321.00", current="7654321.00")


def below_zero(user: User) -> None:
    bank = make_institution(user, name="Bank of Debts")
    account(bank, "Overdrawn", available="-310.00", current="-310.00")
    account(bank, "Card", "credit/credit card", available="12.00", current="4988.00", limit="5000")
    account(bank, "Mortgage", "loan/mortgage", available=None, current="310450.00")
    account(bank, "Home equity", "loan/home equity", available=None, current="41450.00")


def nothing_linked(_user: User) -> None:
    """The empty dashboard."""


def being_read(user: User) -> None:
    """Linked a moment ago, each at another stage; a lease keeps workers away."""
    soon = {
        "lease_until": utcnow() + timedelta(minutes=5),
        "lease_id": "scene",
        "refreshed_at": None,
        "balances_as_of": None,
    }
    make_institution(user, name="Just connected", state="new", stage="connecting", **soon)
    reading = make_institution(user, name="Reading transactions", state="new", stage="transactions", **soon)
    account(reading, "Checking", available="10.00")
    again = make_institution(
        user, name="Refreshing again", lease_until=utcnow() + timedelta(minutes=5), lease_id="scene"
    )
    account(again, "Checking", available="20.00")


SCENES: dict[str, Build] = {
    "all-banks-down": all_banks_down,
    "needs-a-person": needs_a_person,
    "forty-accounts": forty_accounts,
    "ten-institutions": ten_institutions,
    "many-currencies": many_currencies,
    "long-names": long_names,
    "strange-balances": strange_balances,
    "great-sums": great_sums,
    "below-zero": below_zero,
    "nothing-linked": nothing_linked,
    "being-read": being_read,
}

HOSTILE = {
    "script": "<script>window.hacked = 1</script>",
    "image": "<img src=x onerror=window.hacked=1>",
    "quotes": "\"' onmouseover=window.hacked=1 x='\\",
    "title": "</title><script>window.hacked = 1</script>",
    "braces": "{{7*7}} {% raw %} ${7*7}",
    "breaks": "line\nbreak\u2028and\u2029more\ttabs\\n",
    "emoji": "👩\u200d👩\u200d👧 🏳️\u200d🌈 🏦",
    "hebrew": "בנק הפועלים (סניף 12)",
    "override": "evil \u202egnp.exe\u202c",
    "unclosed override": "evil \u202e\u2066never closed",
    "long": "x" * 10_000,
    "long words": "very long " * 1_000,
    "blank": " ",
}
"""Names that a bank, or somebody who feigns one, might give. NUL and lone surrogates no database takes (Postgres)."""


def hostile_names(user: User) -> None:
    for name in HOSTILE.values():
        bank = make_institution(user, name=name[:255], primary_color='"><b>'[:7])
        for kind in ("depository/checking", "credit/credit card", "loan/student"):
            account(bank, name, kind, official_name=name, mask=name[:16], limit="100")
        account(bank, name, f"{name[:32]}/{name[:64]}", currency=name[:16].strip() or None)
        account(bank, name, available=None, current=None)
    spender = make_account(make_institution(user, name=HOSTILE["hebrew"]), name=HOSTILE["override"])
    for name in HOSTILE.values():
        today = utcnow().date()
        make_transaction(spender, "12.34", name=name, merchant_name=name, date=today)
    make_tracker(spender)
