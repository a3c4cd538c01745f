"""A small HTTP client that keeps a server busy: a process of its own, a few connections that stay open.

`python -m bench.load` reads a Job as JSON from its input and writes a Round as JSON. Raw sockets, because a
client that works hard would be measured instead of the server.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass

from scripts.processes import ROOT


@dataclass(frozen=True)
class Job:
    """GET this path over so many connections for so many seconds; at least one answer each."""

    port: int
    path: str
    cookie: str
    seconds: float
    connections: int


@dataclass(frozen=True)
class Round:
    """What happened: how many answers in how many seconds, and each one's milliseconds in order of length."""

    seconds: float
    milliseconds: list[float]

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds

    def percentile(self, part: float) -> float:
        return percentile(self.milliseconds, part)


def percentile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def load(job: Job) -> Round:
    """Do it in a process of its own. RuntimeError when any answer is not 200."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        cwd=ROOT,
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        timeout=job.seconds + 60,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{job.path}: {done.stderr}")
    return Round(**json.loads(done.stdout))


def _main() -> None:
    job = Job(**json.load(sys.stdin))
    times: list[float] = []
    threads = [threading.Thread(target=_work, args=(job, times)) for _ in range(job.connections)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    if not times or any(milliseconds < 0 for milliseconds in times):
        sys.exit("an answer was not 200, or there was none")
    json.dump(asdict(Round(seconds, sorted(times))), sys.stdout)


def _work(job: Job, times: list[float]) -> None:
    """One connection, request after request. A negative time marks a wrong answer and ends it."""
    request = (
        f"GET {job.path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\nCookie: {job.cookie}\r\n\r\n".encode()
    )
    deadline = time.perf_counter() + job.seconds
    buffer = bytearray(1 << 18)
    with socket.create_connection(("127.0.0.1", job.port), timeout=30) as connection:
        while True:
            begun = time.perf_counter()
            connection.sendall(request)
            if not _answered_well(connection, buffer):
                times.append(-1)
                return
            now = time.perf_counter()
            times.append((now - begun) * 1000)
            if now > deadline:
                return


def _answered_well(connection: socket.socket, buffer: bytearray) -> bool:
    """Read one whole answer by its Content-Length; whether it says 200."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (piece := connection.recv(65536)):
            return False
        head += piece
    top, _, body = head.partition(b"\r\n\r\n")
    length = int(top.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    missing = length - len(body)
    while missing > 0:
        if not (got := connection.recv_into(buffer, min(missing, len(buffer)))):
            return False
        missing -= got
    return top.startswith(b"HTTP/1.1 200 ")


if __name__ == "__main__":
    _main()
