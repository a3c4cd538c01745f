"""/item/remove fails for a day.

Claim: deleting answers at once and the person sees nothing of it; the rows stay, the job asks with growing gaps, and
in the end every Item is gone at the bank, once.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.faults.processes.conftest import Site, until
from tests.support.visitor import Visitor

pytestmark = pytest.mark.slow

REMOVE = "/item/remove"
HOURLY = """
import sys
import scheduled_jobs
sys.exit(max(scheduled_jobs.main(["--only", "removals", "--at", moment]) for moment in sys.argv[1:]))
"""
"""The job as cron runs it, a day of it in one process: starting Python 24 times would test nothing more."""


def removal_job(site: Site, at: datetime) -> int:
    """Run the job as if it were that moment; how many Items it ended."""
    job = site.job("--only", "removals", "--at", at.isoformat())
    assert job.returncode == 0, job.stderr
    return json.loads(job.stdout.splitlines()[-1])["removals"]


def next_try(site: Site) -> datetime:
    ((moment,),) = site.rows("SELECT due_at FROM item_removals")
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def attempts(site: Site) -> int:
    ((_, number, _),) = site.removals()
    return number


def has_failed_once(site: Site) -> bool:
    """Its attempt is counted when it begins; code, next moment and lease are written when it has failed."""
    ((_, number, code),) = site.removals()
    return (number, code) == (1, "INTERNAL_SERVER_ERROR")


def test_a_bank_that_ends_nothing_for_a_day_is_asked_with_growing_gaps_and_the_item_goes_in_the_end(
    site: Site, person: Visitor
):
    kept, number = site.linked(person), site.linked(person)
    switch = {"kind": "error", "code": "INTERNAL_SERVER_ERROR", "endpoint": REMOVE}
    requests.post(f"{site.simulator.url}/switches", json=switch, timeout=10).raise_for_status()
    try:
        answer = person.json("DELETE", f"/financial-institutions/{number}")
        assert (answer.status_code, len(answer.json()["dashboard"]["institutions"])) == (200, 1)
        until(lambda: has_failed_once(site), "the first try has failed")
        begin = next_try(site)
        assert removal_job(site, begin - timedelta(seconds=1)) == 0
        assert attempts(site) == 1, "not before its time"
        day = [begin + timedelta(hours=hour) for hour in range(24)]
        job = site.server.command("-c", HOURLY, *[moment.isoformat() for moment in day], timeout=120)
        assert job.returncode == 0, job.stderr
        # Pauses of 1, 2, 4 .. 512 minutes, rounded up to the hour of the next run.
        assert attempts(site) == len(site.gate.answered(REMOVE)) == 10
        assert next_try(site) > day[-1]
        nothing_to_be_seen(person, kept, number)
    finally:
        requests.delete(f"{site.simulator.url}/switches", timeout=10)
    assert removal_job(site, next_try(site) + timedelta(seconds=1)) == 1
    assert site.removals() == []
    assert site.live_items() == site.linked_items()


def nothing_to_be_seen(person: Visitor, kept: int, gone: int) -> None:
    """The pages as if the institution had never been."""
    shown = person.get("/dashboard.json").json()["institutions"]
    assert [(each["id"], each["state"], each["error"]) for each in shown] == [(kept, "healthy", None)]
    assert f'data-institution-id="{gone}"' not in person.get("/").text
    assert person.get(f"/financial-institutions/{gone}").status_code == 404


def test_a_profile_is_deleted_at_once_while_the_bank_ends_nothing(site: Site, person: Visitor):
    site.linked(person)
    before = site.live_items()
    switch = {"kind": "error", "code": "INTERNAL_SERVER_ERROR", "endpoint": REMOVE}
    requests.post(f"{site.simulator.url}/switches", json=switch, timeout=10).raise_for_status()
    try:
        site.delete_profile(person)
        until(lambda: has_failed_once(site), "the first try has failed")
        assert site.live_items() == before
    finally:
        requests.delete(f"{site.simulator.url}/switches", timeout=10)
    assert removal_job(site, next_try(site) + timedelta(seconds=1)) == 1
    assert len(site.live_items()) == len(before) - 1
