"""What every engine promises, of threads and of Celery: the same tests for both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

import background
from background.threads import ThreadEngine
from database import utcnow
from extensions import db
from handlers import limits_of
from models import FinancialInstitution
from tests.engine.conftest import Bank, everything_is_there_once
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_user
from tests.support.worker import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def bank(bank_of: Callable[..., Bank]) -> Bank:
    return bank_of()


@pytest.fixture(params=["threads", "celery"])
def engine(request: pytest.FixtureRequest, context: Flask, bank: Bank) -> Iterator[background.Engine]:
    """An engine of four threads that does the application's work at `bank`."""
    if request.param == "threads":
        app = request.getfixturevalue("app_with")(plaid_base_url=bank.url)
        made = ThreadEngine(4, limits_of(app.config["SETTINGS"]))
        background.register("sweep", lambda: None)
        made.start()
        background.use(made)
        yield made
        made.stop()
        background.use(None)
        return
    sending = request.getfixturevalue("sending")
    request.getfixturevalue("worker_at")(bank).ready()
    yield sending.extensions["background"]


def due(**changes: object) -> int:
    """An institution that a person just linked: its first refresh is wanted."""
    return make_institution(make_user(), due_at=utcnow(), state="new", refreshed_at=None, **changes).id


def healthy(number: int) -> bool:
    db.session.rollback()
    return db.session.get_one(FinancialInstitution, number, populate_existing=True).state == "healthy"


def test_engines_do_the_work_once_in_time_and_survive_what_they_are_given(engine, bank):
    """One test, for a worker needs a while to start: each paragraph leaves the engine as it was."""
    # A name nobody registered (a newer version enqueued it), a row that is gone: nothing, and on it goes.
    engine.submit("a_task_of_tomorrow", {"number": 1}, 0)
    engine.submit("refresh", {"institution_id": 999_999}, 0)
    engine.submit("refresh", {"wrong_argument": 1}, 0)

    # The same message twice is work done once.
    first = due(access_token="first")
    for _ in range(2):
        engine.submit("refresh", {"institution_id": first}, 0)
    wait_for(lambda: healthy(first), "the first one is never refreshed")

    # What is to come later comes later, and lets others pass.
    second, third = due(access_token="second"), due(access_token="third")
    engine.submit("refresh", {"institution_id": second}, 3)
    engine.submit("refresh", {"institution_id": third}, 0)
    wait_for(lambda: healthy(second) and healthy(third), "second and third are never refreshed")
    assert bank.read() == ["first", "third", "second"]
    everything_is_there_once(3)

    # Four people ask for real-time numbers and the banks take their time: half of the threads are left for others.
    answer = threading.Event()

    def slow(body):
        assert answer.wait(60)
        return plaid.accounts(plaid.account(f"account of {body['access_token']}"))

    bank.always("/accounts/balance/get", slow)
    patient = [due(realtime_wanted=True) for _ in range(4)]
    for number in patient:
        engine.submit("refresh_now", {"institution_id": number}, 0)
    wait_for(lambda: len(bank.asked("/accounts/balance/get")) == 2, "real-time refreshes never begin")
    fourth = due(access_token="fourth")
    engine.submit("refresh", {"institution_id": fourth}, 0)
    try:
        wait_for(lambda: healthy(fourth), "slow work took all threads")
        assert len(bank.asked("/accounts/balance/get")) == 2
    finally:
        answer.set()
    wait_for(lambda: all(healthy(number) for number in patient), "who waited for room is forgotten")
    everything_is_there_once(8)


def test_a_broker_that_is_away_never_fails_who_enqueues(sending, broker, bank, worker_at):
    """The row is the truth: when the broker is back, the sweep hands it on; the worker has waited for it too."""
    engine = sending.extensions["background"]
    worker = worker_at(bank).ready()
    broker.kill()
    number = due()
    background.enqueue("refresh", institution_id=number)
    assert engine.submit_batch("refresh_due", [number], due_by=utcnow().isoformat()) is False
    assert not healthy(number)

    broker.start()

    def swept() -> bool:
        background.run("sweep")
        return healthy(number)

    wait_for(swept, "it is never swept up", 60)
    assert worker.alive()
    everything_is_there_once(1)
