"""A Celery worker as it runs: a process of its own, its log in a file, stopped whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30.0


def wait_for(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Poll until it is true; fails with `what` when it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class WorkerProcess:
    """`python celery_app.py` with these settings. `log` is where it writes."""

    def __init__(self, environ: dict[str, str], log: Path, *arguments: str) -> None:
        self.environ = {"PATH": os.environ["PATH"], "LOG_LEVEL": "INFO", **environ}
        self.log = log
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> WorkerProcess:
        """Start it and return at once; `ready` waits."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "celery_app.py", *self._arguments],
                cwd=REPOSITORY,
                env=self.environ,
                stdout=log,
                stderr=log,
            )
        return self

    def ready(self) -> WorkerProcess:
        """Wait until it takes work."""
        wait_for(lambda: "worker ready" in self.said() or not self.alive(), "the worker is never ready")
        assert self.alive(), self.said()
        return self

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL: it cannot say goodbye to anybody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def stop(self, seconds: float = PATIENCE_SECONDS) -> int | None:
        """SIGTERM: what is under way is finished. Its exit code."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._process.returncode

    def __enter__(self) -> WorkerProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
