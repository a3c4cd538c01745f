"""Scenarios about what a bank shows of its accounts and of what was bought."""

from __future__ import annotations

from datetime import timedelta

from simulator import watched
from simulator.lives.model import Account
from simulator.plaid import shown
from simulator.plaid.sandbox import fire
from simulator.records import Item
from simulator.scenarios.model import NotPossible, Outcome, Scenario, Stage, bank_name
from simulator.state import State
from simulator.switches import Switch

ENDS_IN = timedelta(minutes=1)
"""What is pending ends by itself after this: as soon as CashView may be asked to refresh again."""


# What was bought


def _can_pay(state: State, item: Item) -> bool:
    """Whether things can be bought with it and its history is there."""
    return len(item.segments) > 1 and watched.account_for(state.life(item)) is not None


def _buy(state: State, item: Item, purchase: watched.Purchase) -> bool:
    """Whether it is pending now. NotPossible where nothing can be bought."""
    pending = watched.go_on(state, item, purchase, ENDS_IN)
    if pending is None:
        raise NotPossible(
            f"{bank_name(item.institution_id)} has no account with transactions, or CashView hasn't read them yet"
        )
    return pending


def _paid_with(state: State, item: Item) -> str:
    account = watched.account_for(state.life(item))
    return f"{account.name if account else 'an account'} at {bank_name(item.institution_id)}"


def _tip_arrives(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        pending, with_ = _buy(state, item, watched.DINNER), _paid_with(state, item)
        state.history.tell(item)
        outcome.sentences.append(
            f"A dinner of $48.00 is pending on {with_}; the tip arrives in a minute, or when you press again."
            if pending
            else f"The tip has arrived: the dinner posted at $57.60 on {with_}."
        )


def _hold_vanishes(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        pending, with_ = _buy(state, item, watched.FUEL_HOLD), _paid_with(state, item)
        state.history.tell(item)
        outcome.sentences.append(
            f"A hold of $125.00 is pending on {with_}; it vanishes in a minute, or when you press again."
            if pending
            else f"The hold of $125.00 on {with_} is gone; nothing posted in its place."
        )


def _history_changes(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        for _ in range(
            2
        ):  # there must be two changes for there to be a second page, which is the one refused
            _buy(state, item, watched.BOOKS)
        switch = Switch(kind="mutation", endpoint="/transactions/sync", item_id=item.item_id, times=1)
        outcome.switches.append(state.switches.add(switch))
        state.history.tell(item)
        outcome.sentences.append(
            f"Two purchases of $23.40 are new on {_paid_with(state, item)}, and the next reading is interrupted once."
        )


# What is shown of accounts


def _change(state: State, item: Item, kind: str, account: Account | None = None) -> Switch:
    return state.switches.add(Switch(kind=kind, item_id=item.item_id, account=account and account.key))


def _vanishing(state: State, item: Item) -> Account | None:
    """The last account, when it is not the only one."""
    accounts = shown.accounts(state, item)
    return accounts[-1][0] if len(accounts) > 1 else None


def _known(state: State, item: Item) -> Account | None:
    """The first account whose balance is known."""
    accounts = shown.accounts(state, item)
    return next((account for account, balances in accounts if balances.current is not None), None)


def _account_appears(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        outcome.switches.append(_change(state, item, "account_appears"))
        if item.webhook:
            fire(state, item, "NEW_ACCOUNTS_AVAILABLE")
        outcome.sentences.append(
            f"{bank_name(item.institution_id)} shows a new account: Holiday Savings, $250.00."
        )


def _account_found(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        with state.changing(item):
            item.found = True
        if item.webhook:
            fire(state, item, "NEW_ACCOUNTS_AVAILABLE")
        name = bank_name(item.institution_id)
        outcome.sentences.append(f"{name} has found a new account, which CashView sees only if it is chosen.")


def _account_vanishes(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        account = _vanishing(state, item)
        if account is None:
            raise NotPossible(f"{bank_name(item.institution_id)} shows one account only, which must stay")
        outcome.switches.append(_change(state, item, "account_vanishes", account))
        outcome.sentences.append(f"{bank_name(item.institution_id)} does not show {account.name} any more.")


def _balance_unknown(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        account = _known(state, item)
        if account is None:
            raise NotPossible(f"{bank_name(item.institution_id)} has no balance left that is known")
        outcome.switches.append(_change(state, item, "balance_unknown", account))
        name = bank_name(item.institution_id)
        outcome.sentences.append(f"{name} does not say any more how much is in {account.name}.")


TIP_ARRIVES = Scenario(
    name="tip_arrives",
    title="Tip arrives",
    does="A restaurant charges $48.00 as pending; a minute later the bank posts $57.60, the tip included.",
    look="Press Refresh on the bank's card now and again after a minute: less is available, then more was spent.",
    scope="item",
    play=_tip_arrives,
    fits=_can_pay,
)
HOLD_VANISHES = Scenario(
    name="pending_gas_hold_vanishes",
    title="Pending gas hold vanishes",
    does="A petrol station holds $125.00; a minute later the hold is gone, and nothing posts in its place.",
    look="Press Refresh on the bank's card now and again after a minute: what is available falls and rises again.",
    scope="item",
    play=_hold_vanishes,
    fits=_can_pay,
)
HISTORY_CHANGES = Scenario(
    name="history_changes_while_it_is_read",
    title="History changes while it is read",
    does="Two purchases post, and the bank's list changes between the two pages in which CashView reads it.",
    look="Press Refresh on the bank's card: CashView starts the reading over, and both purchases count once.",
    scope="item",
    play=_history_changes,
    fits=_can_pay,
)
ACCOUNT_APPEARS = Scenario(
    name="a_new_account_appears",
    title="A new account appears",
    does="The person has opened a savings account with $250.00 at the bank.",
    look="Press Refresh on the bank's card: Holiday Savings is there, and the totals grow by $250.00.",
    scope="item",
    play=_account_appears,
)
ACCOUNT_FOUND = Scenario(
    name="a_new_account_is_found",
    title="A new account is found",
    does="The bank finds an account that it does not share yet, and says so by a webhook.",
    look="Open CashView again: “Choose accounts” on the bank's card opens Link with the list, Holiday Savings in it.",
    scope="item",
    play=_account_found,
    fits=lambda _state, item: not item.found,
)
ACCOUNT_VANISHES = Scenario(
    name="an_account_vanishes",
    title="An account vanishes",
    does="The bank does not show its last account any more, as if it had been closed.",
    look="Press Refresh on the bank's card: the account is marked closed and no longer counts in the totals.",
    scope="item",
    play=_account_vanishes,
    fits=lambda state, item: _vanishing(state, item) is not None,
)
BALANCE_UNKNOWN = Scenario(
    name="a_balance_becomes_unknown",
    title="A balance becomes unknown",
    does="The bank stops saying how much is in its first account.",
    look="Press Refresh on the bank's card: the balance is unknown, not zero, and left out of the totals.",
    scope="item",
    play=_balance_unknown,
    fits=lambda state, item: _known(state, item) is not None,
)
