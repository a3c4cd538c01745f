"""The page does not know the difference: linking, refreshing and the demo with a worker beside gunicorn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.redis_server import RedisServer
from tests.support.server import AppServer
from tests.support.simulator import SimulatorProcess
from tests.support.visitor import Visitor, public_token
from tests.support.worker import WorkerProcess, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(ready_ms=500) as process:
        yield process


@pytest.fixture
def server(simulator: SimulatorProcess, broker: RedisServer, tmp_path: Path) -> Iterator[AppServer]:
    made = AppServer(simulator.url, tmp_path / "instance", CELERY_BROKER_URL=broker.url, LEASE_SECONDS="5")
    with made as process:
        yield process


def test_a_person_links_refreshes_and_is_served_while_the_broker_comes_and_goes(
    server, simulator, broker, tmp_path
):
    with WorkerProcess(server.environ, tmp_path / "worker.log") as worker:
        person = Visitor(server.url).sign_up("sam")
        worker.ready()
        linked = person.link(public_token(simulator.url))
        assert linked.status_code == 202
        number = linked.json()["id"]
        done = person.wait_until_done(number, 60)
        assert (done["state"], done["stage"], done["error"]) == ("healthy", "done", None)
        assert person.get("/dashboard.json").json()["totals"] == [
            {"currency": "USD", "holdings": "81091.7405", "net_worth": "-77184.1495"}
        ]
        assert person.json("PATCH", f"/financial-institutions/{number}").status_code == 202
        assert person.wait_until_done(number, 60)["state"] == "healthy"

        demo = Visitor(server.url)
        assert demo.form("/login", username="Test_User", password="pass_good").status_code == 200

        def full() -> bool:
            found = demo.get("/dashboard.json").json()["institutions"]
            return len(found) == 4 and all(one["stage"] == "done" for one in found)

        wait_for(full, "the demo is never full", 60)

        broker.kill()
        unheard = person.link(public_token(simulator.url, "ins_109511"))
        assert unheard.status_code == 202, (
            "the row is there; who reads it, and when, is no concern of a request"
        )
        broker.start()
        assert person.wait_until_done(unheard.json()["id"], 90)["state"] == "healthy"
    assert worker.stop() == 0
