"""The Celery engine as it runs: a real Redis server, real worker processes, the test's own database.

Each worker asks a bank of its own, so that a test sees who did what.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import background
import scheduled_jobs
from extensions import db
from models import Account, BalanceSnapshot, FinancialInstitution, Transaction
from tests.jobs.conftest import Job, Ran
from tests.jobs.test_runs_at_once import environ
from tests.support import scripted_plaid as plaid
from tests.support.banks import banks_at
from tests.support.reading import count
from tests.support.redis_server import RedisServer, redis_or_leave_out
from tests.support.scripted_plaid import ScriptedPlaid
from tests.support.worker import WorkerProcess

LEASE_SECONDS = 3


class Bank(ScriptedPlaid):
    """A vendor where every access token has an account and a transaction of its own, and takes its time."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        self.always("/accounts/get", self._accounts)
        self.always("/transactions/sync", self._changes)

    def _accounts(self, body: dict[str, Any]) -> Any:
        time.sleep(self.seconds)
        return plaid.accounts(plaid.account(f"account of {body['access_token']}"))

    def _changes(self, body: dict[str, Any]) -> Any:
        name = body["access_token"]
        bought = plaid.transaction(f"purchase of {name}", account_id=f"account of {name}")
        return plaid.page([] if body.get("cursor") else [bought], cursor="c1")

    def read(self) -> list[str]:
        """The access tokens whose accounts were asked for, in order."""
        # A client that is killed while it asks sends half a request.
        return [body["access_token"] for body in self.asked("/accounts/get") if body]


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    redis_or_leave_out()
    with RedisServer() as server:
        yield server


@pytest.fixture
def broker(redis: RedisServer) -> Iterator[RedisServer]:
    """The server, running and empty."""
    yield redis
    redis.kill()
    redis.start()


@pytest.fixture
def bank_of() -> Iterator[Callable[..., Bank]]:
    """Makes banks: `bank_of(seconds=0.02)`."""
    made: list[Bank] = []

    def make(seconds: float = 0.0) -> Bank:
        made.append(Bank(seconds).__enter__())
        return made[-1]

    yield make
    for bank in made:
        bank.__exit__(None, None, None)


@pytest.fixture
def worker_at(context: Flask, broker: RedisServer, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers on the test's database and broker, each at its bank; they need a moment until ready()."""
    started: list[WorkerProcess] = []

    def start(bank: ScriptedPlaid, **changes: str) -> WorkerProcess:
        settings = environ(context, bank.url, tmp_path)
        settings |= {"CELERY_BROKER_URL": broker.url, "LEASE_SECONDS": str(LEASE_SECONDS)}
        log = tmp_path / f"worker-{len(started)}.log"
        started.append(WorkerProcess({**settings, **changes}, log).start())
        return started[-1]

    yield start
    for worker in started:
        if worker.alive():
            worker.kill()


@pytest.fixture
def sending(app_with: Callable[..., Flask], broker: RedisServer) -> Iterator[Flask]:
    """This process as a web process with a broker: what services enqueue goes to the workers."""
    app = app_with(celery_broker_url=broker.url, lease_seconds=LEASE_SECONDS)
    background.use(app.extensions["background"])
    yield app
    background.use(None)


@pytest.fixture
def job(
    sending: Flask, context: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Job:
    """Run scheduled_jobs.py's main with a broker. Its own bank does not answer, unless `impatient` gives it one."""
    monkeypatch.setattr(scheduled_jobs, "create_app", lambda **_: sending)
    monkeypatch.setattr("CronJobs.refresh_in_batches.LOOK_SECONDS", 0.1)

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = scheduled_jobs.main(list(arguments))
        said = capsys.readouterr()
        lines = said.out.strip().splitlines()
        return Ran(code, json.loads(lines[-1]) if lines else None, said.out, said.err)

    return run


@pytest.fixture
def impatient(sending: Flask, bank_of: Callable[..., Bank], monkeypatch: pytest.MonkeyPatch) -> Bank:
    """The bank of the run itself, which lends a hand after a second of silence."""
    monkeypatch.setattr("CronJobs.refresh_in_batches.QUIET_SECONDS", 1.0)
    bank = bank_of()
    monkeypatch.setitem(sending.extensions, "banks", banks_at(bank.url))
    return bank


def rows_of(table: Any) -> int:
    """How many there are, as the database has it now."""
    db.session.rollback()
    return count(table)


def everything_is_there_once(number: int) -> None:
    """`number` institutions were refreshed, and no row is missing or doubled."""
    assert [rows_of(table) for table in (Account, BalanceSnapshot, Transaction)] == [number] * 3
    found = db.session.query(FinancialInstitution).populate_existing().all()
    assert {(row.state, row.lease_id, row.transactions_cursor) for row in found} == {("healthy", None, "c1")}
