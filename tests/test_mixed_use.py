"""Two web processes of four threads and the job on one SQLite file, for 20 seconds of mixed use.

No answer may be a 5xx, and nothing may be lost: what was linked is there, what was deleted is gone, here and
at the vendor, and nobody sees another's.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.support.server import AppServer
from tests.support.simulator import SimulatorProcess
from tests.support.visitor import Visitor, public_token

Job = subprocess.CompletedProcess[str]
SECONDS = 20
PEOPLE = 4


class Person(threading.Thread):
    """Links, refreshes, reads and deletes at random, and remembers what must be there."""

    def __init__(self, number: int, server: AppServer, simulator: SimulatorProcess, end: float) -> None:
        super().__init__(daemon=True)
        self.random = random.Random(number)
        self.visitor = Visitor(server.url).sign_up(f"person{number}")
        self.simulator, self.end = simulator, end
        self.linked: set[int] = set()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while time.monotonic() < self.end:
                self.random.choices(
                    [self.link, self.look, self.figures, self.refresh, self.delete, self.delete_account],
                    [2, 4, 4, 3, 1, 1],
                )[0]()
        except BaseException as error:
            self.error = error

    def link(self) -> None:
        if len(self.linked) < 12:
            answer = self.visitor.link(public_token(self.simulator.url))
            assert answer.status_code == 202, answer.text
            self.linked.add(answer.json()["id"])

    def look(self) -> None:
        assert self.visitor.get("/").status_code == 200

    def figures(self) -> None:
        shown = self.visitor.get("/dashboard.json").json()
        assert {entry["id"] for entry in shown["institutions"]} == self.linked

    def refresh(self) -> None:
        if self.linked:
            chosen = self.random.choice(sorted(self.linked))
            assert self.visitor.json("PATCH", f"/financial-institutions/{chosen}").status_code in (202, 429)

    def delete(self) -> None:
        if self.linked:
            chosen = self.random.choice(sorted(self.linked))
            assert self.visitor.json("DELETE", f"/financial-institutions/{chosen}").status_code == 200
            self.linked.discard(chosen)
            assert self.visitor.get(f"/financial-institutions/{chosen}").status_code == 404

    def delete_account(self) -> None:
        shown = self.visitor.get("/dashboard.json").json()
        accounts = [account["id"] for entry in shown["institutions"] for account in entry["accounts"]]
        if accounts:
            chosen = self.random.choice(accounts)
            assert self.visitor.json("DELETE", f"/accounts/{chosen}").status_code == 200


@pytest.mark.slow
def test_mixed_use_of_two_processes_and_the_job_on_one_sqlite_file(tmp_path: Path) -> None:
    with SimulatorProcess(latency_ms=20) as simulator, AppServer(simulator.url, tmp_path) as server:
        end = time.monotonic() + SECONDS
        people = [Person(number, server, simulator, end) for number in range(PEOPLE)]
        for person in people:
            person.start()
        jobs = _run_jobs_until(end, server)
        for person in people:
            person.join(60)
        assert [person.error for person in people] == [None] * PEOPLE
        assert [job for job in jobs if job.returncode != 0] == [], _explained(jobs, server)
        assert jobs
        _settle(people)
        statuses = [status for person in people for status in person.visitor.statuses]
        assert [status for status in statuses if status >= 500] == []
        assert len(statuses) > 100
        _check_nothing_is_lost(people, tmp_path / "cashview.db", simulator)


def _run_jobs_until(end: float, server: AppServer) -> list[Job]:
    """The job again and again, each time a day later, so that every institution is due every time."""
    jobs: list[Job] = []
    moment = datetime.now(UTC)
    while time.monotonic() < end:
        moment += timedelta(days=1)
        # Not the clean-up: a week later nobody's session would still be good.
        # Removals as of now: to a day later, an exchange that is under way this moment would be one nobody finished.
        at = [] if len(jobs) % 3 == 2 else ["--at", moment.isoformat()]
        jobs.append(server.command("scheduled_jobs.py", "--only", "refresh" if at else "removals", *at))
    return jobs


def _explained(jobs: list[Job], server: AppServer) -> str:
    """What each job that failed was, and said to the end, and what the server wrote meanwhile."""
    failed = [
        f"job {number}, {' '.join(job.args[1:])}, ended with {job.returncode}:\n{job.stdout}\n{job.stderr}"
        for number, job in enumerate(jobs)
        if job.returncode != 0
    ]
    return "\n".join([*failed, "the server:", server.log.read_text()[-20_000:]])


def _settle(people: list[Person]) -> None:
    for person in people:
        for institution_id in person.linked:
            resource = person.visitor.wait_until_done(institution_id, 60)
            assert (resource["state"], resource["stage"]) == ("healthy", "done"), resource


def _check_nothing_is_lost(people: list[Person], database: Path, simulator: SimulatorProcess) -> None:
    kept = sum(len(person.linked) for person in people)
    deadline = time.monotonic() + 60
    while (waiting := _count(database, "item_removals")) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert waiting == 0, "Items were not ended at the vendor"
    assert _count(database, "financial_institutions") == kept
    # user_good: 14 accounts an institution (deleted ones leave a mark), 388 transactions in two years.
    assert _count(database, "accounts") == 14 * kept
    assert requests.get(f"{simulator.url}/healthz", timeout=5).ok


def _count(database: Path, table: str) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
