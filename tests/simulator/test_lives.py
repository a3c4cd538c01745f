"""Lives: that they agree with themselves, and that everything a bank may do is in them."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from simulator.lives.build import life_of
from simulator.lives.model import Life, Row, shown_on

ANCHOR = date(2026, 11, 20)
ZERO = Decimal(0)
LIVES = [
    ("ins_sim_family", "user_good"),
    ("ins_sim_forty", "user_good"),
    ("ins_sim_canada", "user_good"),
    ("ins_sim_coins", "user_good"),
    ("ins_sim_cards", "user_good"),
    ("ins_sim_unknowns", "user_good"),
    ("ins_109508", "user_transactions_dynamic"),
    ("ins_109508", "user_ewa_user"),
    ("ins_109508", "user_yuppie"),
    ("ins_109508", "user_small_business"),
]


def life(institution_id: str = "ins_sim_family", username: str = "user_good", seed: str = "test") -> Life:
    return life_of(institution_id, username, "pass_good", seed)


def year_of(some: Life) -> list[Row]:
    return some.rows(ANCHOR - timedelta(days=730), ANCHOR, on=ANCHOR)


@pytest.mark.parametrize("institution_id, username", LIVES)
def test_balances_agree_with_transactions_on_every_day_of_a_year(institution_id, username):
    """From one day to the next the balances move by what the events of that day say, and by nothing else."""
    lived = life(institution_id, username)
    start = ANCHOR - timedelta(days=180)  # half a year before the anchor and half a year after it
    live = {row.key: row for row in lived.rows(start - timedelta(days=40), start, on=start)}
    before = lived.balances(start, ANCHOR)
    changed = 0
    for offset in range(1, 366):
        day = start + timedelta(days=offset)
        moved: Counter[str] = Counter()
        for event in lived.events(day):
            key = lived.account_of(event.row.story).key
            if event.change == "removed":
                del live[event.row.key]
            else:
                if event.change == "added" and event.row.phase != "pending":
                    moved[key] += event.row.amount  # type: ignore[assignment]
                live[event.row.key] = event.row
        now = lived.balances(day, ANCHOR)
        for account in lived.accounts:
            was, current = before[account.key].current, now[account.key].current
            if was is None or account.fixed:
                assert was == current
                continue
            sign = 1 if account.owes else -1
            assert current == was + sign * (moved[account.key] or ZERO), f"{account.key} on {day}"
            changed += current != was
            _check_available(lived, account, now[account.key], live.values())
        before = now
    assert changed > 20


def _check_available(lived, account, balances, live) -> None:
    if account.available != "derived":
        return
    pending = [
        row.amount
        for row in live
        if row.phase == "pending" and row.amount > 0 and lived.account_of(row.story).key == account.key
    ]
    held = sum(pending, ZERO)
    if account.owes:
        assert balances.available == account.limit - balances.current - held
    else:
        assert balances.available == balances.current - held


def test_the_anchor_day_has_the_balances_of_the_login():
    lived = life()
    assert lived.balances(ANCHOR, ANCHOR)["everyday"].current == Decimal("6120.44")
    assert lived.balances(ANCHOR, ANCHOR)["rewards"].current == Decimal("1284.90")


def test_a_life_follows_from_seed_and_login_alone():
    first = year_of(life())
    life_of.cache_clear()
    assert year_of(life()) == first
    assert year_of(life(seed="another")) != first
    assert year_of(life("ins_109508", "user_yuppie")) != year_of(life("ins_109508", "user_ewa_user"))


def test_any_day_can_be_told_without_those_before():
    """What is known of March does not depend on whether anybody asked for February."""
    whole = [row for row in year_of(life()) if (row.day.year, row.day.month) == (2026, 3)]
    life_of.cache_clear()
    alone = life().rows(date(2026, 3, 1), date(2026, 3, 31), on=ANCHOR)
    assert alone == whole


def test_what_happened_does_not_change_with_time():
    """A posted and settled row is the same, whenever one looks."""
    early = {row.key: row for row in life().rows(date(2026, 1, 1), date(2026, 2, 28), on=date(2026, 4, 1))}
    late = {row.key: row for row in life().rows(date(2026, 1, 1), date(2026, 2, 28), on=date(2027, 4, 1))}
    assert early == late


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return year_of(life())


class TestABelievableYear:
    """The family bank: two years on a checking account, a savings account and a card."""

    @staticmethod
    def _of(rows, role, word) -> list[Row]:
        return [row for row in rows if row.story.role == role and word in row.story.merchant.descriptor]

    @staticmethod
    def _in(rows, category) -> list[Row]:
        return [row for row in rows if row.story.merchant.category == category]

    def test_pay_comes_every_second_friday(self, rows):
        paydays = [row.day for row in self._in(rows, "INCOME_SALARY")]
        assert len(paydays) in {52, 53}
        assert {later - earlier for earlier, later in pairwise(paydays)} == {timedelta(days=14)}
        assert all(row.amount < -500 for row in self._in(rows, "INCOME_SALARY"))
        assert {day.weekday() for day in paydays} == {4}

    @pytest.mark.parametrize(
        "category",
        ["RENT_AND_UTILITIES_RENT", "RENT_AND_UTILITIES_TELEPHONE", "LOAN_PAYMENTS_STUDENT_LOAN_PAYMENT"],
    )
    def test_what_is_due_every_month_is_paid_every_month(self, rows, category):
        months = Counter((row.story.began.year, row.story.began.month) for row in self._in(rows, category))
        assert set(months.values()) == {1}
        assert len(months) >= 23
        assert all(row.amount > 0 for row in self._in(rows, category))

    def test_the_card_payment_has_two_equal_legs_and_pays_the_month_before(self, rows):
        paid = {row.story.began: row.amount for row in self._of(rows, "checking", "CREDIT CARD")}
        received = {row.story.began: row.amount for row in self._of(rows, "card", "PAYMENT - THANK YOU")}
        assert len(paid) >= 22
        assert {day: -amount for day, amount in received.items()} == paid
        charges: Counter = Counter()
        for row in rows:
            if (
                row.story.role == "card"
                and "THANK YOU" not in row.story.merchant.descriptor
                and row.story.posts
            ):
                charges[row.story.began.year, row.story.began.month] += row.amount
        for day, amount in list(paid.items())[2:]:
            before = (day.year, day.month - 1) if day.month > 1 else (day.year - 1, 12)
            assert charges[before] == amount

    def test_transfers_to_savings_have_two_equal_legs(self, rows):
        out = {row.day: row.amount for row in rows if ":sweep:" in row.key and row.story.role == "checking"}
        into = {row.day: -row.amount for row in rows if ":sweep:" in row.key and row.story.role == "savings"}
        assert len(out) > 10
        assert out == into

    def test_refunds_are_money_back_in_a_spending_category(self, rows):
        refunds = [row for row in rows if row.amount < 0 and row.key.split(":")[1] == "refund"]
        assert refunds
        for refund in refunds:
            bought = [row for row in rows if row.story.merchant == refund.story.merchant and row.amount > 0]
            assert any(
                row.amount >= -refund.amount and row.story.began < refund.story.began for row in bought
            ), refund.key

    def test_two_real_equal_purchases_on_one_day(self, rows):
        same = Counter(
            (row.story.began, row.story.merchant, row.amount) for row in rows if row.phase != "pending"
        )
        assert max(same.values()) >= 2

    @pytest.mark.parametrize(
        "category",
        [
            "BANK_FEES_ATM_FEES",
            "BANK_FEES_LATE_FEES",
            "BANK_FEES_INTEREST_CHARGE",
            "BANK_FEES_OTHER_BANK_FEES",
            "BANK_FEES_FOREIGN_TRANSACTION_FEES",
            "TRANSFER_OUT_WITHDRAWAL",
            "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS",
            "TRANSFER_IN_TRANSFER_IN_FROM_APPS",
            "INCOME_INTEREST_EARNED",
            "INCOME_TAX_REFUND",
            "FOOD_AND_DRINK_GROCERIES",
            "TRAVEL_FLIGHTS",
        ],
    )
    def test_everything_happens_in_two_years(self, rows, category):
        assert self._in(rows, category)

    def test_some_rows_have_no_category_a_paycheck_among_them(self, rows):
        unknown = [row for row in rows if row.story.merchant.category is None]
        assert any(row.amount > 0 for row in unknown)
        assert any(row.amount < 0 for row in unknown)

    def test_transfers_name_no_merchant(self, rows):
        assert not [
            row for row in rows if "TRANSFER" in str(row.story.merchant.category) and row.story.merchant.shown
        ]

    def test_holds_vanish_and_tips_are_added(self):
        stories = life().stories(ANCHOR - timedelta(days=60), ANCHOR)
        holds = [story for story in stories if story.posts is None]
        assert holds
        for hold in holds:
            assert hold.ends is not None
            assert shown_on(hold, hold.began) is not None
            assert shown_on(hold, hold.ends) is None
        tips = [story for story in stories if story.pending_amount is not None]
        assert tips
        assert all(story.pending_amount < story.amount for story in tips)

    def test_it_adds_up_to_a_household(self, rows):
        """Neither ever richer nor ever poorer: within a year, checking and savings together move little."""
        months = Counter()
        for row in rows:
            if row.story.role == "checking":
                months[row.day.year, row.day.month] += row.amount
        assert -60_000 < sum(months.values()) < 60_000
        assert 55 < len(rows) / 24 < 120


def test_forty_accounts_and_none_like_another():
    lived = life("ins_sim_forty")
    assert len(lived.accounts) == 40
    assert len({account.key for account in lived.accounts}) == 40
    assert {account.type for account in lived.accounts} == {"depository", "credit", "loan", "investment"}


def test_other_currencies():
    assert Counter(account.currency for account in life("ins_sim_canada").accounts) == {"CAD": 4, "USD": 1}
    coins = life("ins_sim_coins")
    assert {account.unofficial_currency for account in coins.accounts} == {"BTC", "ETH", None}
    assert all(
        (account.currency is None) != (account.unofficial_currency is None) for account in coins.accounts
    )
    assert any(-row.amount.as_tuple().exponent == 8 for row in year_of(coins))


def test_what_a_bank_may_leave_out():
    lived = life("ins_sim_unknowns")
    shown = lived.balances(ANCHOR, ANCHOR).values()
    assert any(each.available is None and each.current is not None for each in shown)
    assert any(each.available is not None and each.current is None for each in shown)
    assert any(each.available is None and each.current is None for each in shown)
    assert any(each.available == 0 for each in shown)
    assert any(account.type == "credit" and account.limit is None for account in lived.accounts)
    assert any(account.mask is None and account.official_name is None for account in lived.accounts)
    assert any(account.subtype is None for account in lived.accounts)
    assert any(-row.amount.as_tuple().exponent == 7 for row in year_of(lived))
