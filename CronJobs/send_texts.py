"""Plan the budget texts that are due, send them, and find out what became of those that may have gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic

from services import delivery, job_runs, planning, sending, spending, vendors
from services.patience import Patience
from services.sending import Result, Sent, TextError, TextGateway, TextKind

PART = "texts"
RUN_SECONDS = 40 * 60
"""A run ends before the next hourly one begins; the rest is sent by that one."""
LONGEST_WAIT = 60.0
MOST_LIMITS, MOST_NOT_SENT, MOST_UNKNOWN = 6, 4, 4
"""So many in a row end the run: the vendor slows us down, is away, or does not answer."""


@dataclass
class TextReport:
    """Counts of this run; `pending` is what waits at its end. `refused` is the vendor's code when our account or
    sender is refused: nothing more was tried."""

    sent: int = 0
    unknown: int = 0
    skipped: int = 0
    failed: int = 0
    pending: int = 0
    refused: str | None = None
    long_missed: int = 0


@dataclass(frozen=True)
class Tools:
    """What the run works with: the gateway (None: texts are off), where the vendor may call us, the clock (which
    may be pretended), a wait that ends early when the run is to stop, and whether it is to stop."""

    texts: TextGateway | None
    callback_base: str | None
    clock: Callable[[], datetime]
    wait: Callable[[float], object]
    stopped: Callable[[], bool]
    done: Callable[[], object] = lambda: None


def run(tools: Tools, *, dry_run: bool) -> TextReport:
    """One run. One failing text or user never stops the others; a dry run counts what is due."""
    report, now = TextReport(), tools.clock()
    if dry_run:
        report.pending = planning.count_due(now) + sending.still_waiting()
        return report
    patience = Patience(tools.stopped)
    careful = patience(partial(job_runs.after_a_gap, PART))
    report.long_missed = patience(partial(planning.long_missed, now))
    patience(partial(_tidy, report, tools, now))
    planned = patience(partial(planning.plan, now, texts_on=tools.texts is not None))
    report.skipped += planned.skipped
    report.failed += planned.failed
    patience(vendors.look)
    if tools.texts is not None and patience(partial(vendors.wait_until, [vendors.TWILIO])) is None:
        _Sender(tools, tools.texts, report, patience, careful=careful).run()
    report.pending = patience(sending.still_waiting)
    unsure = careful or patience.was_needed
    if not tools.stopped() and not (unsure and report.pending):  # what waits is asked about next time too
        patience(partial(job_runs.finished, PART))
    return report


def _tidy(report: TextReport, tools: Tools, now: datetime) -> None:
    """Claims of workers that died, what may have gone, what missed its day: settled before anything new is written."""
    report.unknown += delivery.give_up_on_dead_claims()
    if tools.texts is not None:
        _look_up(report, tools.texts)
    report.skipped += delivery.skip_missed(now)
    while spending.reclassify():  # what is told is counted by the newest rules
        pass


def _look_up(report: TextReport, texts: TextGateway) -> None:
    try:
        delivery.look_up_unknown(texts)
    except TextError as error:
        report.refused = error.code


class _Sender:
    """Sends what waits, one after the other: the vendor queues by itself, and a refused key is met only once."""

    def __init__(
        self, tools: Tools, texts: TextGateway, report: TextReport, patience: Patience, *, careful: bool
    ) -> None:
        self._tools, self._texts, self._report, self._careful = tools, texts, report, careful
        self._patience = patience
        self._deadline = monotonic() + RUN_SECONDS
        self._in_a_row: dict[TextKind, int] = {}
        self._closed: set[int] = set()
        """Texts whose window has closed while they waited."""

    def run(self) -> None:
        while self._goes_on() and (page := self._next_page()):
            for text_id in page:
                if not self._goes_on():
                    return
                self._send(text_id)

    def _goes_on(self) -> bool:
        row = self._in_a_row
        tired = (
            row.get(TextKind.LIMIT, 0) >= MOST_LIMITS
            or row.get(TextKind.NOT_SENT, 0) >= MOST_NOT_SENT
            or row.get(TextKind.UNKNOWN, 0) >= MOST_UNKNOWN
        )
        over = monotonic() > self._deadline
        return not (tired or over or self._report.refused or self._tools.stopped())

    def _next_page(self) -> list[int]:
        """What may be tried now; if all that waits was put back a moment ago, after that moment."""
        page = self._waiting()
        if not page:
            pause = self._patience(sending.next_try_in)
            if pause is not None and 0 < pause <= LONGEST_WAIT:
                self._tools.wait(pause)
                page = self._waiting()
        return page

    def _waiting(self) -> list[int]:
        ids = self._patience(partial(sending.waiting, limit=500 + len(self._closed)))
        return [number for number in ids if number not in self._closed]

    def _send(self, text_id: int) -> None:
        outcome = self._patience(partial(self._try, text_id))
        self._count(outcome)
        self._tools.done()
        if outcome.error is None:
            if outcome.result is Result.PENDING:
                self._closed.add(text_id)
            self._in_a_row.clear()
            return
        kind = outcome.error.kind
        self._in_a_row = {kind: self._in_a_row.get(kind, 0) + 1}
        if kind is TextKind.CONFIG:
            self._report.refused = outcome.error.code
        if kind is TextKind.LIMIT:  # everybody waits, not this text alone
            self._tools.wait(min(LONGEST_WAIT, outcome.pause))

    def _try(self, text_id: int) -> Sent:
        """Send it unless it is not waiting any more: begun again after the database was away, a text that may have
        gone stays claimed. A stand-in that took over may lack the last rows, so then the vendor is asked as well."""
        careful = self._careful or self._patience.was_needed
        now = self._tools.clock()
        return sending.send(text_id, now, self._texts, self._tools.callback_base, careful=careful)

    def _count(self, outcome: Sent) -> None:
        report = self._report
        report.sent += outcome.result is Result.SENT
        report.unknown += outcome.result is Result.UNKNOWN
        report.skipped += outcome.result is Result.SKIPPED
        report.failed += outcome.result is Result.FAILED
