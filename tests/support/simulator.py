"""The simulator as a process: the program itself, on a free port, stopped whatever happens.

with SimulatorProcess() as simulator:
    plaid.Configuration(host=simulator.url, ...)
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT_ID = "simulator"
SANDBOX_SECRET = "simulator-sandbox-secret"
PRODUCTION_SECRET = "simulator-production-secret"
TWILIO_ACCOUNT_SID = "AC00000000000000000000000000000001"
TWILIO_AUTH_TOKEN = "simulator-auth-token"
TWILIO_NUM = "+15005550006"
TWILIO_MESSAGING_SERVICE_SID = "MG00000000000000000000000000000001"
_ADDRESS = re.compile(r"^simulator: (http://127\.0\.0\.1:\d+)$")


class SimulatorProcess:
    """One `python -m simulator`. `today` freezes its date; `ready_ms` is how long transactions take after the
    first /transactions/sync, `text_ms` how long a text stays in each status, `inbound_url` where a person's reply is
    posted. Without `data_dir` its state lives in a directory of its own, deleted by stop().
    After stop() it can be started again, on the same port, with the state of `data_dir`.
    """

    def __init__(
        self,
        latency_ms: int = 0,
        seed: str = "test",
        data_dir: str | Path | None = None,
        ready_ms: int = 0,
        today: date | str | None = None,
        port: int = 0,
        env: dict[str, str] | None = None,
        text_ms: int = 0,
        inbound_url: str | None = None,
    ) -> None:
        self.text_ms, self.inbound_url = text_ms, inbound_url
        self.latency_ms, self.seed, self.ready_ms, self.port = latency_ms, seed, ready_ms, port
        self.today = date.fromisoformat(today) if isinstance(today, str) else today
        self.url = ""
        self._own_directory = tempfile.mkdtemp(prefix="simulator-") if data_dir is None else None
        self.data_dir = Path(data_dir if data_dir is not None else self._own_directory or "")
        self._env = env or {}
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self, timeout: float = 20.0) -> Self:
        """Starts it and waits for the line with its address."""
        command = [sys.executable, "-m", "simulator", "--port", str(self.port), "--data", str(self.data_dir)]
        command += [
            "--latency-ms",
            str(self.latency_ms),
            "--seed",
            self.seed,
            "--ready-ms",
            str(self.ready_ms),
            "--text-ms",
            str(self.text_ms),
        ]
        if self.inbound_url is not None:
            command += ["--inbound-url", self.inbound_url]
        if self.today is not None:
            command += ["--today", self.today.isoformat()]
        self._process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | self._env,
            process_group=0,
        )
        try:
            self.url = self._address(self._process, timeout)
        except BaseException:
            self.kill()
            raise
        self.port = int(self.url.rpartition(":")[2])
        return self

    @staticmethod
    def _address(process: subprocess.Popen[str], timeout: float) -> str:
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        while True:
            try:
                line = lines.get(timeout=timeout)
            except queue.Empty:
                raise TimeoutError(f"the simulator gave no address within {timeout} s") from None
            if found := _ADDRESS.match(line.strip()):
                return found[1]
            if not line:
                raise RuntimeError(f"the simulator ended with code {process.wait()} before it listened")

    def stop(self, timeout: float = 5.0) -> int:
        """SIGTERM, and SIGKILL if that is not enough. The exit code."""
        return self._end(signal.SIGTERM, timeout)

    def kill(self) -> int:
        """SIGKILL to all of it: what a crash leaves behind."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._end(signal.SIGKILL, 5.0)

    def _end(self, how: signal.Signals, timeout: float) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(how)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(5)
        finally:
            if process.stdout is not None:
                process.stdout.close()

    def clean(self) -> None:
        """Stops it and forgets its own directory."""
        self.stop()
        if self._own_directory is not None:
            shutil.rmtree(self._own_directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clean()

    def plaid(self, secret: str = SANDBOX_SECRET, **configuration: Any) -> Any:
        """A plaid-python client for it, with the library's own type checking."""
        import plaid
        from plaid.api import plaid_api

        keys = {"clientId": CLIENT_ID, "secret": secret}
        return plaid_api.PlaidApi(
            plaid.ApiClient(plaid.Configuration(host=self.url, api_key=keys, **configuration))
        )
