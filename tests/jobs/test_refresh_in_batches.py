"""The batches of the daily refresh, with the workers played by the test: how it cuts, watches, helps and ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from CronJobs import refresh_in_batches
from extensions import db
from models import FinancialInstitution
from services.refreshing import Outcome, refresh
from tests.jobs.test_runs_at_once import due_institutions
from tests.support import scripted_plaid as plaid
from tests.support.banks import banks_at

Send = Callable[[list[int]], bool]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh_in_batches, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(refresh_in_batches, "LOOK_SECONDS", 0.05)


@pytest.fixture
def run(context, bank, quick) -> Callable[..., Any]:
    """Run it with this way to the workers; `tried` is told what the run refreshed itself."""

    def start(send: Send, tried: list[int], **changes: Any) -> Any:
        now, banks = datetime.now(UTC), banks_at(bank.url)

        def here(number: int) -> Outcome:
            tried.append(number)
            with context.app_context():
                return refresh(number, banks, 60, due_by=now)

        tools = {
            "send": send,
            "refresh_one": here,
            "concurrency": 2,
            "wait": lambda seconds: threading.Event().wait(seconds),
            "stopped": lambda: False,
            "done": lambda _number: None,
        }
        return refresh_in_batches.run(now, refresh_in_batches.Tools(**{**tools, **changes}))

    return start


@pytest.fixture
def worker(bank) -> Send:
    """Does a whole batch the moment it is sent."""
    banks = banks_at(bank.url)

    def send(ids: list[int]) -> bool:
        return all(refresh(number, banks, 60) is not Outcome.BUSY for number in ids)

    return send


@pytest.mark.parametrize("due, sizes", [(3, [1, 1, 1]), (12, [3, 3, 3, 3]), (23, [5, 5, 5, 5, 3])])
def test_a_small_run_is_cut_finely_and_a_large_one_coarsely(run, monkeypatch, due, sizes):
    monkeypatch.setattr(refresh_in_batches, "FINEST_CUT", 4)
    monkeypatch.setattr(refresh_in_batches, "LARGEST_BATCH", 5)
    wanted, sent = due_institutions(due), []
    run(lambda ids: not sent.append(ids), [], stopped=lambda: len(sent) == len(sizes))
    assert [len(ids) for ids in sent] == sizes
    assert [number for ids in sent for number in ids] == wanted


def test_what_the_workers_did_is_counted_from_the_rows_and_shown(run, worker, bank):
    gone = due_institutions(4)[-1]
    bank.next("/accounts/get", plaid.accounts(plaid.account("a1")), plaid.failure("ITEM_LOGIN_REQUIRED"))
    shown, tried = [], []

    def send(ids: list[int]) -> bool:
        if ids == [gone]:  # a person deletes it while its message travels
            db.session.execute(delete(FinancialInstitution).where(FinancialInstitution.id == gone))
            db.session.commit()
            return True
        return worker(ids)

    report = run(send, tried, done=shown.append)
    assert (report.refreshed, report.failed, tried) == (2, 1, [])


def test_progress_is_shown_as_the_rows_move_on(run, worker, monkeypatch):
    monkeypatch.setattr(refresh_in_batches, "QUIET_SECONDS", 3600.0)
    due_institutions(3)
    sent, shown = [], []

    def wait(_seconds: float) -> None:
        if sent:
            worker(sent.pop())

    report = run(lambda ids: not sent.append(ids), [], wait=wait, done=shown.append)
    assert report.refreshed == 3
    assert [number for number in shown if number] == [1, 1, 1]


def test_a_message_that_is_lost_is_made_up_for_by_the_run(run, worker):
    lost, *_ = due_institutions(3)
    tried: list[int] = []
    report = run(lambda ids: ids == [lost] or worker(ids), tried)
    assert (report.refreshed, report.failed, tried) == (3, 0, [lost])


def test_when_the_broker_takes_nothing_nothing_is_waited_for(run, monkeypatch):
    monkeypatch.setattr(refresh_in_batches, "QUIET_SECONDS", 3600.0)
    wanted, tried, waited = due_institutions(3), [], []
    report = run(lambda _ids: False, tried, wait=waited.append)
    assert (report.refreshed, sorted(tried), waited) == (3, wanted, [])


def test_what_a_dead_worker_held_is_taken_over_when_its_lease_ends(run):
    (held,) = due_institutions(1)
    tried: list[int] = []

    def die_holding_it(ids: list[int]) -> bool:
        row = db.session.get_one(FinancialInstitution, held)
        row.lease_id, row.lease_until = "dead", datetime.now(UTC) + timedelta(seconds=0.6)
        db.session.commit()
        return True

    report = run(die_holding_it, tried)
    assert (report.refreshed, report.failed, tried) == (1, 0, [held])


def test_a_lease_that_ends_just_after_the_run_lent_a_hand_is_taken_over_too(run, monkeypatch):
    (held,) = due_institutions(1)
    tried: list[int] = []
    lend_a_hand = refresh_in_batches.refresh_institutions.run

    def lease_until(moment: datetime) -> None:
        row = db.session.get_one(FinancialInstitution, held)
        row.lease_id, row.lease_until = "dead", moment
        db.session.commit()

    def die_holding_it(ids: list[int]) -> bool:
        lease_until(datetime.now(UTC) + timedelta(minutes=5))
        return True

    def end_the_lease_afterwards(*arguments: Any, **options: Any) -> Any:
        report = lend_a_hand(*arguments, **options)
        if not tried:
            lease_until(datetime.now(UTC) - timedelta(seconds=1))
        return report

    monkeypatch.setattr(refresh_in_batches.refresh_institutions, "run", end_the_lease_afterwards)
    report = run(die_holding_it, tried)
    assert (report.refreshed, report.failed, tried) == (1, 0, [held])


def test_the_run_ends_in_time_whatever_a_worker_does(run, monkeypatch):
    """A worker took the only institution the moment it was sent, and never lets go."""
    monkeypatch.setattr(refresh_in_batches, "RUN_SECONDS", 1.0)
    (held,) = due_institutions(1)
    tried: list[int] = []

    def hold(ids: list[int]) -> bool:
        row = db.session.get_one(FinancialInstitution, held)
        row.lease_id, row.lease_until = "living", datetime.now(UTC) + timedelta(minutes=5)
        db.session.commit()
        return True

    report = run(hold, tried)
    assert (report.refreshed, report.failed, tried) == (0, 0, [])
    assert db.session.scalar(select(FinancialInstitution.lease_id)) == "living"


def test_a_run_that_is_told_to_stop_leaves_the_rest_to_its_rows(run):
    due_institutions(3)
    stop, tried = threading.Event(), []
    report = run(lambda _ids: True, tried, wait=lambda _seconds: stop.set(), stopped=stop.is_set)
    assert (report.refreshed, report.failed, tried) == (0, 0, [])
