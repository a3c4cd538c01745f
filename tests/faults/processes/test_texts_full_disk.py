"""The pipe behind the job is closed, or its disk is full: no half state, and the exit code says so."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.faults.processes.test_texts_killed import all_served_once
from tests.faults.processes.text_site import TextSite
from tests.support.texts_job import quiet

pytestmark = pytest.mark.slow


@contextmanager
def closed_pipe() -> Iterator[int]:
    """A pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def assert_done_once(texts: TextSite, numbers: list[str]) -> None:
    assert texts.statuses() == {"sent": len(numbers)}
    assert texts.run().texts == quiet()
    all_served_once(texts, numbers)


def test_row_39_a_closed_stdout_loses_no_text_and_is_an_exit_code(texts: TextSite):
    numbers = texts.begin(5)
    with closed_pipe() as writer:
        ended = texts.end(texts.start(stdout=writer))
    assert (ended.code, ended.texts) == (1, None)
    assert "BrokenPipeError" in ended.errors
    assert "Traceback" not in ended.errors
    assert_done_once(texts, numbers)


def test_row_39_a_full_disk_under_the_log_loses_no_text_and_no_report(texts: TextSite):
    numbers = texts.begin(5)
    texts.twilio.switch("error", code=20429, times=1)  # so that there is something to log
    with Path("/dev/full").open("w") as full:
        ended = texts.end(texts.start(stderr=full))
    assert (ended.code, ended.texts) == (0, quiet(sent=5))
    assert_done_once(texts, numbers)


@contextmanager
def full_disk(texts: TextSite, job: subprocess.Popen[str]) -> Iterator[None]:
    """Nothing that the job writes into its database can be kept; Postgres without room ends in the same error."""
    url = make_url(texts.database_url)
    if url.drivername.startswith("sqlite"):
        size = Path(f"{url.database}-wal").stat().st_size
        resource.prlimit(job.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        yield
        return
    server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{url.database}" SET default_transaction_read_only = on'))
        connection.execute(text(ENDED), {"name": url.database})
        try:
            yield
        finally:
            connection.execute(text(f'ALTER DATABASE "{url.database}" RESET default_transaction_read_only'))
    server.dispose()


ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"


def test_row_39_a_full_disk_under_the_database_leaves_no_half_state(texts: TextSite):
    """The fourth answer cannot be stored: the run ends, and the look-up of a later one tells what became of it."""
    numbers = texts.begin(8)
    job, stop = texts.stopped_at(4, after=True)
    with full_disk(texts, job):
        stop.release()
        ended = texts.end(job, seconds=240)  # two minutes of patience first (services/patience.py)
    assert (ended.code, ended.texts) == (1, None)
    assert "The database failed" in ended.errors
    assert "Traceback" not in ended.errors
    assert texts.statuses() == {"sent": 3, "sending": 1, "pending": 4}
    texts.later()
    again = texts.run()
    assert (again.code, again.texts) == (0, quiet(unknown=1, sent=4)), again.errors
    all_served_once(texts, numbers)
