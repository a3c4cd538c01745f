"""CashView as it runs: gunicorn with two processes of four threads, on a free port, stopped whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

import psutil

from tests.support.settings import VALUES

REPOSITORY = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class AppServer:
    """gunicorn serving the real application against a simulator at `plaid_url`.

    `environ` adds or changes settings; the database is migrated before the first start. `log` holds what the
    processes wrote.
    """

    def __init__(self, plaid_url: str, instance_dir: Path, **environ: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(tempfile.mkstemp(prefix="cashview-", suffix=".log")[1])
        self.environ = {
            **os.environ,
            **VALUES,
            "PLAID_BASE_URL": plaid_url,
            "PLAID_LINK_SCRIPT_URL": f"{plaid_url}/link/v2/stable/link-initialize.js",
            "PLAID_REDIRECT_URI": f"{self.url}/oauth-return",
            "INSTANCE_DIR": str(instance_dir),
            "PORT": str(self.port),
            "REFRESH_CONCURRENCY": "8",
            "FLASK_APP": "app",
            "FLASK_SKIP_DOTENV": "1",
            **environ,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program of ours with the same settings, such as ("-m", "flask", "db", "upgrade")."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *, migrate: bool = True) -> AppServer:
        if migrate:
            migrated = self.command("-m", "flask", "db", "upgrade")
            assert migrated.returncode == 0, migrated.stderr
        command = [sys.executable, "-m", "gunicorn", "app:create_app()", "-c", "gunicorn.conf.py"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=REPOSITORY, env=self.environ, stdout=log, stderr=log
            )
        self._wait_until_up()
        return self

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=2).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def workers(self) -> list[psutil.Process]:
        """gunicorn's worker processes."""
        assert self._process is not None, "not started"
        return psutil.Process(self._process.pid).children()

    def kill(self) -> None:
        """SIGKILL to all of it, as when a machine is lost. start() brings it back on the same port."""
        process, self._process = self._process, None
        assert process is not None, "not started"
        ended = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        for each in ended:
            each.kill()
        process.wait(5)
        psutil.wait_procs(ended, 5)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)

    def __enter__(self) -> AppServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None:
            self.log.unlink(missing_ok=True)
