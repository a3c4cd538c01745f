"""Two schedulers at once, kill -9 at every point of sending, SIGTERM: 20 people, at most one text each, counted at
the simulated Twilio. What may have gone is shown as unknown, and a look-up settles it."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.faults.processes.conftest import until
from tests.faults.processes.text_site import MESSAGES, TextSite
from tests.support.texts_job import quiet

pytestmark = pytest.mark.slow

KILLED_IN_A_CLAIM = """
import os, signal, sys
import scheduled_jobs
from services import text_claims

check, claims = text_claims._checked, []

def die_in_the_eighth(*arguments):
    claims.append(arguments)
    if len(claims) == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return check(*arguments)

text_claims._checked = die_in_the_eighth
scheduled_jobs.main(["--only", "texts"])
"""
"""kill -9 between the UPDATE that claims the eighth text and its COMMIT."""


def all_served_once(texts: TextSite, numbers: list[str]) -> None:
    assert texts.twilio.count(numbers) == dict.fromkeys(numbers, 1)


def test_row_01_two_schedulers_at_once_send_each_text_once(texts: TextSite):
    numbers = texts.begin()
    with texts.gate.stop(MESSAGES) as first, texts.gate.stop(MESSAGES) as second:
        jobs = [texts.start(), texts.start()]
        first.wait()
        second.wait()  # a job makes one call at a time: these are two jobs, each with a text in hand
    ended = [texts.end(job) for job in jobs]
    assert [job.code for job in ended] == [0, 0], ended
    assert sum(job.texts["sent"] for job in ended if job.texts) == 20
    all_served_once(texts, numbers)
    assert texts.statuses() == {"sent": 20}


def test_row_04_killed_before_the_claim_is_committed_leaves_the_text_to_the_next_run(texts: TextSite):
    numbers = texts.begin()
    assert texts.server.command("-c", KILLED_IN_A_CLAIM).returncode == -signal.SIGKILL
    assert texts.statuses() == {"sent": 7, "pending": 13}
    again = texts.run()
    assert (again.code, again.texts) == (0, quiet(sent=13)), again.errors
    all_served_once(texts, numbers)


def test_row_05_killed_after_the_claim_and_before_the_call_is_unknown_and_never_sent_twice(texts: TextSite):
    numbers = texts.begin()
    texts.killed_at(8, after=False)
    assert texts.statuses() == {"sent": 7, "sending": 1, "pending": 12}
    at_once = texts.run()  # the dead job's lease still runs
    assert (at_once.code, at_once.texts) == (0, quiet(sent=12)), at_once.errors
    texts.later()
    later = texts.run()
    assert (later.code, later.texts) == (0, quiet(unknown=1)), later.errors
    assert texts.statuses() == {"sent": 19, "unknown": 1}
    assert ("unknown", "worker_died") in texts.rows()
    assert len(texts.twilio.count(numbers)) == len(texts.twilio.texts(numbers)) == 19
    (lost,) = set(numbers) - set(texts.twilio.count(numbers))
    assert texts.twilio.calls([lost]) == [("list", 200)], "it was looked up, and is not there"


def test_row_06_killed_before_the_answer_is_stored_is_settled_by_a_look_up(texts: TextSite):
    numbers = texts.begin()
    texts.killed_at(8, after=True)
    assert texts.statuses() == {"sent": 7, "sending": 1, "pending": 12}
    texts.later()
    later = texts.run()
    assert (later.code, later.texts) == (0, quiet(unknown=1, sent=12)), later.errors
    all_served_once(texts, numbers)
    assert set(texts.statuses()) <= {"sent", "delivered"}, "the look-up has told what became of it"


def test_row_06_and_08_what_became_unknown_is_settled_by_the_vendors_signed_callback(texts: TextSite):
    """The look-up finds nothing out; the page that Twilio calls is served by gunicorn."""
    numbers = texts.begin()
    texts.twilio.switch("http_500", endpoint="list")
    texts.twilio.switch("hold")
    texts.killed_at(8, after=True)
    texts.later()
    assert texts.run().texts == quiet(unknown=1, sent=12)
    assert texts.statuses() == {"sent": 19, "unknown": 1}
    texts.server.start(migrate=False)
    try:
        texts.twilio.forget()
        until(lambda: texts.statuses() == {"delivered": 20}, "every text is reported as delivered")
    finally:
        texts.server.stop()
    all_served_once(texts, numbers)


def test_row_07_sigterm_in_a_run_finishes_the_text_in_hand_and_leaves_the_rest(texts: TextSite):
    numbers = texts.begin()
    job, stop = texts.stopped_at(4)
    job.send_signal(signal.SIGTERM)
    stop.release()
    ended = texts.end(job, seconds=25)
    assert (ended.code, ended.texts) == (0, quiet(sent=4, pending=16)), ended.errors
    assert texts.statuses() == {"sent": 4, "pending": 16}
    assert texts.run().texts == quiet(sent=16)
    all_served_once(texts, numbers)


def test_row_07_sigterm_while_the_vendor_makes_us_wait_ends_the_wait(texts: TextSite):
    numbers = texts.begin(2)
    texts.twilio.switch("error", code=20429, seconds=60, times=1)
    job = texts.start(stdout=subprocess.PIPE)
    until(lambda: texts.statuses() == {"pending": 2} and texts.twilio.calls(numbers), "it was slowed down")
    job.send_signal(signal.SIGTERM)
    ended = texts.end(job, seconds=25)
    assert (ended.code, ended.texts) == (0, quiet(pending=2)), ended.errors
