"""Fault row 30: the database restarts, fails over or is read-only for a while, in the middle of everything.

On a Postgres of its own that may be crashed; everything else of the tests' database stays up. (SQLite has no server;
a full disk under it is in processes/test_database_fails.py.)
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine, select, update

import scheduled_jobs
from CronJobs import send_texts
from extensions import db
from models import FinancialInstitution, TextMessage, Transaction
from services import patience
from tests.conftest import _empty_tables
from tests.support import scripted_plaid as plaid
from tests.support.banks import banks_at
from tests.support.databases import EmbeddedPostgres, read_only
from tests.support.factories import (
    make_account,
    make_institution,
    make_texted_user,
    make_tracker,
    make_transaction,
    make_user,
)
from tests.support.reading import count
from tests.support.server import AppServer
from tests.support.texts import TakingTexts
from tests.support.visitor import Visitor

pytestmark = pytest.mark.slow

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 10, 17, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    if request.config.getoption("--db") == "sqlite":
        pytest.skip("needs a database that is a server: --db=postgres")
    with EmbeddedPostgres() as own:
        yield own


@pytest.fixture(autouse=True)
def there_again(server: EmbeddedPostgres) -> Iterator[None]:
    """Whatever became of a test, the next one finds the server up."""
    yield
    server.come_back()


@pytest.fixture
def short_time_outs() -> None:
    """Not here: the bank's answer takes as long as the server needs to restart."""


@pytest.fixture
def site(server: EmbeddedPostgres, app_with: Callable[..., Flask]) -> Iterator[Flask]:
    """An application on that server, with empty tables and an application context."""
    other = app_with(database_url=server.url)
    with other.app_context():
        upgrade()
        _empty_tables()
        yield other
        db.session.remove()
        db.engine.dispose()


def run_job(site: Flask, bank_url: str, monkeypatch, capsys, *words: str) -> tuple[int, dict[str, Any]]:
    monkeypatch.setattr(scheduled_jobs, "create_app", lambda **_: site)
    monkeypatch.setitem(site.extensions, "banks", banks_at(bank_url))
    code = scheduled_jobs.main(list(words))
    said = capsys.readouterr()
    lines = said.out.strip().splitlines()
    return code, json.loads(lines[-1]) if lines else {"said": said.err}


def once(happening: Callable[[], object], usual: Any) -> Callable[[Any], Any]:
    """An answer of the bank in whose midst something happens, the first time it is asked."""
    lock, rest = threading.Lock(), [happening]

    def respond(body: dict[str, Any]) -> Any:
        with lock:
            if rest:
                rest.pop()()
        return usual(body) if callable(usual) else usual

    return respond


def due_institutions(number: int) -> None:
    user, due = make_user(), datetime(2026, 11, 1, tzinfo=UTC)
    for _ in range(number):
        make_institution(user, scheduled_at=due, transactions_cursor=None)


def one_page(body: dict[str, Any]) -> Any:
    key = body["access_token"]
    return plaid.page([] if body.get("cursor") else [plaid.transaction(f"t-{key}")], cursor="c1")


def assert_all_read_once(number: int) -> None:
    """By the rows: a refresh whose last commit happened and was not answered is in nobody's count."""
    db.session.expire_all()
    rows = db.session.scalars(select(FinancialInstitution)).all()
    assert [(row.state, row.error_code, row.lease_id) for row in rows] == [("healthy", None, None)] * number
    assert {row.transactions_cursor for row in rows} == {"c1"}
    assert count(Transaction) == number


def test_row_30_a_restart_in_the_middle_of_refreshing_is_got_over_in_the_same_run(
    site, server, bank, monkeypatch, capsys
):
    due_institutions(12)
    usual = bank._standing["/accounts/get"]
    bank.always("/accounts/get", once(server.restart, usual))
    bank.always("/transactions/sync", one_page)
    code, report = run_job(site, bank.url, monkeypatch, capsys, "--only", "refresh")
    assert (code, report["failed"]) == (0, 0)
    assert_all_read_once(12)


def test_row_30_a_failover_that_takes_its_time_is_waited_for(site, server, bank, monkeypatch, capsys):
    """The server comes back only when the run has been waiting three times."""
    due_institutions(4)
    bank.always("/accounts/get", once(server.crash, bank._standing["/accounts/get"]))
    bank.always("/transactions/sync", one_page)
    at_the_third_pause(monkeypatch, server.come_back)
    code, report = run_job(site, bank.url, monkeypatch, capsys, "--only", "refresh")
    assert (code, report["failed"]) == (0, 0)
    assert_all_read_once(4)


def at_the_third_pause(monkeypatch: pytest.MonkeyPatch, mend: Callable[[], object]) -> None:
    lock, pauses = threading.Lock(), []

    def pause(seconds: float) -> None:
        with lock:
            pauses.append(seconds)
            if len(pauses) == 3:
                mend()
        time.sleep(0.01)  # not yet mended: leave the processor to whoever mends it

    monkeypatch.setattr(patience, "sleep", pause)


def test_row_30_a_database_that_takes_no_writes_for_a_while_is_waited_for(
    site, server, bank, monkeypatch, capsys
):
    due_institutions(4)
    engine = create_engine(server.url)
    trouble, turn = ExitStack(), threading.Lock()

    def begin() -> None:
        with turn:
            trouble.enter_context(read_only(engine))

    def end() -> None:
        with turn:
            trouble.close()

    bank.always("/accounts/get", once(begin, bank._standing["/accounts/get"]))
    bank.always("/transactions/sync", one_page)
    at_the_third_pause(monkeypatch, end)
    code, report = run_job(site, bank.url, monkeypatch, capsys, "--only", "refresh")
    engine.dispose()
    assert (code, report["failed"]) == (0, 0)
    assert_all_read_once(4)


def test_row_30_when_it_lasts_the_run_ends_with_one_and_the_next_one_does_the_rest(
    site, server, bank, monkeypatch, capsys
):
    due_institutions(4)
    usual = bank._standing["/accounts/get"]
    bank.always("/accounts/get", once(server.crash, usual))
    bank.always("/transactions/sync", one_page)
    monkeypatch.setattr(patience, "SECONDS", 0.0)
    code, _report = run_job(site, bank.url, monkeypatch, capsys, "--only", "refresh")
    assert code == 1
    server.come_back()
    db.session.rollback()
    db.session.execute(update(FinancialInstitution).values(lease_until=LONG_AGO))
    db.session.commit()
    code, report = run_job(site, bank.url, monkeypatch, capsys, "--only", "refresh")
    assert (code, report["refreshed"]) == (0, 4)
    assert_all_read_once(4)


# Texts


def tracked(number: str) -> None:
    user = make_texted_user(phone_number=number)
    account = make_account(make_institution(user, refreshed_at=NOON), name="Plaid Checking")
    make_transaction(account, "212.40")
    make_tracker(account)


@pytest.fixture
def texts(site: Flask) -> TakingTexts:
    """Two people are to have a text."""
    tracked("+14155552671")
    tracked("+14155552672")
    return TakingTexts()


def send(texts: TakingTexts) -> send_texts.TextReport:
    tools = send_texts.Tools(texts, None, lambda: NOON, lambda _seconds: None, lambda: False)
    return send_texts.run(tools, dry_run=False)


def statuses() -> list[str]:
    db.session.expire_all()
    return list(db.session.scalars(select(TextMessage.status).order_by(TextMessage.id)))


def test_row_30_a_restart_while_a_text_is_taken_doubles_none_and_keeps_none_back(server, texts, monkeypatch):
    """Nobody can write down that the first one has gone: its claim runs out, and stays unknown."""
    texts.next(lambda _text: server.crash())
    at_the_third_pause(monkeypatch, server.come_back)
    send(texts)
    assert statuses() == ["sending", "sent"]
    db.session.execute(update(TextMessage).values(lease_until=LONG_AGO))
    db.session.commit()
    send(texts)
    assert statuses() == ["unknown", "sent"], "until a report or a look-up says more; never sent again"
    assert [call.to for call in texts.calls] == ["+14155552671", "+14155552672"]


def test_row_30_a_stand_in_that_lacks_the_last_text_asks_the_vendor_before_it_sends(
    server, texts, monkeypatch
):
    """A copy that was a moment behind takes over: to it the first text has never been sent."""

    def fail_over(_text: object) -> None:
        behind = create_engine(server.url)
        with behind.begin() as connection:
            first = update(TextMessage).where(TextMessage.provider_sid.is_not(None))
            connection.execute(first.values(status="pending", provider_sid=None, sent_at=None))
        behind.dispose()
        server.crash()

    texts.next(None, fail_over)
    at_the_third_pause(monkeypatch, server.come_back)
    send(texts)
    assert [call.to for call in texts.calls] == ["+14155552671", "+14155552672"], "each once"
    assert statuses() == ["sent", "sending"]


# Pages


def test_row_30_pages_say_so_and_serve_again_without_a_restart(server, tmp_path):
    nobody = "http://127.0.0.1:9"
    with AppServer(nobody, tmp_path, DATABASE_URL=server.url) as web:
        person = Visitor(web.url).sign_up("robin")
        assert person.get("/").status_code == 200
        server.crash()
        try:
            assert_away(person)
        finally:
            server.come_back()
        for _ in range(8):  # each of the threads has connections that were cut
            assert person.get("/").status_code == 200
        assert "Traceback" not in web.log.read_text()


def assert_away(person: Visitor) -> None:
    for path, kind in (("/", "text/html"), ("/dashboard.json", "application/json"), ("/login", "text/html")):
        answer = person.http.get(f"{person.base_url}{path}", timeout=30)
        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (503, kind)
        assert answer.headers["X-Request-ID"] in answer.text
        assert "Traceback" not in answer.text
        assert "psycopg" not in answer.text
    assert requests.get(f"{person.base_url}/healthz", timeout=10).status_code == 200
    assert requests.get(f"{person.base_url}/readyz", timeout=10).status_code == 503
    changed = person.json("POST", "/financial-institutions", {"public_token": "public-1"})
    assert (changed.status_code, changed.json()["error"]["code"]) == (503, "unavailable")


def test_row_30_while_nothing_can_be_written_pages_are_read_and_writing_is_503(server, tmp_path):
    engine = create_engine(server.url)
    with AppServer("http://127.0.0.1:9", tmp_path, DATABASE_URL=server.url) as web:
        person = Visitor(web.url).sign_up("merlin")
        with read_only(engine):
            assert person.get("/").status_code == 200
            written = person.json("POST", "/financial-institutions", {"public_token": "public-1"})
            assert (written.status_code, written.json()["error"]["code"]) == (503, "unavailable")
            form = {"csrf_token": person.token}
            left = person.http.post(f"{web.url}/logout", data=form, timeout=30)
            assert left.status_code == 503
            assert left.headers["X-Request-ID"] in left.text
        assert person.get("/").status_code == 200
    engine.dispose()
