"""Refresh every institution that is due: once per local day from 06:00, and new ones until their history is in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from queue import SimpleQueue

from services import vendors
from services.patience import Patience
from services.refreshing import Outcome
from services.waiting import scheduled_now

log = logging.getLogger(__name__)

PAGE = 500
LOOK_EVERY = 100
"""After so many institutions the run asks again what other workers found down."""


@dataclass
class RefreshReport:
    """Counts of institutions in this run."""

    refreshed: int = 0
    failed: int = 0
    broken_by: set[type[BaseException]] = field(default_factory=set)
    """What refreshes raised: never an institution's fault, so the caller must look."""


def run(
    now: datetime,
    refresh_one: Callable[[int], Outcome],
    concurrency: int,
    done: Callable[[], object],
    *,
    dry_run: bool,
    stopped: Callable[[], bool] = lambda: False,
) -> RefreshReport:
    """Refresh what is due at `now`, `concurrency` at a time; `done` is called after each institution;
    nothing new begins once `stopped` is true.

    One failing institution never stops the others. Memory does not grow with their number. A dry run
    calls no vendor and counts what it would have refreshed. What a database that was away cut off is done again.
    """
    report, patience = RefreshReport(), Patience(stopped)
    one = partial(_patiently, patience, refresh_one)
    with ThreadPoolExecutor(concurrency, thread_name_prefix="refresh") as pool:
        # Not futures.wait: it looks at all that run for each that ends, a twelfth of what a run costs.
        running, finished = 0, SimpleQueue[Future[Outcome]]()
        for institution_id in _due(now, patience):
            if stopped():
                break
            if dry_run:
                report.refreshed += 1
                continue
            pool.submit(one, institution_id).add_done_callback(finished.put)
            running += 1
            if running >= 2 * concurrency:
                _count(finished.get(), report, done)
                running -= 1
        for _ in range(running):
            _count(finished.get(), report, done)
    return report


def _patiently(patience: Patience, refresh_one: Callable[[int], Outcome], institution_id: int) -> Outcome:
    return patience(partial(refresh_one, institution_id))


def _due(now: datetime, patience: Patience) -> Iterator[int]:
    """Ids page by page, in id order: what is refreshed meanwhile is behind us and not seen again."""
    last = 0
    while page := patience(partial(scheduled_now, now, after_id=last, limit=PAGE)):
        for number, institution_id in enumerate(page):
            if number % LOOK_EVERY == 0:
                patience(vendors.look)
            yield institution_id
        last = page[-1]


def _count(future: Future[Outcome], report: RefreshReport, done: Callable[[], object]) -> None:
    error = future.exception()
    if error is not None:
        log.error("a refresh broke: %s", type(error).__name__)
        report.broken_by.add(type(error))
    outcome = future.result() if error is None else Outcome.FAILED
    report.refreshed += outcome in (Outcome.DONE, Outcome.WAITING)
    report.failed += outcome in (Outcome.FAILED, Outcome.PUT_OFF)
    done()
