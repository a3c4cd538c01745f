"""CashView as it runs (gunicorn, two processes), the simulator behind a gate, and a look into the database.

Started once; leases last a second, so that a dead process is taken over soon. After every test everything must be
settled: whatever happened, each Item that lives at the bank is linked, and none waits to be ended.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from sqlalchemy import create_engine, text

from tests.faults.processes.gate import Gate, Stop
from tests.faults.processes.text_site import TextSite
from tests.support.databases import another_database
from tests.support.server import AppServer
from tests.support.simulator import SimulatorProcess
from tests.support.visitor import PASSWORD, Visitor, public_token

DEADLINE_SECONDS = 90.0


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of the condition; it is asked again and again."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still waiting until {what}"
        time.sleep(0.03)
    return value


HELD = "SELECT id FROM financial_institutions WHERE lease_until"


class Site:
    """Everything a test of real processes needs. `person` is signed in and has done nothing yet."""

    def __init__(self, database_url: str, folder: Path, simulator: SimulatorProcess, gate: Gate) -> None:
        self.simulator, self.gate = simulator, gate
        self.server = AppServer(gate.url, folder, DATABASE_URL=database_url, LEASE_SECONDS="1")
        self.other = AppServer(gate.url, folder, DATABASE_URL=database_url, LEASE_SECONDS="1")
        self.engine = create_engine(database_url)
        is_sqlite = self.engine.dialect.name == "sqlite"
        self._now = "strftime('%Y-%m-%d %H:%M:%f')" if is_sqlite else "now()"
        self._numbers = itertools.count(1)

    def sign_up(self) -> Visitor:
        return Visitor(self.server.url).sign_up(f"person{next(self._numbers)}")

    def tab(self, visitor: Visitor, server: AppServer) -> Visitor:
        """Another tab of the same browser, whose requests another server answers."""
        tab = Visitor(server.url)
        tab.http.cookies.update(visitor.http.cookies)
        tab.token = visitor.token
        return tab

    def token(self) -> str:
        return public_token(self.simulator.url)

    def linked(self, visitor: Visitor) -> int:
        """A new institution of this visitor, read in peace."""
        number = visitor.link(self.token()).json()["id"]
        assert visitor.wait_until_done(number)["state"] == "healthy"
        return number

    def delete_profile(self, tab: Visitor) -> None:
        """The form of /users/delete, as far as its own answer: the person is gone afterwards."""
        data = {"csrf_token": tab.token, "current_password": PASSWORD}
        url = f"{tab.base_url}/users/delete"
        answer = tab.http.post(url, data=data, timeout=30, allow_redirects=False)
        assert answer.status_code == 303, answer.text

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with self.engine.begin() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def run(self, statement: str, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def content(self, institution_id: int) -> tuple[list[Any], list[Any]]:
        """Accounts and transactions of an institution as rows that are the same for every Item of one login."""
        accounts = self.rows(
            "SELECT name, mask, available, current, closed_at, deleted_at FROM accounts"
            " WHERE financial_institution_id = :id ORDER BY name, mask",
            id=institution_id,
        )
        transactions = self.rows(
            "SELECT accounts.name, transactions.name, transactions.amount, transactions.date"
            " FROM transactions JOIN accounts ON accounts.id = transactions.account_id"
            " WHERE transactions.financial_institution_id = :id",
            id=institution_id,
        )
        return accounts, sorted(map(str, transactions))

    def live_items(self) -> set[str]:
        """The Items that the bank has and bills."""
        shown = requests.get(f"{self.simulator.url}/switches", timeout=10).json()
        return {item["item_id"] for item in shown["items"]}

    def linked_items(self) -> set[str]:
        return {item for (item,) in self.rows("SELECT plaid_item_id FROM financial_institutions")}

    def removals(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT id, attempts, error_code FROM item_removals ORDER BY id")

    def settled(self) -> bool:
        """Is nothing under way, and is every Item either linked or ended?"""
        waiting = self.rows(
            "SELECT id FROM financial_institutions WHERE due_at IS NOT NULL OR lease_id IS NOT NULL"
        )
        return not waiting and not self.removals() and self.live_items() == self.linked_items()

    def caller(self, stop: Stop) -> psutil.Process:
        """The worker whose call is held."""
        for server in (self.server, self.other):
            for worker in server.workers() if server.is_running else ():
                if any(each.laddr.port == stop.port for each in worker.net_connections("tcp")):
                    return worker
        raise AssertionError("no worker of ours is calling")

    def kill_caller(self, stop: Stop) -> None:
        """kill -9 of the worker whose call is held."""
        victim = self.caller(stop.wait())
        victim.kill()
        psutil.wait_procs([victim], 5)

    def replace_workers(self) -> None:
        """Once the leases of the dead have run out, let new workers begin: they look for work at once, where the
        old ones may wait for 15 seconds."""
        until(self.no_living_lease, "the leases run out")
        for worker in self.server.workers():
            worker.kill()

    def no_living_lease(self) -> bool:
        return not self.rows(f"{HELD} > {self._now}")

    def end_as_support_does(self, access_token: str) -> None:
        """What docs/operating.md asks of the operator: have the Item ended, and delete its row."""
        keys = {"client_id": "simulator", "secret": "simulator-sandbox-secret"}
        body = {**keys, "access_token": access_token}
        requests.post(f"{self.simulator.url}/item/remove", json=body, timeout=10).raise_for_status()
        self.run("DELETE FROM item_removals WHERE error_code = 'EXCHANGE_LOST'")

    def job(self, *arguments: str) -> Any:
        return self.server.command("scheduled_jobs.py", *arguments)

    def stop(self) -> None:
        self.gate.forget()
        self.server.stop()
        self.other.stop()
        self.engine.dispose()


@pytest.fixture(scope="session")
def running(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with SimulatorProcess() as simulator, Gate(simulator.url) as gate:
        site = Site(another_database(database_url, folder), folder, simulator, gate)
        try:
            site.server.start()
            yield site
        finally:
            site.stop()
    for server in (site.server, site.other):
        server.log.unlink(missing_ok=True)


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    running.gate.forget()
    yield running
    running.gate.forget()
    until(
        running.settled,
        "every Item is linked or ended: "
        f"{running.live_items() ^ running.linked_items()}, {running.removals()}",
    )


@pytest.fixture
def person(site: Site) -> Visitor:
    return site.sign_up()


@pytest.fixture(scope="session")
def peaceful(running: Site) -> tuple[list[Any], list[Any]]:
    """What an institution of this login holds when nobody disturbs its reading."""
    visitor = running.sign_up()
    number = running.linked(visitor)
    content = running.content(number)
    assert len(content[0]) == 14
    assert len(content[1]) > 100
    return content


@pytest.fixture
def other(site: Site) -> AppServer:
    """A second server on the same database, as on another machine."""
    if not site.other.is_running:
        site.other.start(migrate=False)
    return site.other


@pytest.fixture(scope="session")
def texting(
    simulator: SimulatorProcess, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TextSite]:
    folder = tmp_path_factory.mktemp("texts")
    with Gate(simulator.url) as gate:
        site = TextSite(another_database(database_url, folder), folder, simulator, gate)
        yield site
        site.stop()


@pytest.fixture
def texts(texting: TextSite) -> Iterator[TextSite]:
    """The texts job and a database without people, nothing held and nothing switched on."""
    yield texting
    texting.gate.forget()
    texting.twilio.forget()
