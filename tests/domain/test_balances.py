"""What an account adds to a total: DESIGN.md 5, worked by hand."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.balances import TotalLine, contribution, in_holdings, kind_of, merged, totals

D = Decimal


@dataclass(frozen=True)
class Held:
    type: str = "depository"
    available: Decimal | None = None
    current: Decimal | None = None
    currency: str | None = "USD"
    closed: bool = False


def held(kind: str, available: str | None = None, current: str | None = None, **more) -> Held:
    return Held(kind, D(available) if available else None, D(current) if current else None, **more)


# The 14 accounts that Plaid documents for user_good at ins_109508, all in USD.
USER_GOOD = [
    held("depository", "100", "110"),  # checking
    held("depository", "200", "210"),  # savings
    held("depository", None, "1000"),  # CD
    held("credit", None, "410"),  # credit card
    held("depository", "43200", "43200"),  # money market
    held("investment", None, "320.76"),  # IRA
    held("investment", None, "23631.9805"),  # 401k
    held("loan", None, "65262"),  # student
    held("loan", None, "56302.06"),  # mortgage
    held("depository", "6009", "6009"),  # HSA
    held("depository", "12060", "12060"),  # cash management
    held("loan", None, "23211.33"),  # auto
    held("loan", None, "13500.5"),  # home equity
    held("credit", "4980", "5020"),  # business credit card
]


def test_user_good_to_the_cent():
    """100 + 200 + 1000 + 43200 + 6009 + 12060 + 320.76 + 23631.9805 - 410 - 5020, then the four loans off."""
    assert totals(USER_GOOD) == [TotalLine("USD", D("81091.7405"), D("-77184.1495"))]


@pytest.mark.parametrize(
    "account, adds",
    [
        (held("depository", "100", "110"), "100"),
        (held("depository", "0", "110"), "0"),  # 0 is reported
        (held("depository", None, "110"), "110"),
        (held("depository", "-12.50", "110"), "-12.50"),  # overdrawn
        (held("investment", "5", "320.76"), "320.76"),
        (held("brokerage", "5", "320.76"), "320.76"),
        (held("other", "5", "7"), "7"),
        (held("a type of 2031", "5", "7"), "7"),
        (held("credit", "1590", "410"), "-410"),
        (held("credit", "2000", "0"), "0"),  # paid off
        (held("credit", None, "-25"), "25"),  # overpaid: the bank owes the person
        (held("loan", None, "65262"), "-65262"),
        (held("loan", None, "-3"), "3"),
    ],
)
def test_contribution(account, adds):
    assert contribution(account) == D(adds)


@pytest.mark.parametrize(
    "account",
    [
        held("depository"),
        held("credit", "1590", None),  # available credit is no money
        held("investment", "5", None),
        held("loan", "5", None),
        held("other", "5", None),
        held("depository", "100", "110", closed=True),
        held("credit", None, "410", closed=True),
    ],
)
def test_unknown_or_closed_contributes_nothing_which_is_not_zero(account):
    assert contribution(account) is None
    assert totals([account]) == []


def test_only_loans_are_outside_holdings():
    kinds = ["depository", "credit", "investment", "brokerage", "other", "", "loan", "Loan"]
    assert [kind for kind in kinds if not in_holdings(kind)] == ["loan"]
    assert kind_of("Loan") == "other"


def test_currencies_are_never_added_and_most_accounts_come_first():
    accounts = [
        held("depository", "100", currency="CAD"),
        held("depository", "5", currency="USD"),
        held("credit", None, "8", currency="USD"),
        held("depository", "1", currency="AUD"),
    ]
    assert totals(accounts) == [
        TotalLine("USD", D(-3), D(-3)),
        TotalLine("AUD", D(1), D(1)),
        TotalLine("CAD", D(100), D(100)),
    ]


def test_a_currency_with_only_loans_has_holdings_zero():
    assert totals([held("loan", None, "900", currency="CAD")]) == [TotalLine("CAD", D(0), D(-900))]


def test_an_account_without_a_currency_is_in_no_line():
    assert totals([held("depository", "100", currency=None), held("depository", "1")]) == [
        TotalLine("USD", D(1), D(1))
    ]


def test_a_currency_whose_accounts_are_all_unknown_has_no_line():
    assert [
        line.currency for line in totals([held("depository", currency="CAD"), held("depository", "1")])
    ] == ["USD"]


accounts = st.builds(
    Held,
    type=st.sampled_from(["depository", "credit", "loan", "investment", "brokerage", "other", "new"]),
    available=st.none() | st.decimals(-10_000, 10_000, places=4),
    current=st.none() | st.decimals(-10_000, 10_000, places=4),
    currency=st.sampled_from(["USD", "CAD", None]),
    closed=st.booleans(),
)


@given(st.lists(accounts), st.randoms())
def test_totals_are_the_sum_of_contributions_in_any_order(held_accounts, random):
    lines = {line.currency: line for line in totals(held_accounts)}
    for currency in ("USD", "CAD"):
        known = [a for a in held_accounts if a.currency == currency and contribution(a) is not None]
        assert (currency in lines) == bool(known)
        if known:
            assert lines[currency].net_worth == sum(contribution(a) for a in known)
            loans = sum(contribution(a) for a in known if a.type == "loan")
            assert lines[currency].holdings == lines[currency].net_worth - loans
    shuffled = random.sample(held_accounts, len(held_accounts))
    assert totals(shuffled) == totals(held_accounts)


def test_totals_of_institutions_together_are_the_totals_of_all_their_accounts():
    some = [held("depository", "10", "9"), held("loan", None, "5"), held("credit", None, "3", currency="EUR")]
    others = [held("other", None, "2", currency="EUR"), held("investment", None, "7", currency="EUR")]
    unknown = [held("depository", None, None, currency="CAD")]
    apart = [line for accounts in (some, others, unknown, []) for line in totals(accounts)]
    assert merged(apart) == totals(some + others + unknown)
    assert [line.currency for line in merged(apart)] == ["EUR", "USD"]
