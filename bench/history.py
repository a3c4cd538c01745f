"""A person with 50,000 transactions, on every page that shows them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Flask

from bench import people
from bench.counting import Counter
from bench.load import percentile
from bench.report import Figure
from bench.world import world
from extensions import db

ROWS = 50_000


def measure(database: str, *, quick: bool) -> Iterator[Figure]:
    """Each page in this process: how long one answer takes, and its statements. The same page of a person with
    hardly any transactions stands beside it."""
    count, times = (2_000, 3) if quick else (ROWS, 15)
    with world(database) as place:
        app = place.app()
        many, few = _person(app, count), _person(app, 50)
        section = f"{count:,} transactions on {database}"
        for name, path in (
            ("/", "/"),
            ("/dashboard.json", "/dashboard.json"),
            ("spending", "/accounts/{}/spending"),
        ):
            slow, statements = _ask(app, path.format(many[1]), many[0], times)
            fast, _ = _ask(app, path.format(few[1]), few[0], times)
            yield Figure(section, f"{name} p50", slow, " ms", note=f"{fast:.1f} ms with 50 transactions")
            yield Figure(section, f"{name} SQL statements", statements)


def _person(app: Flask, count: int) -> tuple[str, int]:
    """Two institutions of six accounts, the transactions on the first six; the cookie and the first account."""
    with app.app_context(), db.engine.begin() as link:
        user_id = people.person(link)
        numbers = people.institutions(link, user_id, 2)
        ids = people.accounts(link, numbers, 6)
        people.transactions(link, numbers[0], ids[:6], count)
    with app.app_context():
        return people.signed_in(app, user_id), ids[0]


def _ask(app: Flask, path: str, cookie: str, times: int) -> tuple[float, int]:
    """Median milliseconds of an answer, and the statements of one. RuntimeError when it is not 200."""
    client = app.test_client(use_cookies=False)
    with Counter() as counter:
        status = client.get(path, headers={"Cookie": cookie}).status_code
    if status != 200:
        raise RuntimeError(f"{path} answered {status}")
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        client.get(path, headers={"Cookie": cookie})
        taken.append((time.perf_counter() - begun) * 1000)
    return percentile(sorted(taken), 0.5), counter.statements
