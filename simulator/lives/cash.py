"""Cash, cheques, friends and fees on checking, and rows that nobody could categorise."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from simulator.lives import merchants
from simulator.lives.merchants import transfer
from simulator.lives.model import Merchant, Story
from simulator.lives.purchases import Till

if TYPE_CHECKING:
    from simulator.lives.household import Ways


def cash_and_people(seed: str, ways: Ways, year: int, month: int) -> Iterator[Story]:
    """A month of it on a household's checking account."""
    till = Till("checking", seed, year, month)
    yield from till.shops("market", 2, (merchants.MARKET_STALL,), 9, 38)
    yield from _cash_machine(till)
    yield from _friends(till)
    yield from _cheques(till)
    yield from _unknown(till)
    yield from _service_fee(till)
    if ways.advances:
        yield from _advances(till)


def _cash_machine(till: Till) -> Iterator[Story]:
    """Withdrawals, half of them at another bank's machine, which takes a fee."""
    dice = till.dice("atm")
    for _ in range(dice.times(1.5)):
        day = dice.day(till.year, till.month)
        withdrawal = transfer(f"ATM WITHDRAWAL {dice.digits(6)}", "TRANSFER_OUT_WITHDRAWAL")
        yield till.posted("atm", withdrawal, Decimal(dice.pick((40, 60, 80, 100))), day)
        if dice.chance(0.5):
            yield till.posted(
                "atm-fee", transfer("NON-NETWORK ATM FEE", "BANK_FEES_ATM_FEES"), Decimal("3.00"), day
            )


def _friends(till: Till) -> Iterator[Story]:
    """Money to and from people through an app: no merchant, and the money in is pending for a day."""
    dice = till.dice("friends")
    for _ in range(dice.times(1.2)):
        sent = transfer("PAYPIGEON TO J RIVERA", "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS", "payment_app")
        yield till.swipe("sent", dice, sent, dice.money(10, 65), dice.day(till.year, till.month))
    for _ in range(dice.times(0.6)):
        got = transfer("PAYPIGEON FROM M OKAFOR", "TRANSFER_IN_TRANSFER_IN_FROM_APPS", "payment_app")
        yield till.swipe("received", dice, got, -dice.money(8, 55), dice.day(till.year, till.month))


def _cheques(till: Till) -> Iterator[Story]:
    dice = till.dice("cheques")
    if dice.chance(0.4):
        number = str(1200 + (till.year - 2020) * 12 + till.month)
        paid = transfer(f"CHECK {number}", "TRANSFER_OUT_ACCOUNT_TRANSFER", "merchant")
        yield till.posted(
            "check", paid, dice.money(35, 140), dice.day(till.year, till.month), check_number=number
        )


def _unknown(till: Till) -> Iterator[Story]:
    """Rows without a category: a purchase, and more rarely a paycheck from a side job."""
    dice = till.dice("unknown")
    if dice.chance(0.7):
        row = Merchant(descriptor=f"POS {dice.digits(8)} REF {dice.digits(4)}", confidence="UNKNOWN")
        yield till.swipe("unknown", dice, row, dice.money(6, 48), dice.day(till.year, till.month))
    if dice.chance(0.25):
        job = transfer(f"DEPOSIT {dice.digits(6)} SIDE GIG", None, "income_source")
        yield till.posted("side-job", job, -dice.money(140, 380), dice.day(till.year, till.month))


def _service_fee(till: Till) -> Iterator[Story]:
    if till.dice("service-fee").chance(0.15):
        fee = transfer("MONTHLY MAINTENANCE FEE", "BANK_FEES_OTHER_BANK_FEES")
        yield till.posted("service-fee", fee, Decimal("12.00"), till.day(28))


def _advances(till: Till) -> Iterator[Story]:
    """Pay drawn before payday and paid back with a fee."""
    dice = till.dice("advances")
    for start in (4, 18):
        got = transfer("EARLYPAY ADVANCE", "LOAN_DISBURSEMENTS_EWA")
        back = transfer("EARLYPAY REPAYMENT", "LOAN_PAYMENTS_EWA")
        amount = Decimal(dice.pick((60, 80, 100)))
        yield till.posted("advance", got, -amount, till.day(start))
        yield till.posted("advance-back", back, amount + Decimal("2.99"), till.day(start + 8))
