"""The accounts of an Item as its bank shows them now: those of the life, with what switches change about them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from simulator import watched
from simulator.lives.model import Account, Balances
from simulator.records import Item
from simulator.state import State
from simulator.switches import Switch, Target

_APPEARED = Account(
    key="appeared",
    name="Holiday Savings",
    type="depository",
    subtype="savings",
    mask="2580",
    official_name="Holiday Savings Account",
    balance=Decimal("250.00"),
    available=Decimal("250.00"),
)


def accounts(state: State, item: Item) -> list[tuple[Account, Balances]]:
    """Accounts with today's balances, in the bank's order, without those that the person does not share."""
    return [each for each in at_the_bank(state, item) if each[0].key not in item.hidden]


def at_the_bank(state: State, item: Item) -> list[tuple[Account, Balances]]:
    """All the accounts that the person may share, but for one that was found and not asked about yet."""
    if item.ends:
        state.advance(item)
    balances = watched.on_top_of(state.balances(item), state.life(item), item)
    shown = [(account, balances[account.key]) for account in state.life(item).accounts]
    for switch in state.switches.changes(Target(item.institution_id, item.item_id)):
        shown = _changed(shown, switch)
    return shown


def found(state: State, item: Item) -> Account | None:
    """The account that the bank has found and nobody was asked about."""
    return _appeared(at_the_bank(state, item))[0] if item.found else None


def _changed(shown: list[tuple[Account, Balances]], switch: Switch) -> list[tuple[Account, Balances]]:
    if switch.kind == "account_appears":
        return [*shown, _appeared(shown)]
    chosen = switch.account or (shown[0][0].key if shown else None)
    if switch.kind == "account_vanishes":
        return [each for each in shown if each[0].key != chosen]
    return [
        (account, replace(balances, available=None, current=None) if account.key == chosen else balances)
        for account, balances in shown
    ]


def _appeared(shown: list[tuple[Account, Balances]]) -> tuple[Account, Balances]:
    """A savings account in the currency of the Item's others; a second one has another key and number."""
    number = sum(account.key.startswith(_APPEARED.key) for account, _ in shown)
    currency = next((account.currency for account, _ in shown if account.currency), "USD")
    account = replace(_APPEARED, key=f"{_APPEARED.key}-{number}", mask=str(2580 + number), currency=currency)
    return account, Balances(account.balance, account.balance, None)
