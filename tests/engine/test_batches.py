"""The scheduler with a broker: batches for any number of workers, and an end in time whatever becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import scheduled_jobs
from extensions import db
from services import scheduled, vendors
from tests.engine.conftest import everything_is_there_once
from tests.jobs.test_runs_at_once import due_institutions
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_user

DUE = datetime.now(UTC) - timedelta(hours=1)


@pytest.mark.slow
def test_two_workers_share_the_work_and_the_texts_wait_for_it(job, bank_of, worker_at, monkeypatch):
    due_institutions(120)
    banks = [bank_of(seconds=0.05), bank_of(seconds=0.05)]
    workers = [worker_at(bank) for bank in banks]
    for worker in workers:
        worker.ready()
    left_when_texting = []
    real = scheduled_jobs._send_texts

    def texts(app, now, *arguments, **options):
        left_when_texting.append(scheduled.left(now).due)
        return real(app, now, *arguments, **options)

    monkeypatch.setattr("scheduled_jobs._send_texts", texts)

    ran = job()

    assert ran.code == 0, ran.errors
    assert (ran.report["refreshed"], ran.report["failed"]) == (120, 0)
    shares = [bank.read() for bank in banks]
    assert all(shares), "both had a part in it"
    together = shares[0] + shares[1]
    assert len(together) == len(set(together)) == 120
    everything_is_there_once(120)
    assert left_when_texting == [0]

    # One that fails is counted as failed; what was refreshed today is not due again.
    make_institution(make_user(), scheduled_at=DUE)
    for bank in banks:
        bank.always("/accounts/get", plaid.failure("ITEM_LOGIN_REQUIRED"))
    again = job()
    assert (again.code, again.report["refreshed"], again.report["failed"]) == (0, 0, 1)
    assert [worker.stop() for worker in workers] == [0, 0]


def test_without_a_worker_the_run_does_the_work_itself(job, impatient):
    due_institutions(3)
    ran = job("--only", "refresh")
    assert (ran.code, ran.report["refreshed"], ran.report["failed"]) == (0, 3, 0)
    everything_is_there_once(3)


def test_without_a_broker_the_run_does_the_work_itself_at_once(job, impatient, broker, monkeypatch):
    monkeypatch.setattr("CronJobs.refresh_in_batches.QUIET_SECONDS", 3600.0)
    broker.kill()
    due_institutions(3)
    ran = job("--only", "refresh")
    assert (ran.code, ran.report["refreshed"], ran.report["failed"]) == (0, 3, 0)


def test_what_fails_at_a_moment_to_come_is_tried_once(job, impatient):
    """There a failed institution still looks due, for its next try is counted by the real clock."""
    due_institutions(2)
    impatient.always("/accounts/get", plaid.failure("INSTITUTION_DOWN", "INSTITUTION_ERROR"))
    ran = job("--only", "refresh", "--at", (datetime.now(UTC) + timedelta(days=2)).isoformat())
    assert (ran.code, ran.report["refreshed"], ran.report["failed"]) == (0, 0, 2)
    assert len(impatient.read()) == 2


@pytest.mark.slow
def test_what_others_found_down_before_a_worker_started_is_not_hammered_by_it(job, bank_of, worker_at):
    """The bank's breaker is open in the database: the institution is put off and counts as failed."""
    institution = make_institution(make_user(), scheduled_at=DUE, plaid_institution_id="ins_down")
    for _ in range(20):
        vendors.failed(vendors.bank_key("sandbox", "ins_down"), "INSTITUTION_DOWN")
    vendors.forget()
    bank = bank_of()
    worker_at(bank).ready()
    ran = job("--only", "refresh")
    assert (ran.code, ran.report["refreshed"], ran.report["failed"]) == (0, 0, 1)
    assert bank.read() == []
    db.session.refresh(institution)
    assert institution.scheduled_at > datetime.now(UTC) - timedelta(minutes=1)
