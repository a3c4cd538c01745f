"""The sweeper: every 15 seconds it takes the work that no message announced. Several at once are harmless.

A Celery worker does not sweep; the same clock makes it look at what the fleet has found down."""

from __future__ import annotations

import threading

from background import run

SWEEP_SECONDS = 15.0


class Sweeper:
    """One daemon thread that runs a handler again and again. start() after fork, never on import."""

    def __init__(self, name: str = "sweep") -> None:
        self._name = name
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Sweep at once and then every SWEEP_SECONDS. Starting twice is starting once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._sweep, name=f"{self._name}er", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Begin no further sweep; one that is under way is not waited for."""
        self._stopped.set()

    def _sweep(self) -> None:
        while not self._stopped.is_set():
            run(self._name)
            self._stopped.wait(SWEEP_SECONDS)
