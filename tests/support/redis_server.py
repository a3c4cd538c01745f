"""A real Redis server for tests: on a free port of this machine, nothing on disk, stopped whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from types import TracebackType

import pytest

from scripts.redis import HOW_TO_GET, find_redis_server
from tests.support.server import free_port


def redis_or_leave_out() -> None:
    """Ends the test that asks where there is no redis-server: left out here, a failure with CI=true."""
    if find_redis_server():
        return
    sentence = f"this machine has no redis-server. To have it: {HOW_TO_GET}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(sentence)
    pytest.skip(sentence)


class RedisServer:
    """One server. kill() and start() again: the same port, and what it held is gone, as after a crash."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        program = find_redis_server()
        assert program, HOW_TO_GET
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not self.answers():
            assert self._process.poll() is None, "redis-server ended while starting"
            time.sleep(0.02)
        assert self.answers(), "redis-server did not answer in 10 seconds"
        return self

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16) == b"+PONG\r\n"
        except OSError:
            return False

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait(10)

    def __enter__(self) -> RedisServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
