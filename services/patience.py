"""Waiting for a database that is away for a moment: restarting, failing over, read-only, busy.

Everything a job does is claimed by a row and may be begun again, so what the database cut off is simply tried
once more when it answers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

from flask import has_app_context

from services.health import DATABASE_AWAY, roll_back

log = logging.getLogger(__name__)

T = TypeVar("T")

SECONDS = 120.0
"""A managed database that is moved to another machine is back, or writable again, within a minute or so."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0


class Patience:
    """`patience(work)` is work(), tried again while the database is away; the last failure is raised.

    One for a run: its threads wait together. The time runs from the first failure and begins anew whenever something
    worked, so that a database which stays away ends the run instead of delaying every single piece of it.
    """

    def __init__(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """`stopped`: is the run to end? Then nothing is waited for."""
        self._stopped = stopped
        self._since: float | None = None
        self.was_needed = False
        """The database was away at some time in this run: what it has may be older than what we wrote."""

    def __call__(self, work: Callable[[], T]) -> T:
        pause, began = FIRST_PAUSE, None
        while True:
            try:
                result = work()
            except DATABASE_AWAY as error:
                began = began or monotonic()
                if not self._goes_on(began):
                    raise
                log.warning("the database is away (%s): waiting", type(error).__name__)
            else:
                self._since = None
                return result
            if has_app_context():  # else the work had a context, and a session, of its own
                roll_back()
            sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    def _goes_on(self, began: float) -> bool:
        """`began`: when this piece of work failed first. It alone may also fail for ever, while others work."""
        self.was_needed = True
        self._since = self._since or began
        return not self._stopped() and monotonic() - min(self._since, began) < SECONDS
