"""Scenarios in which a bank, or every bank, does not do what it should; and the way back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from simulator.plaid.sandbox import ask_to_log_in, fire
from simulator.records import Item
from simulator.scenarios.model import Outcome, Scenario, Stage, bank_name
from simulator.state import State
from simulator.switches import AT_THE_BANK, Switch

HOUR, TEN_MINUTES, FIVE_DAYS = timedelta(hours=1), timedelta(minutes=10), timedelta(days=5)
SLOW_MS = 8_000


def _asks_to_log_in(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        ask_to_log_in(state, item)
        outcome.sentences.append(f"{bank_name(item.institution_id)} now asks to sign in again.")


def _wants_a_new_link(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        with state.changing(item):
            item.must_be_linked_anew = True
        ask_to_log_in(state, item)
        outcome.sentences.append(
            f"{bank_name(item.institution_id)} asks to sign in again, and lets nobody renew the old connection."
        )


def _is_down(state: State, stage: Stage, outcome: Outcome) -> None:
    switch = _error(state, "INSTITUTION_DOWN", institution_id=stage.institution_id, lasts=HOUR)
    outcome.switches.append(switch)
    outcome.sentences.append(f"{bank_name(stage.institution_id or '')} is down for an hour.")


def _everything_is_down(state: State, _stage: Stage, outcome: Outcome) -> None:
    outcome.switches.append(_error(state, "INSTITUTION_DOWN", lasts=HOUR))
    outcome.sentences.append("Every bank is down for an hour.")


def _is_slow(state: State, stage: Stage, outcome: Outcome) -> None:
    switch = Switch(
        kind="latency",
        endpoint=AT_THE_BANK,
        institution_id=stage.institution_id,
        milliseconds=SLOW_MS,
        until=_until(state, TEN_MINUTES),
    )
    outcome.switches.append(_again(state, switch))
    name = bank_name(stage.institution_id or "")
    outcome.sentences.append(f"{name} takes {SLOW_MS // 1000} seconds for every answer, for ten minutes.")


def _withdraws_access(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        outcome.switches.append(_error(state, "USER_PERMISSION_REVOKED", item_id=item.item_id))
        _tell(state, item, "USER_PERMISSION_REVOKED")
        outcome.sentences.append(f"{bank_name(item.institution_id)} shares nothing any more.")


def _expires_soon(state: State, stage: Stage, outcome: Outcome) -> None:
    for item in stage.items:
        with state.changing(item):
            item.consent_ends_at = (state.clock.now() + FIVE_DAYS).isoformat()
        _tell(state, item, "PENDING_DISCONNECT")
        outcome.sentences.append(f"Access to {bank_name(item.institution_id)} ends in five days.")


def _back_to_normal(state: State, stage: Stage, outcome: Outcome) -> None:
    for switch in state.switches.all():
        if _concerns(switch, stage):
            state.switches.lift(switch.id)
    for item in stage.items:
        mended = item.error_code is not None or item.consent_ends_at is not None
        with state.changing(item):
            item.error_code, item.consent_ends_at = None, None
            item.found, item.must_be_linked_anew = False, False
        if mended:
            _tell(state, item, "LOGIN_REPAIRED")
    outcome.sentences.append(
        "Everything is back to normal."
        if stage.institution_id is None
        else f"{bank_name(stage.institution_id)} is back to normal."
    )


def _concerns(switch: Switch, stage: Stage) -> bool:
    """Whether a switch is about the institution that is named, or one of its Items that are; all are, for everybody."""
    if stage.institution_id is None:
        return True
    items = {item.item_id for item in stage.items}
    return switch.institution_id == stage.institution_id or switch.item_id in items


def _error(
    state: State,
    code: str,
    *,
    institution_id: str | None = None,
    item_id: str | None = None,
    lasts: timedelta | None = None,
) -> Switch:
    switch = Switch(
        kind="error",
        code=code,
        endpoint=AT_THE_BANK,
        institution_id=institution_id,
        item_id=item_id,
        until=None if lasts is None else _until(state, lasts),
    )
    return _again(state, switch)


def _again(state: State, switch: Switch) -> Switch:
    """Turns a switch on in place of the same one from an earlier press."""
    for each in state.switches.all():
        if _same(each, switch):
            state.switches.lift(each.id)
    return state.switches.add(switch)


def _same(one: Switch, other: Switch) -> bool:
    """Whether two switches do the same to the same, however long."""
    return replace(one, id="", until=None) == replace(other, id="", until=None)


def _until(state: State, lasts: timedelta) -> str:
    return (state.clock.now() + lasts).isoformat()


def _tell(state: State, item: Item, code: str) -> None:
    """The webhook that goes with it, if the Item has an address."""
    if item.webhook:
        fire(state, item, code)


ASKS_TO_LOG_IN = Scenario(
    name="bank_asks_to_log_in_again",
    title="Bank asks to log in again",
    does="The bank stops sharing until the person has signed in there once more.",
    look="Open CashView again in a few seconds: the card says “Sign in again”, and its numbers stay as they were.",
    scope="item",
    play=_asks_to_log_in,
    fits=lambda _state, item: item.error_code is None,
)
WANTS_A_NEW_LINK = Scenario(
    name="bank_wants_a_new_link",
    title="Bank wants a new link",
    does="The bank has a new system: the old connection can't be renewed, and a new one has new ids for all accounts.",
    look="Open CashView again: “Reconnect” is refused. Link the bank anew and move your trackers and history over.",
    scope="item",
    play=_wants_a_new_link,
    fits=lambda _state, item: item.error_code is None,
)
IS_DOWN = Scenario(
    name="bank_is_down_for_an_hour",
    title="Bank is down for an hour",
    does="For an hour the bank answers nobody; then it is back by itself.",
    look="Press Refresh on its card: “Not answering”, with the age of its numbers. Other banks still refresh.",
    scope="institution",
    play=_is_down,
)
IS_SLOW = Scenario(
    name="slow_bank",
    title="Slow bank",
    does="For ten minutes every answer of the bank takes eight seconds.",
    look="Press Refresh on its card and watch the progress. You can leave the page: it goes on without you.",
    scope="institution",
    play=_is_slow,
)
WITHDRAWS_ACCESS = Scenario(
    name="access_withdrawn_at_the_bank",
    title="Access withdrawn at the bank",
    does="On the bank's own site the person took back the permission to read the accounts.",
    look="Open CashView again: “Access ended”, and what the bank gave is deleted. Link it anew, or delete the card.",
    scope="item",
    play=_withdraws_access,
)
EXPIRES_SOON = Scenario(
    name="access_expires_soon",
    title="Access expires soon",
    does="The permission to read the accounts ends in five days, unless the person renews it.",
    look="Open CashView again in a few seconds: the card says on which day it expires, with a button to reconnect.",
    scope="item",
    play=_expires_soon,
    fits=lambda _state, item: item.consent_ends_at is None,
)
EVERYTHING_IS_DOWN = Scenario(
    name="everything_fails_at_once",
    title="Everything fails at once",
    does="For an hour no bank at all answers.",
    look="Press Refresh on several cards: each says “Not answering”, and the totals still show, with their age.",
    scope="everybody",
    play=_everything_is_down,
)
BACK_TO_NORMAL = Scenario(
    name="back_to_normal",
    title="Back to normal",
    does="Lifts every switch, lets every bank that asked for a new sign-in answer again, and renews what would end.",
    look="Open CashView again: where a sign-in was asked for, or an end announced, all is well. Refresh other cards.",
    scope="everybody",
    play=_back_to_normal,
)
