"""Banks of which totals hold the same accounts twice: linked twice, and accounts of both connections count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from services.accounts_shown import AccountsShown


class Connection(Protocol):
    """An institution with its accounts; `bank_id` is the vendor's id of the bank, None while it is unknown."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def bank_id(self) -> str | None: ...
    @property
    def shown(self) -> AccountsShown: ...


@dataclass(frozen=True, slots=True)
class Double:
    """A bank's name, and the oldest of its connections of which an account counts again in a newer one."""

    name: str
    older_id: int


def doubles_of(institutions: Iterable[Connection]) -> list[Double]:
    """Each bank once, however often it is linked. Accounts are the same as in domain/matching.py: by the bank's own
    persistent id where both have one, else by name, mask and kind."""
    by_bank: defaultdict[str, list[Connection]] = defaultdict(list)
    for each in institutions:
        if each.bank_id is not None:
            by_bank[each.bank_id].append(each)
    found = (_double(each) for each in by_bank.values() if len(each) > 1)
    return [double for double in found if double is not None]


def _double(connections: list[Connection]) -> Double | None:
    for number, older in enumerate(connections):
        if any(older.shown.counted.overlaps(newer.shown.counted) for newer in connections[number + 1 :]):
            return Double(connections[-1].name, older.id)
    return None
