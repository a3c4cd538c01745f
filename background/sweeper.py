"""The sweeper: every 15 seconds it takes the work that no message announced. Several at once are harmless."""

from __future__ import annotations

import threading

from background import run

SWEEP_SECONDS = 15.0


class Sweeper:
    """One daemon thread that runs the handler named `sweep`. start() after fork, never on import."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Sweep at once and then every SWEEP_SECONDS. Starting twice is starting once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._sweep, name="sweeper", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Begin no further sweep; one that is under way is not waited for."""
        self._stopped.set()

    def _sweep(self) -> None:
        while not self._stopped.is_set():
            run("sweep")
            self._stopped.wait(SWEEP_SECONDS)
