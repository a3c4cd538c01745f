"""The daily job with Celery: a Redis of the bench's own, and workers that count what they do."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from bench.world import World, free_port
from scripts.processes import end, start
from scripts.redis import find_redis_server

WORKERS = 2
_REDIS_SECONDS = 10.0


def in_workers(place: World) -> dict[str, float]:
    """The job to its end, with as many threads in all as REFRESH_CONCURRENCY says; figures as of one process.

    The workers run already, as they do where they are used: neither their start nor their stop is measured. CPU time,
    statements, commits and memory are those of the job and all workers together.
    """
    with ExitStack() as stack:
        broker = stack.enter_context(_redis())
        threads = int(place.environ["REFRESH_CONCURRENCY"]) // WORKERS
        fleet = place.with_settings(CELERY_BROKER_URL=broker, REFRESH_CONCURRENCY=str(threads))
        workers = [stack.enter_context(_worker(fleet)) for _ in range(WORKERS)]
        job = json.loads(fleet.run("-m", "bench.counted_job").splitlines()[-1])
        counted = [_stopped(worker) for worker in workers]
    together = {name: job[name] + sum(each[name] for each in counted) for name in counted[0]}
    return {**together, "seconds": job["seconds"]}


@contextmanager
def _worker(place: World) -> Iterator[subprocess.Popen[bytes]]:
    process = start([sys.executable, "-m", "bench.counted_worker"], place.environ, subprocess.PIPE)
    try:
        if _output(process).readline().strip() != b"ready":
            raise RuntimeError("a worker ended before it was ready")
        yield process
    finally:
        end(process)


def _stopped(worker: subprocess.Popen[bytes]) -> dict[str, float]:
    """End it and read what it counted."""
    end(worker)
    return json.loads(_output(worker).read().splitlines()[-1])  # before it Celery says that it stops


def _output(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdout is None:
        raise RuntimeError("a worker is started with a pipe for what it prints")
    return process.stdout


@contextmanager
def _redis() -> Iterator[str]:
    """The address of a Redis server that keeps nothing."""
    program, port = find_redis_server(), free_port()
    if program is None:
        raise RuntimeError("there is no redis-server on this machine")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = start([program, *options], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        end(process)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _REDIS_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
