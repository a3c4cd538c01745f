"""Pay, rent, bills, loans, taxes and interest: what comes around on a day of the month, straight to checking."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from simulator.lives.dice import Dice, cents, days_in
from simulator.lives.merchants import transfer
from simulator.lives.model import Merchant, Story
from simulator.lives.purchases import Till

if TYPE_CHECKING:
    from simulator.lives.household import Ways

_FORTNIGHT = timedelta(days=14)


def payroll(ways: Ways, year: int, month: int) -> Iterator[Story]:
    """Every second Friday. Pay is money in, so it is negative."""
    till = Till("checking", ways.employer, year, month)
    pay = Merchant(
        descriptor=f"{ways.employer.upper()} DIRECT DEP PAYROLL PPD ID: 1770423",
        shown=ways.employer,
        category="INCOME_SALARY",
        channel="other",
        counterparty="income_source",
    )
    first = date(year, month, 1)
    day = ways.payday + math.ceil((first - ways.payday) / _FORTNIGHT) * _FORTNIGHT
    while (day.year, day.month) == (year, month):
        yield till.posted("payroll", pay, -ways.net_pay, day)
        day += _FORTNIGHT


def monthly_bills(seed: str, ways: Ways, year: int, month: int) -> Iterator[Story]:
    """Rent, the student loan, a standing order to the broker, and what is paid for the home and the car."""
    till = Till("checking", seed, year, month)
    standing = Dice(seed, "standing")
    rent = transfer(f"{ways.landlord} WEB PMT", "RENT_AND_UTILITIES_RENT", "merchant")
    yield till.posted("rent", rent, ways.rent, till.day(1))
    contribution = transfer("SUMMIT BROKERAGE ACH CONTRIB", "TRANSFER_OUT_INVESTMENT_AND_RETIREMENT_FUNDS")
    yield till.posted("broker", contribution, Decimal(standing.pick((100, 150, 200))), till.day(6))
    loan = transfer("LIGHTHOUSE STUDENT LN PAYMENT", "LOAN_PAYMENTS_STUDENT_LOAN_PAYMENT")
    yield till.posted("student-loan", loan, standing.money(210, 340), till.day(15))
    premium = standing.money(88, 132)
    for name, day, merchant, amount in (
        ("insurance", 9, _INSURANCE, premium),
        ("power", 12, _POWER, _power_bill(till.dice("power"), month)),
        ("internet", 18, _INTERNET, Decimal("59.99")),
        ("phone", 21, _PHONE, Decimal("45.00")),
    ):
        yield till.posted(name, merchant, amount, till.day(day))


def _power_bill(dice: Dice, month: int) -> Decimal:
    """Highest in January, lowest in July."""
    winter = Decimal(str(1 + 0.45 * math.cos((month - 1) / 12 * 2 * math.pi)))
    return cents(dice.money(58, 82) * winter)


def _bill(descriptor: str, shown: str, category: str) -> Merchant:
    return Merchant(descriptor=f"{descriptor} AUTOPAY", shown=shown, category=category, channel="online")


_INSURANCE = _bill("EVERGUARD AUTO INS", "Everguard", "GENERAL_SERVICES_INSURANCE")
_POWER = _bill("VALLEY POWER & LIGHT", "Valley Power & Light", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY")
_INTERNET = _bill("FIBERLINE INTERNET", "Fiberline", "RENT_AND_UTILITIES_INTERNET_AND_CABLE")
_PHONE = _bill("TALKABOUT WIRELESS", "Talkabout", "RENT_AND_UTILITIES_TELEPHONE")


def taxes(seed: str, year: int, month: int) -> Iterator[Story]:
    """A tax refund in April."""
    if month == 4:
        till = Till("checking", seed, year, month)
        refund = transfer("IRS TREAS 310 TAX REF", "INCOME_TAX_REFUND", "income_source")
        yield till.posted("tax-refund", refund, -till.dice("taxes").money(240, 980), till.day(11))


def savings_interest(seed: str, year: int, month: int, role: str = "savings") -> Iterator[Story]:
    """Interest on the last day of the month, money in."""
    till = Till(role, seed, year, month)
    earned = till.dice("interest").money(3, 14)
    paid = transfer("INTEREST PAYMENT", "INCOME_INTEREST_EARNED")
    day = date(year, month, days_in(year, month))
    yield Story(key=till.key("interest"), role=role, merchant=paid, amount=-earned, began=day, posts=day)
