"""What was spent in a month, to the cent, from what a bank reported: worked by hand, one after the other.

Each example refreshes through the real client from a scripted bank, then asks the one SUM and the explanation.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from sqlalchemy import update

from domain.periods import Month, local_date, month_of
from domain.spending import Spent
from extensions import db
from models import Account, Transaction, User
from services.spending import reclassify, spent_by_account, spent_by_account_and_month
from services.spending_explained import explain_spending
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution, make_transaction, make_user
from tests.support.reading import account_row, read
from tests.support.statements import StatementCounter

NOVEMBER = Month(2026, 11)
PURCHASE = ("FOOD_AND_DRINK", "FOOD_AND_DRINK_RESTAURANT")
CARD_PAYMENT = ("LOAN_PAYMENTS", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT")


def row(key: str, amount: str, category: tuple[str | None, str | None] = PURCHASE, **changes: Any):
    primary, detailed = category
    pfc = None if primary is None else {"primary": primary, "detailed": detailed}
    return plaid.transaction(key, float(amount), personal_finance_category=pfc, **changes)


def spent(month: Month = NOVEMBER, account: str = "a1") -> Decimal:
    """What was spent; the explanation must agree to the last place."""
    found = account_row(account)
    total = spent_by_account([found.id], month).get(found.id, Spent())
    user = db.session.query(User).one()
    why = explain_spending(user, found, month)
    assert why.spent == total
    assert why.counted + why.refunds == total.raw
    assert sum((each.effect for each in why.rows if each.pending), Decimal(0)) == total.raw_pending
    return total.spent


@pytest.fixture
def sync(bank, banks, institution):
    """Refresh with these pages of /transactions/sync, on a checking account a1 and a card c1."""
    bank.always(
        "/accounts/get",
        plaid.accounts(plaid.account(), plaid.account("c1", type="credit", subtype="credit card")),
    )

    def refresh(*pages: dict[str, Any]) -> None:
        bank.next("/transactions/sync", *pages)
        read(institution, banks)

    return refresh


def test_row_24_pending_then_posted_with_a_tip_counts_once(sync):
    sync(plaid.page([row("p1", "40.00", pending=True), row("t1", "10.15")], cursor="c1"))
    assert spent() == Decimal("50.15")
    sync(plaid.page([row("t2", "47.20", pending_transaction_id="p1")], removed=["p1"], cursor="c2"))
    assert spent() == Decimal("57.35")


def test_row_24_a_posted_row_replaces_its_pending_one_that_the_bank_forgot_to_remove(sync):
    sync(plaid.page([row("p1", "40.00", pending=True)], cursor="c1"))
    sync(plaid.page([row("t2", "47.20", pending_transaction_id="p1")], cursor="c2"))
    assert spent() == Decimal("47.20")


def test_row_24_a_pending_hold_that_vanishes_is_gone(sync):
    sync(plaid.page([row("p1", "125.00", pending=True), row("t1", "38.61")], cursor="c1"))
    assert spent() == Decimal("163.61")
    sync(plaid.page(removed=["p1"], cursor="c2"))
    assert spent() == Decimal("38.61")


def test_the_pending_part_is_named(sync):
    sync(
        plaid.page(
            [row("p1", "20.50", pending=True), row("t1", "30"), row("r1", "-45", pending=False)], cursor="c1"
        )
    )
    account = account_row()
    found = spent_by_account([account.id], NOVEMBER)[account.id]
    assert (found.spent, found.pending) == (Decimal("5.50"), Decimal("5.50"))


def test_row_24_a_refund_larger_than_the_months_spending_is_shown_as_nothing(sync):
    sync(plaid.page([row("t1", "100"), row("r1", "-480.99")], cursor="c1"))
    assert spent() == 0
    why = explain_spending(db.session.query(User).one(), account_row(), NOVEMBER)
    assert why.spent.raw == Decimal("-380.99")


def test_a_card_payment_counts_on_neither_leg(sync):
    sync(
        plaid.page(
            [
                row("buy", "64.32", account_id="c1"),
                row("pay", "500", CARD_PAYMENT),
                row("paid", "-500", CARD_PAYMENT, account_id="c1"),
            ],
            cursor="c1",
        )
    )
    assert spent() == 0
    assert spent(account="c1") == Decimal("64.32")


EXAMPLES = [
    ("transfer to savings", "300", ("TRANSFER_OUT", "TRANSFER_OUT_SAVINGS"), "0"),
    ("cash machine", "60", ("TRANSFER_OUT", "TRANSFER_OUT_WITHDRAWAL"), "60"),
    ("sent with an app", "25", ("TRANSFER_OUT", "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS"), "25"),
    ("cash advance comes in", "-200", ("LOAN_DISBURSEMENTS", "LOAN_DISBURSEMENTS_CASH_ADVANCES"), "0"),
    ("cash advance fee", "10", ("BANK_FEES", "BANK_FEES_CASH_ADVANCE"), "10"),
    ("uncategorised paycheck", "-2500", (None, None), "0"),
    ("uncategorised purchase", "12.99", (None, None), "12.99"),
    ("salary", "-2500", ("INCOME", "INCOME_SALARY"), "0"),
    ("mortgage", "1843.07", ("LOAN_PAYMENTS", "LOAN_PAYMENTS_MORTGAGE_PAYMENT"), "1843.07"),
]


@pytest.mark.parametrize(
    "amount, category, expected", [case[1:] for case in EXAMPLES], ids=[c[0] for c in EXAMPLES]
)
def test_one_row_of_every_kind(sync, amount, category, expected):
    sync(plaid.page([row("base", "1.01"), row("t", amount, category)], cursor="c1"))
    assert spent() == Decimal("1.01") + Decimal(expected)


def test_a_row_in_another_currency_is_left_out(sync):
    sync(plaid.page([row("t1", "10"), row("t2", "99", iso_currency_code="EUR")], cursor="c1"))
    assert spent() == 10
    why = explain_spending(db.session.query(User).one(), account_row(), NOVEMBER)
    assert [each.verdict for each in why.rows if each.is_left_out] == [
        "Left out. In another currency than the account's"
    ]


def test_two_hundred_and_fifty_transactions_in_a_month_to_the_last_place(sync):
    rows = [
        row(f"t{number}", f"{number / 100 + 0.0001:.4f}", date=f"2026-11-{1 + number % 30:02d}")
        for number in range(1, 251)
    ]
    sync(plaid.page(rows[:200], cursor="c1", more=True), plaid.page(rows[200:], cursor="c2"))
    assert spent() == Decimal("313.7750")  # 0.01 x (1 + .. + 250) + 250 x 0.0001


def test_a_transaction_modified_later_counts_as_it_is_now(sync):
    sync(plaid.page([row("t1", "80")], cursor="c1"))
    sync(plaid.page(modified=[row("t1", "8.00")], cursor="c2"))
    assert spent() == 8
    sync(plaid.page(modified=[row("t1", "8.00", ("TRANSFER_OUT", "TRANSFER_OUT_SAVINGS"))], cursor="c3"))
    assert spent() == 0


@pytest.mark.parametrize(
    "month", [Month(2026, number) for number in range(1, 13)] + [Month(2028, 2)], ids=str
)
def test_row_36_every_month_ends_where_the_calendar_says(sync, month):
    before, after = month.previous.last, month.next.first
    rows = [
        row("before", "1000", date=before.isoformat()),
        row("first", "1", date=month.first.isoformat()),
        row("last", "10", date=month.last.isoformat()),
        row("after", "1000", date=after.isoformat()),
    ]
    sync(plaid.page(rows, cursor="c1"))
    assert spent(month) == 11
    assert (after - month.first).days == month.days


def test_row_36_new_years_eve_and_new_years_day_are_two_months(sync):
    sync(plaid.page([row("t1", "31", date="2026-12-31"), row("t2", "1", date="2027-01-01")], cursor="c1"))
    assert (spent(Month(2026, 12)), spent(Month(2027, 1))) == (31, 1)


ZONES = [
    ("Pacific/Pago_Pago", "2026-12-01T10:59", date(2026, 11, 30)),  # UTC-11
    ("Pacific/Pago_Pago", "2026-12-01T11:00", date(2026, 12, 1)),
    ("Pacific/Kiritimati", "2026-11-30T09:59", date(2026, 11, 30)),  # UTC+14
    ("Pacific/Kiritimati", "2026-11-30T10:00", date(2026, 12, 1)),
    ("America/New_York", "2026-03-08T06:59", date(2026, 3, 8)),  # the clock is about to jump to 3:00
    ("America/New_York", "2026-11-01T05:30", date(2026, 11, 1)),  # 1:30, the first of two
    ("America/New_York", "2026-11-01T03:59", date(2026, 10, 31)),
]


@pytest.mark.parametrize("zone, moment, day", ZONES)
def test_row_36_the_month_is_the_persons_own(context, zone, moment, day):
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert local_date(now, zone) == day
    user = make_user(timezone=zone)
    account = make_account(make_institution(user))
    make_transaction(account, "7", date=day.replace(day=1))
    with time_machine.travel(now, tick=False):
        why = explain_spending(user, account, None)
    assert (why.month, why.spent.spent) == (month_of(day), 7)


def test_people_in_two_months_at_once_are_summed_in_one_statement(context):
    accounts = [make_account(make_institution(make_user())) for _ in range(2)]
    for account in accounts:
        make_transaction(account, "11", date=date(2026, 11, 30))
        make_transaction(account, "12", date=date(2026, 12, 1))
    ids = [account.id for account in accounts]
    with StatementCounter(db.engine) as counter:
        found = spent_by_account_and_month({NOVEMBER: ids[:1], NOVEMBER.next: ids[1:]})
    assert [found[number].spent for number in ids] == [11, 12]
    assert len(counter.statements) == 1


def test_older_rules_are_replaced_by_newer_ones(context):
    account = make_account(make_institution(make_user()))
    for number in range(3):
        make_transaction(
            account, "5", spending_class="left_out", spending_version=0, category_detail=f"D{number}"
        )
    make_transaction(account, "-9", category=None, spending_class="", spending_version=0)
    assert spent_by_account([account.id], NOVEMBER) == {}
    assert reclassify(limit=2) == 2
    assert reclassify() == 2
    assert reclassify() == 0
    assert spent_by_account([account.id], NOVEMBER)[account.id].spent == 15


def test_classifying_again_never_overwrites_what_refreshing_wrote_meanwhile(context, monkeypatch):
    account = make_account(make_institution(make_user()))
    make_transaction(account, "5", spending_class="", spending_version=0)
    from services import spending

    original = spending._by_verdict

    def refreshed_meanwhile(rows):
        db.session.execute(update(Transaction).values(spending_class="left_out", spending_version=1))
        return original(rows)

    monkeypatch.setattr(spending, "_by_verdict", refreshed_meanwhile)
    spending.reclassify()
    db.session.expire_all()
    assert db.session.query(Transaction).one().spending_class == "left_out"


def test_the_explanation_needs_the_same_statements_for_any_number_of_rows(context):
    user = make_user()
    counts = []
    for number in (1, 40):
        account = make_account(make_institution(user))
        for _ in range(number):
            make_transaction(account, "1")
        fresh = db.session.get_one(Account, account.id)
        with StatementCounter(db.engine) as counter:
            explain_spending(user, fresh, NOVEMBER)
        counts.append(len(counter.statements))
    assert counts[0] == counts[1] <= 4
