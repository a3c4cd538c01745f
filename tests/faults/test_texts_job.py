"""The texts job against the simulated Twilio over real HTTP: every failure of the vendor, by its row in the fault
table. One failing text never stops the others, and none goes twice."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

import pytest
from flask import Flask

import providers.twilio
from CronJobs import send_texts
from extensions import db
from providers.twilio import TwilioGateway, TwilioOptions
from services import job_runs
from tests.support.texters import TWILIO, SimulatedTwilio, texted_people
from tests.support.texts_job import Ended, Impatient, quiet, rows, run_texts_job, ten_minutes_on

HOME = "America/New_York"
NOON = datetime.fromisoformat("2025-11-11T12:00:00-05:00")

Run = Callable[[], Ended]


def gateway(url: str) -> TwilioGateway:
    options = {name.removeprefix("TWILIO_").lower(): value for name, value in TWILIO.items()}
    return TwilioGateway(TwilioOptions(number=options.pop("num"), **options, base_url=url))


@pytest.fixture
def stop() -> Impatient:
    return Impatient()


@pytest.fixture
def job(context: Flask, twilio: SimulatedTwilio, stop: Impatient, monkeypatch: pytest.MonkeyPatch) -> Run:
    """One run at noon, an hour after the last one."""
    monkeypatch.setitem(context.extensions, "texts", gateway(twilio.url))
    job_runs.finished("texts")
    return lambda: run_texts_job(context, NOON, stop)


def people(count: int) -> list[str]:
    return texted_people(count, NOON, HOME)


def posts(twilio: SimulatedTwilio, numbers: list[str]) -> list[int]:
    """What was answered to each call that was to send something."""
    return [status for endpoint, status in twilio.calls(numbers) if endpoint == "create"]


def test_row_08_a_time_out_after_the_text_was_taken_is_settled_by_a_look_up(job, twilio, monkeypatch):
    monkeypatch.setattr(providers.twilio, "TIMEOUT", 2.0)
    numbers = people(3)
    twilio.switch("latency", milliseconds=6000, after=True, to=numbers[0])
    assert job().texts == quiet(sent=2, unknown=1)
    assert rows()[0][0] == "unknown"
    twilio.forget()
    ten_minutes_on()
    assert job().texts == quiet()
    assert rows()[0] in {("sent", None), ("delivered", None)}
    assert twilio.count(numbers) == dict.fromkeys(numbers, 1)


def test_row_09_refused_connections_leave_the_texts_waiting_with_growing_pauses(
    job, twilio, context, monkeypatch, stop
):
    numbers = people(1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with monkeypatch.context() as closed:
        closed.setitem(context.extensions, "texts", gateway(nobody))
        ended = job()
    assert (ended.code, ended.texts) == (0, quiet(pending=1)), (
        "it needs nobody: it passes, or the next run sees"
    )
    assert len(stop.waits) == 3
    assert stop.waits[0] >= 1.5
    assert all(later > sooner * 1.2 for sooner, later in pairwise(stop.waits))
    ten_minutes_on()
    assert job().texts == quiet(sent=1)
    assert twilio.count(numbers) == dict.fromkeys(numbers, 1)


def test_row_10_slowed_down_three_times_waits_as_long_as_it_is_told(job, twilio, stop):
    numbers = people(3)
    twilio.switch("error", code=20429, seconds=17, times=3)
    assert job().texts == quiet(sent=3)
    assert stop.waits[:3] == [17, 17, 17]
    assert posts(twilio, numbers) == [429, 429, 429, 201, 201, 201]
    assert twilio.count(numbers) == dict.fromkeys(numbers, 1)


@pytest.mark.parametrize("kind, taken", [("http_500", 0), ("html", 0), ("truncated", 1), ("empty", 1)])
def test_row_11_an_answer_that_says_nothing_makes_one_text_unknown_and_serves_the_others(
    job, twilio, kind, taken
):
    numbers = people(6)
    twilio.switch(kind, to=numbers[2])
    ended = job()
    assert (ended.code, ended.texts) == (0, quiet(sent=5, unknown=1)), ended.errors
    assert "Traceback" not in ended.errors
    twilio.forget()
    ten_minutes_on()
    assert job().texts == quiet(), "it is never sent again"
    assert len(posts(twilio, numbers)) == 6
    assert (rows()[2][0] == "unknown") == (not taken), "the look-up finds what was taken"
    assert len(twilio.texts([numbers[2]])) == taken


def test_row_11_a_vendor_that_answers_nobody_is_left_alone_after_four(job, twilio):
    numbers = people(8)
    twilio.switch("html")
    assert job().texts == quiet(unknown=4, pending=4)
    assert posts(twilio, numbers) == [502] * 4
    twilio.forget()
    ten_minutes_on()
    assert job().texts == quiet(sent=4)
    assert twilio.count(numbers) == dict.fromkeys(numbers[4:], 1)


def test_row_12_a_call_that_hangs_is_given_up_and_the_others_are_served(job, twilio, monkeypatch):
    monkeypatch.setattr(providers.twilio, "TIMEOUT", 2.0)
    numbers = people(4)
    twilio.switch("hang", seconds=6, to=numbers[0])
    assert job().texts == quiet(sent=3, unknown=1)
    assert twilio.count(numbers) == dict.fromkeys(numbers[1:], 1)


def test_row_12_a_run_ends_before_the_next_one_begins(job, twilio, monkeypatch):
    monkeypatch.setattr(send_texts, "RUN_SECONDS", 0)
    numbers = people(4)
    assert job().texts == quiet(pending=4)
    monkeypatch.undo()
    assert send_texts.RUN_SECONDS < 3600
    assert twilio.count(numbers) == {}


def assert_told_once(ended: Ended, numbers: list[str], twilio: SimulatedTwilio) -> None:
    assert (ended.code, ended.texts) == (1, quiet(pending=len(numbers)))
    assert ended.errors.count("code 20003") == 1
    assert twilio.count(numbers) == {}


def test_row_13_refused_keys_are_met_once_and_nobody_is_marked_failed(job, twilio):
    numbers = people(20)
    twilio.switch("error", code=20003)
    assert_told_once(job(), numbers, twilio)
    assert twilio.calls(numbers) == [("create", 401)]
    assert {status for status, _ in rows()} == {"pending"}
    twilio.forget()
    again = job()
    assert (again.code, again.texts) == (0, quiet(sent=20))
    assert twilio.count(numbers) == dict.fromkeys(numbers, 1)


def test_row_13_keys_refused_at_a_look_up_end_the_run_too(job, twilio):
    (lost,) = people(1)
    twilio.switch("http_500")
    assert job().texts == quiet(unknown=1)
    ten_minutes_on()
    twilio.forget()
    twilio.switch("error", code=20003)
    numbers = people(3)
    assert_told_once(job(), numbers, twilio)
    assert twilio.calls([lost, *numbers]) == [("create", 500), ("list", 401)]


def test_row_13_keys_refused_at_the_question_after_a_gap_end_the_run_too(job, twilio, context, stop):
    db.session.execute(job_runs.JobRun.__table__.delete())
    db.session.commit()
    twilio.switch("error", code=20003)
    numbers = people(3)
    assert_told_once(job(), numbers, twilio)
    assert twilio.calls(numbers) == [("list", 401)]
