"""The accounts and transactions that Plaid documents for `user_good` in its Sandbox.

Balances never move and do not follow from the transactions: that is what the real ones are like. Sixteen
transactions come around every thirty days.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from simulator.lives.dice import days_in
from simulator.lives.merchants import transfer
from simulator.lives.model import Account, Life, Merchant, Story

# name, type, subtype, mask, available, current, limit, official name
_ACCOUNTS = (
    (
        "Plaid Checking",
        "depository",
        "checking",
        "0000",
        "100",
        "110",
        None,
        "Plaid Gold Standard 0% Interest Checking",
    ),
    (
        "Plaid Saving",
        "depository",
        "savings",
        "1111",
        "200",
        "210",
        None,
        "Plaid Silver Standard 0.1% Interest Saving",
    ),
    ("Plaid CD", "depository", "cd", "2222", None, "1000", None, "Plaid Bronze Standard 0.2% Interest CD"),
    (
        "Plaid Credit Card",
        "credit",
        "credit card",
        "3333",
        None,
        "410",
        "2000",
        "Plaid Diamond 12.5% APR Interest Credit Card",
    ),
    (
        "Plaid Money Market",
        "depository",
        "money market",
        "4444",
        "43200",
        "43200",
        None,
        "Plaid Platinum Standard 1.85% Interest Money Market",
    ),
    ("Plaid IRA", "investment", "ira", "5555", None, "320.76", None, None),
    ("Plaid 401k", "investment", "401k", "6666", None, "23631.9805", None, None),
    ("Plaid Student Loan", "loan", "student", "7777", None, "65262", None, None),
    ("Plaid Mortgage", "loan", "mortgage", "8888", None, "56302.06", None, None),
    ("Plaid HSA", "depository", "hsa", "9001", "6009", "6009", None, "Plaid Cares Health Savings Account"),
    (
        "Plaid Cash Management",
        "depository",
        "cash management",
        "9002",
        "12060",
        "12060",
        None,
        "Plaid Growth Cash Management",
    ),
    ("Plaid Auto Loan", "loan", "auto", "9003", None, "23211.33", None, None),
    ("Plaid Home Equity Line of Credit", "loan", "home equity", "9004", None, "13500.5", None, None),
    (
        "Plaid Business Credit Card",
        "credit",
        "credit card",
        "9999",
        "4980",
        "5020",
        "10000",
        "Plaid Platinum Small Business Credit Card",
    ),
)
_BUSINESS = "9999"


def _merchant(
    descriptor: str, shown: str | None, category: str, store: str | None = None, sure: str = "VERY_HIGH"
) -> Merchant:
    return Merchant(
        descriptor=descriptor, shown=shown, category=category, store_number=store, confidence=sure
    )


_RIDE, _CARD = "TRANSPORTATION_TAXIS_AND_RIDE_SHARES", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"
# day of the thirty, mask of the account, amount, merchant
_CYCLE = (
    (2, "0000", "4.33", _merchant("Starbucks", "Starbucks", "FOOD_AND_DRINK_COFFEE")),
    (3, "0000", "89.40", _merchant("SparkFun", "FUN", "GENERAL_MERCHANDISE_ELECTRONICS", sure="LOW")),
    (4, "0000", "12.00", _merchant("McDonald's", "McDonald's", "FOOD_AND_DRINK_FAST_FOOD", store="3322")),
    (5, "3333", "500.00", _merchant("KFC", "KFC", "FOOD_AND_DRINK_FAST_FOOD")),
    (
        5,
        "3333",
        "500.00",
        _merchant("Madison Bicycle Shop", None, "GENERAL_MERCHANDISE_SPORTING_GOODS"),
    ),
    (7, "2222", "1000.00", transfer("CD DEPOSIT .INITIAL.", "TRANSFER_OUT_ACCOUNT_TRANSFER")),
    (
        8,
        "4444",
        "5850.00",
        transfer("ACH Electronic CreditGUSTO PAY 123456", "TRANSFER_OUT_ACCOUNT_TRANSFER"),
    ),
    (
        9,
        "3333",
        "78.50",
        _merchant("Touchstone Climbing", None, "PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS"),
    ),
    (11, "0000", "-500.00", _merchant("United Airlines", "United Airlines", "TRAVEL_FLIGHTS")),
    (13, "0000", "6.33", _merchant("Uber 072515 SF**POOL**", "Uber", _RIDE)),
    (16, "1111", "-4.22", transfer("INTRST PYMNT", "TRANSFER_IN_DEPOSIT")),
    (21, "3333", "500.00", _merchant("United Airlines", "United Airlines", "TRAVEL_FLIGHTS")),
    (23, "3333", "500.00", transfer("Tectra Inc", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES", "merchant")),
    (24, "3333", "2078.50", transfer("AUTOMATIC PAYMENT - THANK", _CARD)),
    (26, "1111", "25.00", transfer("CREDIT CARD 3333 PAYMENT *//", _CARD)),
    (28, "0000", "5.40", _merchant("Uber 063015 SF**POOL**", "Uber", _RIDE)),
)
_ACTIVE = {mask for _, mask, _, _ in _CYCLE}


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def accounts() -> list[Account]:
    """The fourteen accounts, to the cent."""
    return [
        Account(
            key=mask,
            name=name,
            type=type_,
            subtype=subtype,
            role=f"documented:{mask}" if mask in _ACTIVE else "quiet",
            mask=mask,
            official_name=official_name,
            balance=_amount(current),
            available=_amount(available),
            limit=_amount(limit),
            holder_category="business" if mask == _BUSINESS else "personal",
            fixed=True,
        )
        for name, type_, subtype, mask, available, current, limit, official_name in _ACCOUNTS
    ]


class Cycle:
    """Tells the same sixteen rows every thirty days, all of them posted, a day after they happened."""

    def month(self, year: int, month: int) -> Iterator[Story]:
        for number in range(1, days_in(year, month) + 1):
            day = date(year, month, number)
            for index, (when, mask, amount, merchant) in enumerate(_CYCLE):
                if day.toordinal() % 30 == when:
                    yield Story(
                        key=f"documented:{index}:{day.isoformat()}",
                        role=f"documented:{mask}",
                        merchant=merchant,
                        amount=Decimal(amount),
                        began=day - timedelta(days=1) if number > 1 else day,
                        posts=day,
                    )


def life() -> Life:
    return Life(accounts(), Cycle())
