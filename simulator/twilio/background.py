"""Work off the request's thread: things that are due later, and lanes in which one thing follows another."""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable
from zlib import crc32

Work = Callable[[], None]
LANES = 16


class Timeline:
    """Does work when it is due, in one thread that starts with the first piece. The work must be quick."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Work]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def after(self, seconds: float, work: Work) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="timeline")
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            self._next()()

    def _next(self) -> Work:
        """Waits for the next piece of work that is due."""
        with self._changed:
            while not self._due or self._due[0][0] > time.monotonic():
                self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
            return heapq.heappop(self._due)[2]


class Lanes:
    """Work that may wait for a slow receiver. Pieces with the same key follow one another; others don't wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[int, queue.Queue[Work]] = {}

    def put(self, key: str, work: Work) -> None:
        number = crc32(key.encode()) % LANES
        with self._lock:
            if number not in self._lanes:
                self._lanes[number] = queue.Queue()
                threading.Thread(target=self._run, args=(number,), daemon=True, name="callbacks").start()
        self._lanes[number].put(work)

    def _run(self, number: int) -> None:
        while True:
            self._lanes[number].get()()
