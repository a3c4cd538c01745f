"""What the simulator does by itself at some moment, with nobody calling: one thread that waits for the next one."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 60.0
"""The clock is looked at once a minute: a machine that slept wakes up late."""


class Agenda:
    """Does `work(name)` when its moment has come. A name has one moment: the earliest that was asked for.

    The thread begins with the first moment and ends with the program.
    """

    def __init__(self, work: Callable[[str], None]) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._moments: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._thread: threading.Thread | None = None

    def within(self, seconds: float, name: str) -> None:
        """Not later than in so many seconds."""
        moment = time.time() + max(0.0, seconds)
        with self._changed:
            if self._moments.get(name, moment + 1) <= moment:
                return
            self._moments[name] = moment
            heapq.heappush(self._heap, (moment, name))
            self._start()
            self._changed.notify()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="agenda")
            self._thread.start()

    def _run(self) -> None:
        while True:
            name = self._next()
            try:
                self._work(name)
            except Exception:  # the others' moments come all the same
                log.exception("something that was due failed")

    def _next(self) -> str:
        with self._changed:
            while True:
                wait = self._heap[0][0] - time.time() if self._heap else LONGEST_WAIT_S
                if wait > 0:
                    self._changed.wait(min(wait, LONGEST_WAIT_S))
                    continue
                moment, name = heapq.heappop(self._heap)
                if self._moments.get(name) == moment:  # otherwise an earlier moment took its place
                    del self._moments[name]
                    return name
