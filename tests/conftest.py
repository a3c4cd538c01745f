"""What every test may use: an application on a real, migrated database, and a client for its pages.

`--db=postgres` runs the same tests on a real Postgres server, started and stopped here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

import background
from app import create_app
from config import Settings
from extensions import db, limiter
from services import vendors
from tests.support.databases import EmbeddedPostgres
from tests.support.settings import make_settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--db", choices=("sqlite", "postgres"), default="sqlite", help="the database under the tests"
    )


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database that lives as long as the test session."""
    if request.config.getoption("--db") == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'test.db'}"
        return
    with EmbeddedPostgres() as server:
        yield server.url


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Complete settings with made-up keys; no file of this machine is read."""
    return make_settings(DATABASE_URL=database_url, INSTANCE_DIR=str(tmp_path_factory.mktemp("instance")))


@pytest.fixture(scope="session")
def migrated_app(settings: Settings) -> Flask:
    """The application, its database migrated up as in production."""
    app = create_app(settings)
    limiter.enabled = False
    with app.app_context():
        upgrade()
    return app


@pytest.fixture
def app(migrated_app: Flask) -> Iterator[Flask]:
    """The application with empty tables and no background engine: what is enqueued waits for the test."""
    background.use(None)
    with migrated_app.app_context():
        _empty_tables()
    vendors.forget()
    yield migrated_app
    limiter.enabled = False


def _empty_tables() -> None:
    for table in reversed(db.metadata.sorted_tables):
        db.session.execute(table.delete())
    db.session.commit()


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """An application context for tests that call services directly. Not for tests that use `client`."""
    with app.app_context():
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def app_with(settings: Settings, app: Flask) -> Callable[..., Flask]:
    """Another application on the same database with some settings changed, such as a vendor's address."""

    def make(**changes: object) -> Flask:
        other = create_app(dataclasses.replace(settings, **changes))
        background.use(None)
        limiter.enabled = False
        return other

    return make
