"""One page of 500 transactions from bytes to rows: CPU time of the gateway's reading and of the write."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from flask import Flask

from bench import people
from bench.report import Figure
from bench.vendor import answers
from bench.world import world
from extensions import db
from providers import plaid_records
from providers.base import SyncPage
from services import applying
from services.reading import Changes

ROWS = 500


def measure(database: str, *, quick: bool) -> Iterator[Figure]:
    times = 3 if quick else 15
    body = json.dumps(answers(6, ROWS)[b"/transactions/sync"]).encode()
    section = f"transactions/sync, a page of {ROWS} rows, on {database}"
    parsing = [_timed(lambda: _parse(body)) for _ in range(times)]
    with world(database) as place:
        app = place.app()
        institution_id = _institution(app)
        writing = [_write(app, institution_id, _parse(body), run) for run in range(times)]
    parse, write = statistics.median(parsing), statistics.median(writing)
    yield Figure(
        section, "gateway: JSON to records", parse, " ms CPU", note=f"{len(body) / 1000:.0f} kB of JSON"
    )
    yield Figure(
        section, "service: records to rows", write, " ms CPU", note="in this process; a server has its own"
    )
    yield Figure(section, "together", parse + write, " ms CPU")


def _timed(work: Any) -> float:
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def _parse(body: bytes) -> SyncPage:
    """As PlaidGateway.sync reads an answer."""
    raw = json.loads(
        body, parse_float=Decimal, parse_int=Decimal, parse_constant=plaid_records.reject_constant
    )
    return plaid_records.sync_page(raw)


def _institution(app: Flask) -> int:
    with app.app_context(), db.engine.begin() as link:
        (number,) = people.institutions(link, people.person(link), 1)
        people.accounts(link, [number], 6)
    return number


def _write(app: Flask, institution_id: int, page: SyncPage, run: int) -> float:
    """CPU ms of writing the page as 500 new rows (each run renames them), rolled back."""
    changes = Changes()
    changes.add(
        replace(
            page, upserts=[replace(row, transaction_id=f"{run}-{row.transaction_id}") for row in page.upserts]
        )
    )
    changes.settle()
    with app.app_context():
        link = db.session.connection()
        known = applying.known_accounts(link, institution_id)

        def write() -> None:
            applying.write_transactions(link, institution_id, changes, known, from_start=False)

        taken = _timed(write)
        db.session.rollback()
    return taken
