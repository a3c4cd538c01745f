"""The daily job against a vendor that takes 100 ms a call: how near it comes to doing nothing but wait."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import fleet, people
from bench.report import Budget, Figure
from bench.world import World, free_port, wait_until_up, world
from database import utcnow
from extensions import db
from scripts.processes import end, start
from scripts.redis import HOW_TO_GET, find_redis_server

CONCURRENCY, LATENCY_MS, ACCOUNTS, NEW_ROWS = 32, 100, 6, 10
SIZES = (100, 1_000, 10_000)
JUDGED = 1_000
"""DESIGN.md 10 promises for 1,000 institutions, and flat memory from there to 10,000."""
FLAT = 1.15
"""Memory of 10,000 institutions over that of 1,000: flat, but for what an allocator leaves."""


@dataclass(frozen=True)
class Run:
    """One run of the job over `institutions`. Seconds are of the whole process, from its start to its end."""

    institutions: int
    calls: int
    seconds: float
    cpu: float
    vendor_cpu: float
    statements: int
    commits: int
    peak_mb: float

    @property
    def ideal(self) -> float:
        return self.calls * LATENCY_MS / 1000 / CONCURRENCY


Engine = Callable[[World], dict[str, float]]
"""Runs the job to its end in a world: seconds, cpu, statements, commits, peak_mb."""


def in_threads(place: World) -> dict[str, float]:
    return json.loads(place.run("-m", "bench.counted_job").splitlines()[-1])


ENGINES: dict[str, Engine] = {"threads": in_threads, f"Celery, {fleet.WORKERS} workers": fleet.in_workers}
"""Each way to run it."""


def measure(database: str, *, quick: bool) -> Iterator[Figure]:
    """Every size with every engine."""
    for name, engine in ENGINES.items():
        section = f"Daily job on {database}, {name}: vendor at {LATENCY_MS} ms, {CONCURRENCY} at once"
        if engine is fleet.in_workers and not find_redis_server():
            yield Figure(section, "1,000 institutions", None, note=f"no redis-server here: {HOW_TO_GET}")
            continue
        runs = []
        for institutions in (20,) if quick else SIZES:
            runs.append(run(database, engine, institutions))
            yield from _figures(section, runs[-1])
        if len(runs) > 1:
            growth = runs[-1].peak_mb / runs[-2].peak_mb
            sizes = f"{runs[-1].institutions:,} over {runs[-2].institutions:,} institutions"
            yield Figure(section, f"peak memory, {sizes}", growth, "x", Budget(FLAT))


def run(database: str, engine: Engine, institutions: int) -> Run:
    """One run in a fresh world. RuntimeError when the job fails."""
    with world(database) as place, _vendor() as port:
        _fill(place, institutions)
        there = place.with_settings(
            PLAID_BASE_URL=f"http://127.0.0.1:{port}", REFRESH_CONCURRENCY=str(CONCURRENCY)
        )
        figures = engine(there)
        spent = _spent(port)
    return Run(
        institutions,
        int(spent["calls"]),
        figures["seconds"],
        figures["cpu"],
        spent["cpu"],
        int(figures["statements"]),
        int(figures["commits"]),
        figures["peak_mb"],
    )


def _fill(place: World, institutions: int) -> None:
    """People with ten institutions each, all due, their accounts and cursors as yesterday left them."""
    app = place.app()
    with app.app_context(), db.engine.begin() as link:
        for begin in range(0, institutions, 10):
            count = min(10, institutions - begin)
            numbers = people.institutions(link, people.person(link), count, scheduled_at=utcnow())
            people.accounts(link, numbers, ACCOUNTS)


@contextmanager
def _vendor() -> Iterator[int]:
    port = free_port()
    arguments = [str(value) for value in (port, LATENCY_MS, ACCOUNTS, NEW_ROWS)]
    process = start([sys.executable, "-m", "bench.vendor", *arguments])
    try:
        wait_until_up(port, process, "/spent")
        yield port
    finally:
        end(process)


def _spent(port: int) -> dict[str, float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/spent")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def _figures(section: str, run: Run) -> Iterator[Figure]:
    judged = run.institutions == JUDGED
    name, each = f"{run.institutions:,}", run.institutions
    note = f"{run.seconds:.1f} s, ideal {run.ideal:.1f} s for {run.calls:,} calls"
    budget = Budget(2) if judged else None
    yield Figure(section, f"{name}: wall over ideal", run.seconds / run.ideal, "x", budget, note)
    yield Figure(section, f"{name}: statements each", run.statements / each, "", Budget(8))
    yield Figure(section, f"{name}: commits each", run.commits / each, "", Budget(2))
    yield Figure(section, f"{name}: CPU each", run.cpu / each * 1000, " ms", note="start included")
    yield Figure(section, f"{name}: vendor's CPU, of one core", run.vendor_cpu / run.seconds, "")
    yield Figure(section, f"{name}: peak memory", run.peak_mb, " MB")
