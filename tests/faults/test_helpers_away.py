"""Fault row 44: what only helps is away (the counters' Redis, a log collector, whoever reads the log). Work goes on.

CashView sends no mail and has no metrics or error service; a log handler stands for one.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import socket
from collections.abc import Iterator

import pytest
import requests

import scheduled_jobs
from tests.support.factories import make_institution, make_user
from tests.support.server import AppServer, free_port
from tests.support.visitor import Visitor
from tests.views.conftest import sign_in


@pytest.fixture
def deaf_collector() -> Iterator[logging.Handler]:
    """A collector of logs that nobody serves, as a service that is down."""
    handler = logging.handlers.HTTPHandler(f"127.0.0.1:{free_port()}", "/logs", method="POST")
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_row_44_without_its_log_collector_pages_and_jobs_go_on(
    app, bank, banks, deaf_collector, monkeypatch, capsys
):
    with app.app_context():
        user = make_user()
        make_institution(user, scheduled_at=user.created_at)
        user_id = user.id
    monkeypatch.setitem(app.extensions, "banks", banks)
    monkeypatch.setattr(scheduled_jobs, "create_app", lambda **_: app)
    logging.getLogger("cashview.jobs").warning("said to nobody")
    assert scheduled_jobs.main([]) == 0
    assert '"refreshed": 1' in capsys.readouterr().out
    browser = sign_in(app, user_id)
    assert browser.get("/").status_code == 200
    assert browser.get("/nothing-here").status_code == 404


@pytest.fixture
def silent() -> Iterator[tuple[socket.socket, str]]:
    """An address that takes connections and never says a word, as a Redis that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_row_44_without_the_counters_people_sign_up_and_guessing_is_still_limited(
    database_url, app, tmp_path, silent, how
):
    """Each of the two processes counts by itself meanwhile."""
    uri = silent[1] if how == "hangs" else f"redis://127.0.0.1:{free_port()}/0"
    settings = {"DATABASE_URL": database_url, "RATELIMIT_STORAGE_URI": uri}
    with AppServer("http://127.0.0.1:9", tmp_path, **settings) as web:
        person = Visitor(web.url).sign_up("robin")
        assert person.get("/").status_code == 200
        statuses = [attempt(person)]
        while statuses[-1] == 400 and len(statuses) < 130:
            statuses.append(attempt(person))
        assert statuses[-1] == 429, "60 an hour in each of two processes"
        assert "Traceback" not in person.get("/").text


def attempt(visitor: Visitor) -> int:
    """A sign-up that is refused for its form."""
    data = {"csrf_token": visitor.token, "username": "x"}
    return requests.post(
        f"{visitor.base_url}/signup", data=data, cookies=visitor.http.cookies, timeout=30
    ).status_code


@pytest.mark.slow
def test_row_44_when_nobody_reads_the_log_any_more_pages_are_served(database_url, app, tmp_path):
    reading, writing = os.pipe()
    web = AppServer("http://127.0.0.1:9", tmp_path, DATABASE_URL=database_url, LOG_LEVEL="INFO")
    web.log.unlink()
    os.symlink(f"/dev/fd/{writing}", web.log)
    with web:
        os.close(reading)
        os.close(writing)
        person = Visitor(web.url).sign_up("merlin")
        for _ in range(8):
            assert person.get("/").status_code == 200
            assert requests.get(f"{web.url}/nothing-here", timeout=30).status_code == 404
