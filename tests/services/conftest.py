"""A scripted bank vendor and a freshly linked institution for the services' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

import background
from models import FinancialInstitution
from providers.registry import LazyBanks
from tests.support.banks import banks_at
from tests.support.factories import make_institution, make_user
from tests.support.scripted_plaid import ScriptedPlaid


@pytest.fixture
def bank() -> Iterator[ScriptedPlaid]:
    """The vendor: says what the test scripts."""
    with ScriptedPlaid() as server:
        yield server


@pytest.fixture
def banks(bank: ScriptedPlaid) -> LazyBanks:
    """The gateways, both environments at the scripted vendor."""
    return banks_at(bank.url)


@pytest.fixture
def institution(context: Flask) -> FinancialInstitution:
    """Linked a moment ago and never read; nobody waits for it (`due_at` is null), as in the daily job."""
    return make_institution(
        make_user(),
        state="new",
        stage="connecting",
        refreshed_at=None,
        balances_as_of=None,
        identified=False,
    )


class Waiting:
    """An engine that runs nothing and remembers what was enqueued: (name, ids, delay in seconds)."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, dict[str, int], float]] = []

    def submit(self, name: str, ids: dict[str, int], delay: float) -> None:
        self.tasks.append((name, ids, delay))


@pytest.fixture
def engine(app: Flask) -> Iterator[Waiting]:
    """What services enqueue lands here."""
    waiting = Waiting()
    background.use(waiting)
    yield waiting
    background.use(None)
