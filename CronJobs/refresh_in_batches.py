"""Refresh every institution that is due, on as many machines as there are: send batches, watch the rows.

The run waits for the workers, because the texts that follow tell what the refreshes found; at most for
RUN_SECONDS. Where nothing moves (a worker was killed with its batch, there is none, the broker is away) the run
does by itself what is left, so that nothing depends on a message having arrived.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from time import monotonic

from CronJobs import refresh_institutions
from CronJobs.refresh_institutions import PAGE, RefreshReport
from services import scheduled
from services.health import DATABASE_AWAY
from services.patience import Patience
from services.refreshing import Outcome
from services.waiting import scheduled_now

RUN_SECONDS = 15 * 60
"""Then the texts go out with the numbers there are; what is left waits in its row for the next hourly run."""
QUIET_SECONDS = 15.0
"""So long nothing may have moved before the run lends a hand."""
LOOK_SECONDS = 0.25
LARGEST_BATCH, FINEST_CUT = 50, 200
"""Ids in a message at most; a small run is cut into so many messages, so that every thread has a share."""


@dataclass(frozen=True)
class Tools:
    """What the run works with: a way to the workers that says whether the broker took the batch, the refresh of
    one institution in this process and how many at once, a wait that ends early when the run is to stop, whether
    it is to stop, and what is told how many have been done since it was last told."""

    send: Callable[[list[int]], bool]
    refresh_one: Callable[[int], Outcome]
    concurrency: int
    wait: Callable[[float], object]
    stopped: Callable[[], bool]
    done: Callable[[int], object]


def run(now: datetime, tools: Tools) -> RefreshReport:
    """Have everything that is due at `now` refreshed. The report says what became of the institutions that were due
    when the run began, whichever process read them."""
    return _Run(now, tools).run()


class _Run:
    def __init__(self, now: datetime, tools: Tools) -> None:
        self._now, self._tools = now, tools
        self._began, self._deadline = datetime.now(UTC), monotonic() + RUN_SECONDS
        self._ids = array("q")  # 8 bytes each: 10 million institutions are 80 MB
        self._tried, self._in_vain, self._counting = 0, set[int](), Lock()
        self._report = RefreshReport()
        self._patience = Patience(self._over)

    def run(self) -> RefreshReport:
        accepted = self._send()
        if self._ids:
            self._watch(quiet=0.0 if accepted else QUIET_SECONDS)
            self._count()
        return self._report

    def _send(self) -> bool:
        """Send all that is due; whether the broker took it all."""
        size = max(1, min(LARGEST_BATCH, self._left().due // FINEST_CUT))
        accepted = True
        for page in self._pages():
            self._ids.extend(page)
            for start in range(0, len(page), size):
                accepted = accepted and self._tools.send(page[start : start + size])
        return accepted

    def _pages(self) -> Iterator[list[int]]:
        last = 0
        while not self._over() and (
            page := self._patience(partial(scheduled_now, self._now, after_id=last, limit=PAGE))
        ):
            yield page
            last = page[-1]

    def _watch(self, quiet: float) -> None:
        """Until nothing is left, or nothing can be done about it. `quiet`: seconds in which nothing has moved."""
        left, moved_at = self._left(), monotonic() - quiet
        while left.due and not self._over():
            lending = monotonic() - moved_at >= QUIET_SECONDS
            tried = self._lend_a_hand() if lending else 0
            looked_at = monotonic()
            before, left = left, self._left()
            self._tools.done(before.due - left.due)
            if lending and not tried and not before.held and not left.held:
                # What still looks due was tried in vain, at a moment that is pretended. (What was held before we lent
                # a hand could not be tried, and its lease may have ended since.)
                return
            if left.due < before.due and not lending:
                moved_at = monotonic()
            if left.due:  # looking never takes more than a tenth of the time
                self._tools.wait(max(LOOK_SECONDS, 10 * (monotonic() - looked_at)))

    def _left(self) -> scheduled.Left:
        return self._patience(partial(scheduled.left, self._now))

    def _lend_a_hand(self) -> int:
        """Refresh here what is due and in nobody's hands; how many were tried."""
        before = self._tried
        helped = refresh_institutions.run(
            self._now, self._once, self._tools.concurrency, lambda: None, dry_run=False, stopped=self._over
        )
        self._report.broken_by |= helped.broken_by
        return self._tried - before

    def _once(self, institution_id: int) -> Outcome:
        """One that failed here is not tried again in this run: at a pretended moment it still looks due."""
        if institution_id in self._in_vain:
            return Outcome.BUSY
        outcome = Outcome.FAILED
        try:
            outcome = self._tools.refresh_one(institution_id)
        except DATABASE_AWAY:  # it is tried again when the database is back
            outcome = Outcome.BUSY
            raise
        finally:
            with self._counting:
                self._tried += 1
                if outcome in (Outcome.FAILED, Outcome.PUT_OFF):
                    self._in_vain.add(institution_id)
        return outcome

    def _over(self) -> bool:
        return self._tools.stopped() or monotonic() > self._deadline

    def _count(self) -> None:
        for start in range(0, len(self._ids), PAGE):
            page = self._ids[start : start + PAGE].tolist()
            found = self._patience(partial(scheduled.became, page, self._began, self._now))
            self._report.refreshed += found.refreshed
            self._report.failed += found.failed + len(self._in_vain.intersection(found.untouched))
