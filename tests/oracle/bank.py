"""A bank login as Plaid's documents describe one: accounts, transactions, and everything that happens to them.

The outside oracle's truth. Written from Plaid's documentation alone; it imports nothing of CashView.
A positive amount is money out of the account; a credit or loan balance is what is owed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.records import (
    CURRENCIES,
    KINDS,
    WITHOUT_TRANSACTIONS,
    Account,
    Balances,
    Entry,
    Event,
    Row,
)


@dataclass
class Bank:
    """One Item at Plaid."""

    item_id: str
    not_ready: int = 0
    """How many more answers of /transactions/sync are NOT_READY."""
    complete: bool = False
    wants_login: bool = False
    ended: bool = False
    accounts: dict[str, Account] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    """What is true now."""
    log: list[Entry] = field(default_factory=list)
    today: date = date(2026, 1, 1)
    made: int = 0

    def happen(self, event: Event) -> None:
        """Let it happen, if there is something for it to happen to."""
        _EVENTS[event.name](self, event)

    def reported(self) -> list[Account]:
        return [account for account in self.accounts.values() if account.reported]

    # Accounts

    def open(self, event: Event, *, hidden: bool = False) -> None:
        """A new account; a hidden one has transactions before the list of accounts names it."""
        type_, subtype = KINDS[event.pick % len(KINDS)]
        iso, coin = CURRENCIES[event.variant % len(CURRENCIES)]
        balances = _balances(event)
        key = self._new_id("a")
        self.accounts[key] = Account(key, type_, subtype, iso, coin, balances, balances, not hidden)

    def open_hidden(self, event: Event) -> None:
        self.open(replace(event, pick=event.pick % 3), hidden=True)

    def close(self, event: Event) -> None:
        """It is no longer reported (one always stays); its transactions may go or stay."""
        shown = self.reported()
        if len(shown) < 2:
            return
        account = shown[event.pick % len(shown)]
        account.reported = False
        if event.variant % 2:
            for row in [row for row in self.rows.values() if row.account == account.id]:
                self._gone(row)

    def report_again(self, event: Event) -> None:
        hidden = [account for account in self.accounts.values() if not account.reported]
        if hidden:
            hidden[event.pick % len(hidden)].reported = True

    def move_balance(self, event: Event) -> None:
        shown = self.reported()
        if shown:
            account = shown[event.pick % len(shown)]
            account.real = _balances(event)
            if event.variant % 3:
                account.cached = account.real

    def fetch(self, _event: Event) -> None:
        """Plaid's daily look: its cache is what the bank says."""
        for account in self.accounts.values():
            account.cached = account.real

    # Transactions

    def spend(self, event: Event) -> None:
        self._add(event, event.amount, pending=False)

    def hold(self, event: Event) -> None:
        self._add(event, event.amount, pending=True)

    def refund(self, event: Event) -> None:
        self._add(event, -abs(event.amount), pending=False)

    def backfill(self, event: Event) -> None:
        """Older history comes in after the newer."""
        self._add(event, event.amount, pending=False, days=-40 - event.variant)
        self.complete = True

    def post(self, event: Event) -> None:
        """A pending row becomes a posted one with a new id, perhaps with a tip. Its match may be missing, and
        its removal may be said by nothing but the match."""
        pending = self._pick(event, pending=True)
        if pending is None:
            return
        amount = pending.amount + (abs(event.amount) if event.variant % 2 else 0)
        linked = event.variant % 4 != 0
        posted = Row(
            self._new_id("t"),
            pending.account,
            amount,
            pending.date + timedelta(days=event.variant % 3),
            pending.currency,
            replaces=pending.id if linked else None,
        )
        if event.variant in (5, 7):
            self._gone(pending, told=False)
            self._write(posted)
        elif event.variant < 4:
            self._gone(pending)
            self._write(posted)
        else:
            self._write(posted)
            self._gone(pending)

    def vanish(self, event: Event) -> None:
        if (pending := self._pick(event, pending=True)) is not None:
            self._gone(pending)

    def modify(self, event: Event) -> None:
        row = self._pick(event, pending=None)
        if row is None:
            return
        if event.variant % 2:
            row = replace(row, date=row.date - timedelta(days=event.variant))
        self._write(replace(row, amount=event.amount))

    def repeat(self, event: Event) -> None:
        """Plaid often tells rows as modified that are the same to the byte."""
        if (row := self._pick(event, pending=None)) is not None:
            self._write(row)

    def remove(self, event: Event) -> None:
        row = self._pick(event, pending=False)
        if row is None:
            return
        self._gone(row)
        if row.replaces is not None:
            self.log.append(Entry(row.replaces, None))

    # The login

    def lose_login(self, _event: Event) -> None:
        self.wants_login = True

    def repair_login(self, _event: Event) -> None:
        self.wants_login = False

    def end(self, event: Event) -> None:
        """The person took the permission back at the bank (rare)."""
        self.ended = self.ended or (event.pick == 0 and event.variant == 0)

    # What changed

    def status(self) -> str:
        return "HISTORICAL_UPDATE_COMPLETE" if self.complete else "INITIAL_UPDATE_COMPLETE"

    def changes(self, base: int, *, every_step: bool) -> list[tuple[str, str, Row | None]]:
        """(added | modified | removed, id, row) since a place in the log, least recently changed first; net, or
        as every step that led there."""
        before = self._live_at(base)
        if not every_step:
            last = {entry.id: number for number, entry in enumerate(self.log[base:])}
            entries = [self.log[base + number] for number in sorted(last.values())]
            entries = [entry for entry in entries if entry.row or entry.id in before]
        else:
            entries = self.log[base:]
        return list(_told(entries, set(before)))

    def _live_at(self, place: int) -> dict[str, Row]:
        live: dict[str, Row] = {}
        for entry in self.log[:place]:
            if entry.row is None:
                live.pop(entry.id, None)
            else:
                live[entry.id] = entry.row
        return live

    def _new_id(self, letter: str) -> str:
        self.made += 1
        return f"{letter}{self.made}-{self.item_id}"

    def _pick(self, event: Event, *, pending: bool | None) -> Row | None:
        rows = [row for row in self.rows.values() if pending is None or row.pending == pending]
        return rows[event.pick % len(rows)] if rows else None

    def _add(self, event: Event, amount: Decimal, *, pending: bool, days: int = 0) -> None:
        """A row of any account that can have one, also of one that is not reported yet."""
        able = [account for account in self.accounts.values() if account.type not in WITHOUT_TRANSACTIONS]
        if not able:
            return
        account = able[event.pick % len(able)]
        when = self.today + timedelta(days=days)
        currency = (account.iso, account.coin)
        self._write(Row(self._new_id("t"), account.id, amount, when, currency, pending))

    def _write(self, row: Row) -> None:
        self.rows[row.id] = row
        self.log.append(Entry(row.id, row))

    def _gone(self, row: Row, *, told: bool = True) -> None:
        del self.rows[row.id]
        self.log.append(Entry(row.id, None, told))


def _told(entries: list[Entry], live: set[str]) -> Iterator[tuple[str, str, Row | None]]:
    for entry in entries:
        if entry.row is not None:
            yield "modified" if entry.id in live else "added", entry.id, entry.row
            live.add(entry.id)
        else:
            live.discard(entry.id)
            if entry.told:
                yield "removed", entry.id, None


def _balances(event: Event) -> Balances:
    """From the event's amounts; now and then null."""
    available = None if event.variant in (2, 3) else event.amount
    current = None if event.variant in (3, 4) else event.other
    return Balances(available, current, abs(event.other) if event.variant == 5 else None)


_EVENTS: dict[str, Callable[[Bank, Event], Any]] = {
    "open": Bank.open,
    "open_hidden": Bank.open_hidden,
    "close": Bank.close,
    "report_again": Bank.report_again,
    "move_balance": Bank.move_balance,
    "fetch": Bank.fetch,
    "spend": Bank.spend,
    "hold": Bank.hold,
    "refund": Bank.refund,
    "backfill": Bank.backfill,
    "post": Bank.post,
    "vanish": Bank.vanish,
    "modify": Bank.modify,
    "repeat": Bank.repeat,
    "remove": Bank.remove,
    "lose_login": Bank.lose_login,
    "repair_login": Bank.repair_login,
    "end": Bank.end,
}
EVENTS = tuple(_EVENTS)
