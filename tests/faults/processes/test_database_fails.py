"""The bank has made an Item, and the database will not take it: read-only, full, or at odds with one table.

Claim: the person reads a clear 503, the Item is ended, nothing is orphaned, and linking works when the database does.
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.faults.processes.conftest import Site, until
from tests.support.databases import read_only
from tests.support.visitor import Visitor

pytestmark = pytest.mark.slow

EXCHANGE = "/item/public_token/exchange"
WITHOUT_LIMIT = resource.RLIM_INFINITY


@contextlib.contextmanager
def unwritable(site: Site) -> Iterator[None]:
    """Nothing can be written: Postgres is read-only, as a stand-in taken over too early; SQLite's disk is full."""
    if site.engine.dialect.name == "sqlite":
        with full_disk(site):
            yield
    else:
        with read_only(site.engine):
            yield


@contextlib.contextmanager
def full_disk(site: Site) -> Iterator[None]:
    """No file of the workers may grow past what SQLite's journal has already."""
    journal = Path(f"{site.engine.url.database}-wal")
    limits = {worker.pid: journal.stat().st_size for worker in site.server.workers()}
    for pid, size in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, WITHOUT_LIMIT))
    try:
        yield
    finally:
        for pid in limits:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (WITHOUT_LIMIT, WITHOUT_LIMIT))


REFUSAL = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'index_corrupted';
END $$
"""


@contextlib.contextmanager
def one_table_refuses(site: Site) -> Iterator[None]:
    """Only new institutions cannot be written, as with a damaged index."""
    trigger = "CREATE TRIGGER refuse BEFORE INSERT ON financial_institutions"
    if site.engine.dialect.name == "sqlite":
        fails = [f"{trigger} BEGIN DELETE FROM not_there; END"]
        mends = ["DROP TRIGGER refuse"]
    else:
        fails = [REFUSAL, f"{trigger} EXECUTE FUNCTION refuse()"]
        mends = ["DROP TRIGGER refuse ON financial_institutions", "DROP FUNCTION refuse"]
    for statement in fails:
        site.run(statement)
    try:
        yield
    finally:
        for statement in mends:
            site.run(statement)


def linked_into(
    site: Site, person: Visitor, trouble: contextlib.AbstractContextManager[None]
) -> requests.Response:
    """The answer to linking when the trouble begins with the bank's answer under way, and lasts until then."""
    with ThreadPoolExecutor(1) as pool, site.gate.stop(EXCHANGE, after=True) as stop:
        answer = pool.submit(person.link, site.token())
        stop.wait()
        with trouble:
            stop.release()
            return answer.result(60)


def assert_kind(answer: requests.Response) -> None:
    assert answer.status_code == 503, answer.text
    error = answer.json()["error"]
    assert error["code"] == "unavailable"
    assert "try again" in error["message"]


def test_row_26_an_item_that_one_table_refuses_is_ended_and_the_person_reads_why(site: Site, person: Visitor):
    before = site.live_items()
    assert_kind(linked_into(site, person, one_table_refuses(site)))
    assert site.live_items() == before
    assert site.removals() == [], "its note is settled: there is nothing for a person to do"
    site.linked(person)


def test_row_26_an_item_that_an_unwritable_database_refuses_is_ended_and_the_person_reads_why(
    site: Site, person: Visitor
):
    """Only the note that an exchange was under way stays: it cannot be deleted either. In the end the operator is
    asked to look, and the log says that the Item was ended."""
    before = site.live_items()
    assert_kind(linked_into(site, person, unwritable(site)))
    assert site.live_items() == before
    ((note, attempts, _),) = site.removals()
    assert attempts == 0
    assert "was ended" in site.server.log.read_text()
    site.run("DELETE FROM item_removals WHERE id = :id", id=note)
    site.linked(person)


def test_row_30_a_database_that_fails_while_a_refresh_is_written_loses_nothing(
    site: Site, person: Visitor, peaceful
):
    number, failures = site.linked(person), refreshes_failed(site)
    with site.gate.stop("/transactions/sync", after=True) as stop:
        assert person.json("PATCH", f"/financial-institutions/{number}").status_code == 202
        stop.wait()
        with unwritable(site):
            stop.release()
            until(lambda: refreshes_failed(site) > failures, "the refresh has failed")
    site.replace_workers()
    person.reconnect()
    assert person.wait_until_done(number, 60)["state"] == "healthy"
    assert site.content(number) == peaceful


def refreshes_failed(site: Site) -> int:
    return site.server.log.read_text().count("background task refresh_now")
