"""How old numbers are: a total is as old as the oldest balance in it, and says so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

SAME_MOMENT = timedelta(minutes=10)
"""Reading takes a while: moments closer than this are one."""


def age_worth_a_word(balances_as_of: datetime | None, refreshed_at: datetime | None) -> datetime | None:
    """The balances' own age, or the refresh's where the two are the same moment."""
    if balances_as_of and refreshed_at and abs(refreshed_at - balances_as_of) < SAME_MOMENT:
        return refreshed_at
    return balances_as_of


def span(moments: Iterable[datetime]) -> tuple[datetime, datetime] | None:
    """The oldest and the newest of the moments, the oldest twice where they are one; None without any."""
    known = sorted(moments)
    if not known:
        return None
    return known[0], known[-1] if known[-1] - known[0] >= SAME_MOMENT else known[0]
