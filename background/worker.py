"""What a worker does with a message: one piece of work, or a batch of it a slice at a time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from background import Engine, run

SLICE_SECONDS = 5.0
"""A batch that has worked this long sends its rest on and ends: what a person waits for never stands long behind it."""
NO_ROOM_SECONDS = 2.0


class Sender(Engine, Protocol):
    """The way back to the broker."""

    def submit_batch(self, name: str, numbers: list[int], **common: str) -> bool: ...


class Worker:
    """Runs handlers for the threads of one worker process."""

    def __init__(self, sender: Sender, stopping: Callable[[], bool], limits: Mapping[str, int]) -> None:
        """`stopping`: the process was asked to end. `limits`: how many threads work of a name may hold at once."""
        self._sender, self._stopping, self._limits = sender, stopping, limits
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()

    def one(self, name: str, ids: dict[str, int]) -> None:
        """Run one piece of work; where its kind holds all the threads it may, send it on for a little later."""
        if not self._enter(name):
            self._sender.submit(name, ids, NO_ROOM_SECONDS)
            return
        try:
            run(name, **ids)
        finally:
            with self._lock:
                self._busy[name] -= 1

    def batch(self, name: str, numbers: list[int], common: dict[str, str]) -> None:
        """Run the work for each id, in order, for one slice of time; the rest becomes a message of its own.

        When the broker does not take the rest it is done here after all, unless the process is to end."""
        slice_end = time.monotonic() + SLICE_SECONDS
        for place, number in enumerate(numbers):
            over = place > 0 and time.monotonic() > slice_end
            if over or self._stopping():
                if self._sender.submit_batch(name, numbers[place:], **common) or self._stopping():
                    return
                slice_end = time.monotonic() + SLICE_SECONDS
            run(name, number=number, **common)

    def _enter(self, name: str) -> bool:
        """Take a thread for work of this name; False when it has all it may."""
        with self._lock:
            if name in self._limits and self._busy[name] >= self._limits[name]:
                return False
            self._busy[name] += 1
            return True
