"""What a scenario is: something that happens at a bank, played with one press and then watched in CashView."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from simulator.institutions import catalogue
from simulator.records import Item
from simulator.state import State
from simulator.switches import Switch

Scope = Literal["item", "institution", "everybody"]


class NotPossible(Exception):
    """The scenario can't be played there, or nowhere now; the words say why."""


@dataclass(frozen=True)
class Stage:
    """Where a scenario is played. For an institution or everybody, `items` are those that will notice."""

    items: Sequence[Item]
    institution_id: str | None = None


@dataclass
class Outcome:
    """What happened: sentences for a person, and the switches that are on because of it."""

    sentences: list[str] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`does` says in a sentence what happens at the bank, `look` what to press in CashView to see it. Where nobody
    says where to play, it is at the newest Item that `fits`.
    """

    name: str
    title: str
    does: str
    look: str
    scope: Scope
    play: Callable[[State, Stage, Outcome], None]
    fits: Callable[[State, Item], bool] = lambda _state, _item: True


def bank_name(institution_id: str) -> str:
    """The name of an institution, for a person."""
    institution = catalogue.get(institution_id)
    return institution.name if institution else institution_id
