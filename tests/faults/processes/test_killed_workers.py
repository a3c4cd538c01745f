"""kill -9 of a gunicorn worker, of the whole gunicorn and of the job, at every call of linking and refreshing.

Claim: somebody else finishes, no row is doubled, none is missing, and no Item is left at the bank unknown to us.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.faults.processes.conftest import Site, until
from tests.faults.processes.gate import Stop
from tests.support.server import REPOSITORY
from tests.support.visitor import Visitor

pytestmark = pytest.mark.slow

EXCHANGE = "/item/public_token/exchange"


def taken_over(site: Site, person: Visitor, stop: Stop) -> None:
    """The worker at the gate dies, and new ones come once its lease has run out."""
    site.kill_caller(stop)
    site.replace_workers()
    person.reconnect()


@pytest.mark.parametrize("path, after", [("/accounts/get", False), ("/transactions/sync", True)])
def test_a_worker_killed_in_the_first_reading_is_replaced_and_nothing_is_doubled(
    site: Site, person: Visitor, peaceful, path, after
):
    with site.gate.stop(path, after=after) as stop:
        number = person.link(site.token()).json()["id"]
        taken_over(site, person, stop)
    assert person.wait_until_done(number, 60)["state"] == "healthy"
    assert site.content(number) == peaceful


@pytest.mark.parametrize("path", ["/accounts/balance/get", "/transactions/sync"])
def test_a_worker_killed_in_a_refresh_is_replaced_and_nothing_is_doubled(
    site: Site, person: Visitor, peaceful, path
):
    number = site.linked(person)
    with site.gate.stop(path, after=True) as stop:
        assert person.json("PATCH", f"/financial-institutions/{number}").status_code == 202
        taken_over(site, person, stop)
    assert person.wait_until_done(number, 60)["state"] == "healthy"
    assert site.content(number) == peaceful


def test_the_whole_gunicorn_killed_while_it_links_and_refreshes_goes_on_after_a_restart(
    site: Site, person: Visitor, peaceful
):
    known = site.linked(person)
    with site.gate.stop("/transactions/sync", after=True) as first:
        new = person.link(site.token()).json()["id"]
        first.wait()
        with site.gate.stop("/accounts/balance/get", after=True) as second:
            assert person.json("PATCH", f"/financial-institutions/{known}").status_code == 202
            second.wait()
            site.server.kill()
    site.server.start(migrate=False)
    site.replace_workers()
    person.reconnect()
    for number in (known, new):
        assert person.wait_until_done(number, 60)["state"] == "healthy"
        assert site.content(number) == peaceful


def killed_at_the_exchange(site: Site, person: Visitor, token: str, *, after: bool) -> None:
    """The person links; the worker dies before the bank hears of it, or when it has answered."""
    with ThreadPoolExecutor(1) as pool, site.gate.stop(EXCHANGE, after=after) as stop:
        answer = pool.submit(person.link, token)
        site.kill_caller(stop)
        if not after:
            stop.lose()
        with pytest.raises(requests.ConnectionError):
            answer.result(30)
    person.reconnect()


def test_a_worker_killed_before_the_exchange_leaves_a_token_that_links_once(
    site: Site, person: Visitor, peaceful
):
    token = site.token()
    killed_at_the_exchange(site, person, token, after=False)
    assert len(site.removals()) == 1, "the note that an exchange was under way"
    answers = [person.link(token), person.link(token)]
    assert [answer.status_code for answer in answers] == [202, 202], answers[0].text
    number, again = (answer.json()["id"] for answer in answers)
    assert number == again
    assert person.wait_until_done(number)["state"] == "healthy"
    assert site.content(number) == peaceful


def test_an_item_whose_exchange_was_answered_to_a_dead_worker_is_shown_to_the_operator(
    site: Site, person: Visitor
):
    """Its access token went to nobody and cannot be had again: a person must ask the bank's vendor to end it."""
    token = site.token()
    killed_at_the_exchange(site, person, token, after=True)
    assert person.link(token).status_code == 400
    job = site.job("--only", "removals", "--at", (datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert (job.returncode, "a person at Plaid" in job.stderr) == (1, True), job.stderr
    ((_, _, code),) = site.removals()
    assert code == "EXCHANGE_LOST"
    (orphan,) = site.live_items() - site.linked_items()
    (access,) = (
        each["access_token"] for each in site.gate.answered(EXCHANGE) if each.get("item_id") == orphan
    )
    site.end_as_support_does(access)


def test_a_worker_killed_when_the_bank_had_ended_the_item_leaves_a_removal_that_is_done_with(
    site: Site, person: Visitor
):
    number = site.linked(person)
    with site.gate.stop("/item/remove", after=True) as stop:
        assert person.json("DELETE", f"/financial-institutions/{number}").status_code == 200
        site.kill_caller(stop)
    person.reconnect()
    assert len(site.removals()) == 1
    site.run("UPDATE item_removals SET lease_until = due_at")  # two minutes later
    job = site.job("--only", "removals")
    assert job.returncode == 0, job.stderr
    assert site.removals() == []


def test_a_job_killed_while_it_reads_is_followed_by_one_that_reads_everything_once(
    site: Site, person: Visitor, peaceful
):
    number = site.linked(person)
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    command = [sys.executable, "scheduled_jobs.py", "--only", "refresh", "--at", tomorrow]
    with site.gate.stop("/transactions/sync", after=True) as stop:
        job = subprocess.Popen(command, cwd=REPOSITORY, env=site.server.environ, stderr=subprocess.DEVNULL)
        stop.wait()
        job.kill()
        assert job.wait(10) < 0
    until(site.no_living_lease, "the dead job's lease runs out")
    again = site.job("--only", "refresh", "--at", tomorrow)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1])["failed"] == 0
    assert site.rows("SELECT lease_id FROM financial_institutions WHERE lease_id IS NOT NULL") == []
    assert site.content(number) == peaceful
