"""A worker that dies or leaves in mid-batch. Also run on Postgres (--db=postgres)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import pytest

import background
from database import utcnow
from extensions import db
from models import FinancialInstitution
from tests.engine.conftest import Bank, everything_is_there_once
from tests.jobs.test_runs_at_once import due_institutions
from tests.support.factories import make_institution, make_user
from tests.support.worker import WorkerProcess, wait_for

pytestmark = pytest.mark.slow


def at_request(bank: Bank, number: int, act: Callable[[], object]) -> None:
    """When the bank's accounts are asked for the so-manieth time, `act` is called before it answers."""
    lock, asked, usual = threading.Lock(), [], bank._standing["/accounts/get"]

    def respond(body):
        with lock:
            asked.append(body)
            if len(asked) == number:
                act()
        return usual(body)

    bank.always("/accounts/get", respond)


def test_a_worker_killed_in_mid_batch_loses_and_doubles_nothing(job, impatient, bank_of, worker_at):
    """Its claims run out; the living ones and the run do what it left, long before Celery gives its messages out."""
    due_institutions(100)
    doomed_bank, other_bank = bank_of(seconds=0.1), bank_of(seconds=0.1)
    doomed, other = worker_at(doomed_bank), worker_at(other_bank)
    at_request(doomed_bank, 6, lambda: doomed._process.send_signal(signal.SIGKILL))
    doomed.ready()
    other.ready()

    ran = job("--only", "refresh")

    assert doomed.stop() == -signal.SIGKILL, "it was in the middle of it"
    assert (ran.code, ran.report["refreshed"], ran.report["failed"]) == (0, 100, 0)
    everything_is_there_once(100)
    begun_again = set(doomed_bank.read()) & set(other_bank.read() + impatient.read())
    assert begun_again, "what the dead one held was taken over"


def test_a_worker_asked_to_stop_finishes_what_it_has_and_gives_the_rest_back(job, bank_of, worker_at):
    due_institutions(100)
    leaving_bank, other_bank = bank_of(seconds=0.1), bank_of(seconds=0.1)
    leaving, other = worker_at(leaving_bank), worker_at(other_bank)
    at_request(leaving_bank, 6, lambda: leaving._process.send_signal(signal.SIGTERM))
    leaving.ready()
    other.ready()

    ran = job("--only", "refresh")

    assert leaving.stop() == 0
    assert (ran.code, ran.report["refreshed"], ran.report["failed"]) == (0, 100, 0)
    everything_is_there_once(100)
    read = leaving_bank.read() + other_bank.read()
    assert len(read) == len(set(read)) == 100, "nothing was cut off, so nothing was read twice"
    assert leaving_bank.read()


def test_what_a_killed_worker_was_asked_for_is_swept_up(sending, bank_of, worker_at):
    """A person's own refresh: the message died with the worker, the row did not."""
    bank = bank_of()
    number = make_institution(make_user(), due_at=utcnow(), state="new", refreshed_at=None).id
    doomed: WorkerProcess = worker_at(bank)
    at_request(bank, 1, lambda: doomed._process.send_signal(signal.SIGKILL))
    background.enqueue("refresh", institution_id=number)
    wait_for(lambda: not doomed.alive(), "the worker took the message and was killed")
    successor = worker_at(bank_of()).ready()

    def swept() -> bool:
        background.run("sweep")
        db.session.rollback()
        return db.session.get_one(FinancialInstitution, number, populate_existing=True).state == "healthy"

    wait_for(swept, successor.said() + "nobody took it over")
    everything_is_there_once(1)
