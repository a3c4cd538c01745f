"""Is the process up, and can it serve?"""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from extensions import db


def test_healthz_needs_nothing(visitor, app_with, tmp_path):
    answer = visitor.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "up"})
    away = app_with(database_url=f"sqlite:///{tmp_path / 'nothing' / 'here.db'}").test_client()
    away.set_cookie("session", "A" * 43)
    assert away.get("/healthz").status_code == 200


def test_readyz_when_all_is_well(visitor):
    answer = visitor.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


@pytest.fixture
def behind(rows):
    """The database as it was before the newest migration."""

    def set_revision(value):
        def work():
            db.session.execute(text("UPDATE alembic_version SET version_num = :value"), {"value": value})
            db.session.commit()

        return work

    current = rows(lambda: db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    rows(set_revision("0000"))
    yield
    rows(set_revision(current))


def test_readyz_when_migrations_are_behind(behind, visitor):
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert "migrations" in answer.json["reason"]
    assert visitor.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["nothing/here.db", "empty.db"])
def test_readyz_when_the_database_is_not_there_or_empty(app_with, tmp_path: Path, path):
    url = f"sqlite:///{tmp_path / path}"
    answer = app_with(database_url=url).test_client().get("/readyz")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text, "an address is nobody's business"


def test_readyz_when_a_server_does_not_answer(app_with):
    away = app_with(database_url="postgresql+psycopg2://user:canary-password@127.0.0.1:9/none")
    answer = away.test_client().get("/readyz")
    assert answer.status_code == 503
    assert "canary" not in answer.text


def test_without_its_database_a_page_says_so(app_with):
    client = app_with(
        database_url="postgresql+psycopg2://user:canary-password@127.0.0.1:9/none"
    ).test_client()
    client.set_cookie("session", "A" * 43)
    page = client.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert "canary" not in page.text
    answer = client.get("/dashboard.json")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "unavailable")
