"""Random lives, as Hypothesis strategies: a list of days, each with what happens at the banks and what is done."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from tests.oracle.bank import EVENTS
from tests.oracle.records import Event
from tests.oracle.vendor import FAULTS, Plan


@dataclass(frozen=True)
class Deed:
    """Something that is done, to the picked bank; `variant` chooses among accounts and ways."""

    name: str
    pick: int
    variant: int
    plan: Plan


@dataclass(frozen=True)
class Day:
    events: list[tuple[int, Event]]
    """Which bank, and what happens there."""
    deeds: list[Deed]


_OFTEN = (
    "spend", "spend", "hold", "hold", "post", "post", "modify", "vanish", "remove", "move_balance", "fetch",
    "open_hidden", "report_again", "repair_login",
)  # fmt: skip
_SMALL = st.integers(0, 7)
AMOUNTS = st.one_of(
    st.integers(-9_999_99, 9_999_99).map(lambda cents: Decimal(cents) / 100),
    st.integers(-(10**11), 10**11).map(lambda units: Decimal(units).scaleb(-7)),
    st.sampled_from([Decimal(0), Decimal("0.00005"), Decimal("0.00015"), Decimal("-2.5")]),
)
BALANCES = st.one_of(AMOUNTS, AMOUNTS, st.sampled_from([Decimal(10) ** 14, Decimal("9999999999999.9999")]))
events = st.builds(Event, st.sampled_from(EVENTS + _OFTEN), _SMALL, AMOUNTS, BALANCES, _SMALL)
faults = st.tuples(st.integers(1, 4), st.sampled_from(sorted(FAULTS)))
plans = st.builds(
    Plan,
    fault=st.one_of(st.none(), st.none(), faults),
    meanwhile=st.lists(st.tuples(st.integers(1, 5), events), max_size=3).map(tuple),
    page_size=st.integers(1, 6),
    every_step=st.booleans(),
    backwards=st.booleans(),
    repeats=st.booleans(),
    names=st.sampled_from(["page", "all", "none"]),
    item_get_fails=st.booleans(),
)
_DEEDS = ("job",) * 6 + ("ask",) * 4 + ("sweep",) * 2 + ("link", "delete_account", "restore", "forget")
deeds = st.builds(Deed, st.sampled_from(_DEEDS), _SMALL, _SMALL, plans)
days = st.builds(
    Day,
    st.lists(st.tuples(st.integers(0, 3), events), min_size=1, max_size=6),
    st.lists(deeds, min_size=1, max_size=3),
)


def lives(most_days: int) -> st.SearchStrategy[list[Day]]:
    return st.lists(days, min_size=most_days // 2, max_size=most_days)
