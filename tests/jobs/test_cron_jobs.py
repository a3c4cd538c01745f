"""The jobs themselves: paging, sharing the threads, counting."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from CronJobs import refresh_institutions, retry_removals
from extensions import db
from models import FinancialInstitution, ItemRemoval
from services.refreshing import Outcome
from services.removals import Removal
from tests.support.factories import make_user

NOW = datetime.now(UTC)
DUE = NOW - timedelta(hours=1)


def fill(number: int, **changes) -> list[int]:
    """So many healthy institutions that are due, in one go."""
    if not number:
        return []
    user = make_user()
    rows = [
        {
            "user_id": user.id,
            "environment": "sandbox",
            "plaid_item_id": f"item-{index}",
            "access_token": "t",
            "public_token_hash": f"{index:064}",
            "name": "Bank",
            "state": "healthy",
            "stage": "done",
            "scheduled_at": DUE,
            **changes,
        }
        for index in range(number)
    ]
    ids = list(db.session.scalars(insert(FinancialInstitution).returning(FinancialInstitution.id), rows))
    db.session.commit()
    return ids


class Refresher:
    """Stands for a refresh: remembers the ids, says what the test wants."""

    def __init__(self, outcomes: dict[int, object] | None = None) -> None:
        self.seen: list[int] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._outcomes = outcomes or {}

    def __call__(self, number: int) -> Outcome:
        with self._lock:
            self.seen.append(number)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        outcome = self._outcomes.get(number, Outcome.DONE)
        with self._lock:
            self._now -= 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def run(refresher: Refresher, concurrency: int = 4, *, dry_run: bool = False):
    calls = []
    done = refresh_institutions.run(NOW, refresher, concurrency, lambda: calls.append(1), dry_run=dry_run)
    return done, len(calls)


@pytest.mark.parametrize("number", [0, 1, 499, 500, 501, 1203])
def test_every_due_institution_is_refreshed_once_over_all_pages(context, number):
    ids = fill(number)
    refresher = Refresher()
    report, calls = run(refresher)
    assert (report.refreshed, report.failed, calls) == (number, 0, number)
    assert sorted(refresher.seen) == ids
    assert refresher.most_at_once <= 4


def test_a_dry_run_counts_all_pages_and_refreshes_nothing(context):
    fill(1203)
    refresher = Refresher()
    report, calls = run(refresher, dry_run=True)
    assert (report.refreshed, calls, refresher.seen) == (1203, 0, [])


def test_outcomes_are_counted_and_an_exception_is_a_failure(context):
    ids = fill(6)
    outcomes = {
        ids[0]: Outcome.WAITING,
        ids[1]: Outcome.FAILED,
        ids[2]: Outcome.BUSY,
        ids[3]: RuntimeError("ours"),
    }
    refresher = Refresher(outcomes)
    report, calls = run(refresher)
    assert (report.refreshed, report.failed, calls) == (3, 2, 6)
    assert sorted(refresher.seen) == ids


def test_not_all_institutions_wait_in_memory(context):
    """With two workers that never finish, only a few more than two are handed out."""
    fill(60)
    gate, entered = threading.Event(), threading.Semaphore(0)
    handed = []

    def refresh_one(number: int) -> Outcome:
        handed.append(number)
        entered.release()
        gate.wait(30)
        return Outcome.DONE

    result = []
    app = context

    def work() -> None:
        with app.app_context():
            result.append(refresh_institutions.run(NOW, refresh_one, 2, lambda: None, dry_run=False))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert entered.acquire(timeout=10)
        assert entered.acquire(timeout=10)
        assert len(handed) == 2
    finally:
        gate.set()
        thread.join(30)
    assert result[0].refreshed == 60


def make_removals(number: int) -> list[int]:
    if not number:
        return []
    rows = [
        {"environment": "sandbox", "plaid_item_id": f"i{n}", "access_token": "t", "due_at": DUE}
        for n in range(number)
    ]
    ids = list(db.session.scalars(insert(ItemRemoval).returning(ItemRemoval.id), rows))
    db.session.commit()
    return ids


@pytest.mark.parametrize("number", [0, 1, 100, 101, 250])
def test_every_due_removal_is_tried_once_even_when_all_fail(context, number):
    ids = make_removals(number)
    tried = []

    def fails(removal_id: int) -> Removal:
        tried.append(removal_id)
        return Removal.KEPT  # and stays due: nothing was written

    assert retry_removals.run(NOW, fails, dry_run=False) == 0
    assert sorted(tried) == ids


def test_only_removals_that_worked_are_counted(context):
    ids = make_removals(5)
    outcomes = dict(
        zip(ids, [Removal.REMOVED, Removal.KEPT, Removal.BUSY, Removal.REMOVED, Removal.KEPT], strict=True)
    )
    assert retry_removals.run(NOW, outcomes.__getitem__, dry_run=False) == 2
    assert retry_removals.run(NOW, outcomes.__getitem__, dry_run=True) == 5


def test_a_removal_that_breaks_stops_no_other(context):
    ids = make_removals(3)
    tried = []

    def breaks(removal_id: int) -> Removal:
        tried.append(removal_id)
        if removal_id == ids[0]:
            raise RuntimeError("ours")
        return Removal.REMOVED

    assert retry_removals.run(NOW, breaks, dry_run=False) == 2
    assert sorted(tried) == ids
