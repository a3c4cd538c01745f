"""The dashboard against a control page of the same server: a ratio, so that the machine's speed does not matter."""

from __future__ import annotations

import gzip
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask

from bench import people
from bench.counting import Counter
from bench.load import Job, Round, load, percentile
from bench.report import Budget, Figure
from bench.world import Served, World, gunicorn, world
from extensions import db

SIZES = ((2, 6), (10, 10), (50, 20))
AT_LEAST = {(10, 10): 1 / 3, (50, 20): 1 / 12}
"""Of the control's requests/s (DESIGN.md 10)."""
STATEMENTS = 6
FACTORY = "bench.control:create_bench_app()"
CONTROL = "/bench/control"
CONNECTIONS = 8


@dataclass(frozen=True)
class Visit:
    """A person's dashboard: how many institutions of how many accounts, and the browser that is signed in."""

    size: tuple[int, int]
    cookie: str


def measure(database: str, *, quick: bool) -> Iterator[Figure]:
    """All sizes on one database ('sqlite' or 'postgres')."""
    sizes = SIZES[:2] if quick else SIZES
    rounds, seconds = (1, 0.3) if quick else (5, 1.5)
    with world(database) as place:
        app = place.app()
        visits = [_visit(app, size) for size in sizes]
        weights = {visit.size: list(_weigh(app, visit, database)) for visit in visits}
        for visit, figures in zip(visits, _race(place, visits, database, rounds, seconds), strict=True):
            yield from figures
            yield from weights[visit.size]


def _visit(app: Flask, size: tuple[int, int]) -> Visit:
    institutions, accounts = size
    with app.app_context(), db.engine.begin() as link:
        user_id = people.person(link)
        numbers = people.institutions(link, user_id, institutions)
        ids = people.accounts(link, numbers, accounts)
        people.transactions(link, numbers[0], ids[:accounts], 200)
    with app.app_context():
        return Visit(size, people.signed_in(app, user_id))


@dataclass(frozen=True)
class Turn:
    """One round of one page, and the CPU time it took of the server per answer (None where nobody knows)."""

    round: Round
    cpu_ms: float | None


def _race(
    place: World, visits: list[Visit], database: str, rounds: int, seconds: float
) -> Iterator[list[Figure]]:
    """Control and dashboard in turns, so that what else the machine does hits both; figures per visit."""
    with gunicorn(place, FACTORY) as served:
        for path, cookie in [(CONTROL, ""), *(("/", visit.cookie) for visit in visits)]:
            load(Job(served.port, path, cookie, 0.5, CONNECTIONS))  # both workers have read their templates
        for visit in visits:
            pairs = [
                (_turn(served, CONTROL, "", seconds), _turn(served, "/", visit.cookie, seconds))
                for _ in range(rounds)
            ]
            yield list(_figures(visit, pairs, database))


def _turn(served: Served, path: str, cookie: str, seconds: float) -> Turn:
    before = served.cpu_seconds()
    done = load(Job(served.port, path, cookie, seconds, CONNECTIONS))
    after = served.cpu_seconds()
    if before is None or after is None:
        return Turn(done, None)
    return Turn(done, (after - before) * 1000 / len(done.milliseconds))


def _figures(visit: Visit, pairs: list[tuple[Turn, Turn]], database: str) -> Iterator[Figure]:
    section, name = _names(visit, database)
    ratio = statistics.median(page.round.per_second / control.round.per_second for control, page in pairs)
    control_rate = statistics.median(control.round.per_second for control, _ in pairs)
    page_rate = statistics.median(page.round.per_second for _, page in pairs)
    times = sorted(milliseconds for _, page in pairs for milliseconds in page.round.milliseconds)
    least = AT_LEAST.get(visit.size)
    budget = Budget(least, at_most=False) if least else None
    note = f"{page_rate:,.0f}/s against {control_rate:,.0f}/s"
    yield Figure(section, f"{name} requests/s, of the control's", ratio, "", budget, note)
    yield from _cpu(section, name, pairs)
    yield Figure(section, f"{name} p50 under load", percentile(times, 0.5), " ms")
    yield Figure(section, f"{name} p99 under load", percentile(times, 0.99), " ms")


def _cpu(section: str, name: str, pairs: list[tuple[Turn, Turn]]) -> Iterator[Figure]:
    """The same ratio by the server's CPU time: what the page costs, whatever else the machine does."""
    controls = [control.cpu_ms for control, _ in pairs if control.cpu_ms]
    pages = [page.cpu_ms for _, page in pairs if page.cpu_ms]
    if controls and pages:
        control, page = statistics.median(controls), statistics.median(pages)
        note = f"{page:.2f} ms of CPU against {control:.2f} ms"
        yield Figure(section, f"{name} by the server's CPU time", control / page, "", note=note)


def _weigh(app: Flask, visit: Visit, database: str) -> Iterator[Figure]:
    """What does not depend on the clock: statements and bytes; and one request's CPU time in this process."""
    section, name = _names(visit, database)
    client = app.test_client(use_cookies=False)
    headers = {"Cookie": visit.cookie}
    with Counter() as counter:
        page = client.get("/", headers=headers).get_data()
    begun = time.process_time()
    for _ in range(5):
        client.get("/", headers=headers)
    cpu = (time.process_time() - begun) / 5 * 1000
    yield Figure(section, f"{name} SQL statements", counter.statements, "", Budget(STATEMENTS))
    yield Figure(section, f"{name} CPU in-process", cpu, " ms")
    yield Figure(section, f"{name} HTML", len(page) / 1000, " kB")
    yield Figure(section, f"{name} HTML, gzipped", len(gzip.compress(page, 6)) / 1000, " kB")


def _names(visit: Visit, database: str) -> tuple[str, str]:
    institutions, accounts = visit.size
    return f"Dashboard on {database}", f"{institutions}x{accounts}"
