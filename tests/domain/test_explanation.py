"""An explanation lists every account once and adds up to the total it explains, exactly."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.balances import totals
from domain.explanation import LEFT_OUT, NO_CURRENCY, explain
from tests.domain.test_balances import USER_GOOD, Held, held

amounts = st.none() | st.decimals(-(10**9), 10**9, places=4)
accounts = st.builds(
    Held,
    st.sampled_from(["depository", "credit", "loan", "investment", "brokerage", "other", "new kind"]),
    amounts,
    amounts,
    st.sampled_from([None, "USD", "CAD", "BTC"]),
    st.booleans(),
)


def test_user_good_is_fourteen_rows_of_which_four_count_only_with_loans():
    [(line, rows)] = explain(USER_GOOD).parts
    assert (line.holdings, line.net_worth) == (Decimal("81091.7405"), Decimal("-77184.1495"))
    assert len(rows) == 14
    assert [row.amount for row in rows if row.held is None] == [
        Decimal("-65262"),
        Decimal("-56302.06"),
        Decimal("-23211.33"),
        Decimal("-13500.5"),
    ]


def test_what_is_left_out_says_why():
    closed = held("depository", "5", "5", closed=True)
    unknown = held("investment")
    adrift = held("depository", "5", "5", currency=None)
    left = explain([closed, unknown, adrift]).left_out
    assert [(row.account, row.why) for row in left] == [
        (closed, LEFT_OUT["closed"]),
        (unknown, LEFT_OUT["unknown"]),
        (adrift, NO_CURRENCY),
    ]


@given(st.lists(accounts, max_size=12))
def test_it_adds_up_and_forgets_nobody(listed):
    explanation = explain(listed)
    assert [line for line, _ in explanation.parts] == totals(listed)
    for line, rows in explanation.parts:
        assert sum(row.amount for row in rows) == line.net_worth
        assert sum(row.held for row in rows if row.held is not None) == line.holdings
    assert sum(len(rows) for _, rows in explanation.parts) + len(explanation.left_out) == len(listed)
