"""Ready-made scenarios by name: what can happen to a bank, played at any linked Item."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.institutions import catalogue
from simulator.records import Item
from simulator.scenarios import accounts, banks
from simulator.scenarios.model import NotPossible, Outcome, Scenario, Stage
from simulator.state import State
from simulator.switches import Switch

__all__ = ["SCENARIOS", "NotPossible", "Played", "Scenario", "Unknown", "play"]

SCENARIOS = {
    each.name: each
    for each in (
        banks.ASKS_TO_LOG_IN,
        banks.WANTS_A_NEW_LINK,
        accounts.TIP_ARRIVES,
        banks.IS_DOWN,
        accounts.ACCOUNT_APPEARS,
        accounts.ACCOUNT_FOUND,
        accounts.ACCOUNT_VANISHES,
        accounts.BALANCE_UNKNOWN,
        accounts.HOLD_VANISHES,
        banks.IS_SLOW,
        accounts.HISTORY_CHANGES,
        banks.EXPIRES_SOON,
        banks.WITHDRAWS_ACCESS,
        banks.EVERYTHING_IS_DOWN,
        banks.BACK_TO_NORMAL,
    )
}
"""By name, in the order in which they are shown."""


class Unknown(Exception):
    """There is no such scenario, Item or institution; the words say which."""


@dataclass(frozen=True)
class Played:
    """A scenario that was played: in a few words what happened, at which Items, and what it has switched on."""

    scenario: Scenario
    happened: str
    items: list[Item]
    switches: list[Switch]


def play(state: State, name: str, item_id: str | None = None, institution_id: str | None = None) -> Played:
    """Plays a scenario at an Item, at an institution (all its Items), or where it fits best.

    Unknown when a name means nothing, NotPossible when it can't be played there.
    """
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise Unknown(f"no such scenario; there are {', '.join(SCENARIOS)}")
    stage = _stage(state, scenario, item_id, institution_id)
    outcome = Outcome()
    scenario.play(state, stage, outcome)
    return Played(scenario, " ".join(outcome.sentences), list(stage.items), outcome.switches)


def _stage(state: State, scenario: Scenario, item_id: str | None, institution_id: str | None) -> Stage:
    items = _named(state, item_id, institution_id)
    if scenario.scope == "everybody":
        at = institution_id or (items[0].institution_id if item_id else None)
        return Stage(items, at)
    if scenario.scope == "institution" and institution_id is not None:
        return Stage(items, institution_id)
    chosen = items if item_id is not None else _fitting(state, scenario, items)
    chosen = chosen if institution_id is not None else chosen[:1]
    if not chosen:
        raise NotPossible(_nowhere(items))
    return Stage(chosen, chosen[0].institution_id)


def _named(state: State, item_id: str | None, institution_id: str | None) -> list[Item]:
    """The linked Items that are meant; all of them when nothing is named."""
    if item_id is not None and institution_id is not None:
        raise Unknown("name an Item or an institution, not both")
    if institution_id is not None and catalogue.get(institution_id) is None:
        raise Unknown("institution_id is not an institution of the simulator")
    items = [
        each
        for each in state.live_items()
        if item_id in {None, each.item_id} and institution_id in {None, each.institution_id}
    ]
    if item_id is not None and not items:
        raise Unknown("item_id is not that of a linked Item")
    return items


def _fitting(state: State, scenario: Scenario, items: list[Item]) -> list[Item]:
    """The Items at which it can be played, newest first."""
    newest = sorted(items, key=lambda each: each.created_at, reverse=True)
    return [each for each in newest if scenario.fits(state, each)]


def _nowhere(items: list[Item]) -> str:
    if not items:
        return "nothing is linked there yet; log in to CashView's demo or link a bank first"
    return (
        "none of the linked banks fits now: wait until CashView has read them, or play “Back to normal” first"
    )
