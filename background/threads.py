"""The default engine: a bounded pool of daemon threads in the process, and the sweeper that feeds it.

Threads start with start() (after fork), never on import. They are daemons: a stopping process does not wait
for a bank; the lease of an interrupted refresh runs out and another worker takes it over.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping

from background import run
from background.sweeper import Sweeper


class ThreadEngine:
    """Work waits in one heap ordered by due time; `workers` threads take what is due."""

    def __init__(self, workers: int, limits: Mapping[str, int] | None = None) -> None:
        """`limits`: how many threads tasks of a name may hold at once, so that slow work leaves room for the rest."""
        self._workers = workers
        self._heap: list[tuple[float, int, str, dict[str, int]]] = []
        self._sequence = itertools.count()
        self._queued: dict[tuple[object, ...], float] = {}
        self._limits = dict(limits or {})
        self._busy: Counter[str] = Counter()
        self._held_back: dict[str, deque[dict[str, int]]] = {name: deque() for name in self._limits}
        self._wake = threading.Condition()
        self._sweeper = Sweeper()
        self._running = False

    def submit(self, name: str, ids: dict[str, int], delay: float) -> None:
        """Queue a task, unless the same one already waits to start no later (the sweep repeats itself)."""
        when, key = time.monotonic() + delay, (name, *sorted(ids.items()))
        with self._wake:
            if self._queued.get(key, math.inf) <= when:
                return
            self._queued[key] = when
            heapq.heappush(self._heap, (when, next(self._sequence), name, ids))
            self._wake.notify_all()  # one alone might take this task and leave a later one without a waiter

    def start(self) -> None:
        """Start the threads and the sweeper. Call once per process, after fork."""
        if self._running:
            return
        self._running = True
        for number in range(self._workers):
            threading.Thread(target=self._work, name=f"background-{number}", daemon=True).start()
        self._sweeper.start()

    def stop(self) -> None:
        """Take no further work. What runs is not interrupted; what waits stays in the database."""
        self._sweeper.stop()
        with self._wake:
            self._running = False
            self._wake.notify_all()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            name, ids = task
            run(name, **ids)
            with self._wake:
                self._busy[name] -= 1
                self._wake.notify_all()

    def _next(self) -> tuple[str, dict[str, int]] | None:
        """The next task that may start, waiting for it; None when the engine stops."""
        with self._wake:
            while self._running:
                if (task := self._startable()) is not None:
                    self._busy[task[0]] += 1
                    return task
                self._wake.wait(self._heap[0][0] - time.monotonic() if self._heap else None)
        return None

    def _startable(self) -> tuple[str, dict[str, int]] | None:
        """A task that was held back and has room now, else the first due one that has room."""
        for name, waiting in self._held_back.items():
            if waiting and self._has_room(name):
                return name, waiting.popleft()
        while self._heap and self._heap[0][0] <= time.monotonic():
            _, _, name, ids = heapq.heappop(self._heap)
            self._queued.pop((name, *sorted(ids.items())), None)
            if self._has_room(name):
                return name, ids
            if ids not in self._held_back[name]:
                self._held_back[name].append(ids)
        return None

    def _has_room(self, name: str) -> bool:
        return self._busy[name] < self._limits.get(name, self._workers)
