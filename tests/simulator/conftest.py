"""A running simulator with a date that stands still, for the tests of its API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.bank import TODAY, Bank
from tests.support.simulator import SimulatorProcess


@pytest.fixture(scope="module")
def simulator_process() -> Iterator[SimulatorProcess]:
    """The program itself; transactions are ready at once after the first, empty sync."""
    with SimulatorProcess(today=TODAY) as running:
        yield running


@pytest.fixture
def bank(simulator_process: SimulatorProcess) -> Bank:
    return Bank(simulator_process)
