"""Fault row 31: no connection is free, a statement is slow, a row is locked. One page says so, the others live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

import app as composition
from extensions import db
from models import User
from tests.support.factories import make_institution, make_user
from tests.views.conftest import sign_in

MakeApp = Callable[..., Flask]
usual_options = composition._engine_options


@pytest.fixture
def ada(app: Flask) -> int:
    with app.app_context():
        return make_user("ada").id


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, app_with: MakeApp) -> Flask:
    """An application with two connections in all, which waits a moment for one."""
    few = {"pool_size": 2, "max_overflow": 0, "pool_timeout": 0.2}
    monkeypatch.setattr(
        composition, "_engine_options", lambda settings, kept: {**usual_options(settings, kept), **few}
    )
    return app_with()


@pytest.fixture
def hasty(app_with: MakeApp) -> Iterator[Flask]:
    """An application whose database gives up a statement and a lock after a third of a second."""
    other = app_with()
    with other.app_context():
        engine = db.engine
        event.listen(engine, "connect", hurry)
        yield other
        db.session.remove()
        engine.dispose()


def hurry(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    if type(connection).__module__.startswith("sqlite3"):
        cursor.execute("PRAGMA busy_timeout = 300")
    else:
        cursor.execute("SET statement_timeout = 700")
        cursor.execute("SET lock_timeout = 300")
        connection.commit()
    cursor.close()


def assert_alive(app: Flask) -> None:
    """What needs no connection, or no lock, is served."""
    for path in ("/healthz", "/static/img/nothing.png"):
        assert app.test_client().get(path).status_code in (200, 404)


def assert_kind(answer: Any) -> None:
    assert answer.status_code == 503
    assert answer.headers["X-Request-ID"] in answer.text
    assert "Traceback" not in answer.text


def test_row_31_every_wait_for_the_database_has_an_end(context, settings):
    options = usual_options(settings, 2)
    assert options["pool_timeout"] == 10
    if db.engine.dialect.name == "sqlite":
        assert db.session.scalar(text("PRAGMA busy_timeout")) == 10_000
        return
    shown = {name: db.session.scalar(text(f"SHOW {name}")) for name in ("statement_timeout", "lock_timeout")}
    assert shown == {"statement_timeout": "30s", "lock_timeout": "10s"}
    assert db.session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"


def test_row_31_there_is_a_connection_for_every_thread_of_a_process(settings):
    """Four threads serve pages, REFRESH_CONCURRENCY refresh, one sweeps, and one may be a command's."""
    for kept in (2, settings.refresh_concurrency):
        options = usual_options(settings, kept)
        assert options["pool_size"] + options["max_overflow"] >= 4 + settings.refresh_concurrency + 2


def test_row_31_without_a_free_connection_a_page_is_503_and_works_again_when_one_is_free(narrow, ada):
    browser = sign_in(narrow, ada)
    assert browser.get("/").status_code == 200
    with narrow.app_context():
        held = [db.engine.connect(), db.engine.connect()]
    assert_kind(browser.get("/"))
    assert_alive(narrow)
    for connection in held:
        connection.close()
    assert browser.get("/").status_code == 200


@pytest.fixture
def bank_of_ada(app: Flask, ada: int) -> int:
    with app.app_context():
        return make_institution(db.session.get_one(User, ada)).id


@contextmanager
def locked(app: Flask, institution_id: int) -> Iterator[None]:
    """Somebody else is changing this institution's row, and does not come to an end."""
    with app.app_context(), db.engine.connect() as connection:
        change = text("UPDATE financial_institutions SET name = name WHERE id = :id")
        connection.execute(change, {"id": institution_id})
        yield
        connection.rollback()


def test_row_31_who_waits_for_a_lock_is_told_and_everybody_reads_on(app, hasty, ada, bank_of_ada):
    browser, path = sign_in(hasty, ada), f"/financial-institutions/{bank_of_ada}"
    with locked(app, bank_of_ada):
        assert_kind(browser.call("PATCH", path, {}))
        assert browser.get("/").status_code == 200
        assert browser.get("/dashboard.json").status_code == 200
        assert_alive(hasty)
    assert browser.call("PATCH", path, {}).status_code == 202


def test_row_31_a_statement_that_takes_too_long_is_cut_off(hasty, ada, monkeypatch):
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite runs in the process: there is nobody to cut a statement off")
    browser = sign_in(hasty, ada)
    with monkeypatch.context() as slow:
        slow.setattr("views.pages.dashboard", lambda _user: db.session.execute(text("SELECT pg_sleep(20)")))
        assert_kind(browser.get("/"))
        assert browser.get("/about").status_code == 200
    assert browser.get("/").status_code == 200
