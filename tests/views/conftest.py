"""Signed-in browsers, quickly, and bank vendors that answer as a test wants."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

import background
from database import utcnow
from extensions import bcrypt, db, limiter
from models import User, UserSession
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_user
from tests.support.scripted_plaid import ScriptedPlaid
from tests.support.scripted_twilio import ScriptedTwilio
from tests.views.browsing import Browser
from vault import digest


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    """bcrypt's real cost is a third of a second; what it protects is tested in test_log_in.py."""
    monkeypatch.setattr(bcrypt, "_log_rounds", 4)


@pytest.fixture
def visitor(app: Flask) -> Browser:
    """Somebody who is not signed in."""
    return Browser(app.test_client())


def sign_in(app: Flask, user_id: int, origin: str = "http://localhost") -> Browser:
    """A browser of this person, without the log-in form (which has tests of its own)."""
    token = secrets.token_urlsafe(32)
    with app.app_context():
        data = {"_user_id": db.session.get_one(User, user_id).get_id(), "_fresh": True}
        db.session.add(
            UserSession(token_hash=digest(token), user_id=user_id, data=data, last_seen_at=utcnow())
        )
        db.session.commit()
    client = app.test_client()
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], token)
    return Browser(client, origin)


@pytest.fixture
def person(app: Flask) -> Callable[..., tuple[int, Browser]]:
    """Makes a person with their signed-in browser: (id, visitor)."""

    def make(on: Flask | None = None, password: str | None = None, **changes: Any) -> tuple[int, Browser]:
        with app.app_context():
            if password is not None:
                changes["password_hash"] = bcrypt.generate_password_hash(password).decode()
            user_id = make_user(**changes).id
        return user_id, sign_in(on or app, user_id)

    return make


@pytest.fixture
def rows(app: Flask) -> Callable[..., Any]:
    """Runs a function in an application context: `rows(lambda: db.session.get(User, 1).username)`."""

    def run(work: Callable[[], Any]) -> Any:
        with app.app_context():
            return work()

    return run


@pytest.fixture
def limits(app: Flask) -> Iterator[None]:
    """Rate limits as in production, counted from zero."""
    limiter.enabled = True
    limiter.reset()
    yield
    limiter.reset()
    limiter.enabled = False


class AtOnce:
    """An engine that does the work in the caller's thread; what is to come later waits for the sweep."""

    def submit(self, name: str, ids: dict[str, int], delay: float) -> None:
        if delay == 0:
            background.handler(name)(**ids)


@pytest.fixture
def bank() -> Iterator[ScriptedPlaid]:
    """A vendor that gives every public token an Item of its own with one checking account."""
    numbers = itertools.count(1)

    def exchanged(body: dict[str, Any]) -> dict[str, Any]:
        number = next(numbers)
        return {"access_token": f"access-sandbox-{number}", "item_id": f"item-{number}"}

    with ScriptedPlaid() as server:
        server.always("/link/token/create", {"link_token": "link-1", "expiration": "2026-11-23T12:00:00Z"})
        server.always(
            "/sandbox/public_token/create", lambda body: {"public_token": f"public-{next(numbers)}"}
        )
        server.always("/item/public_token/exchange", exchanged)
        server.always("/accounts/get", plaid.accounts(plaid.account("a1")))
        server.always("/accounts/balance/get", plaid.accounts(plaid.account("a1", available=150)))
        yield server


@pytest.fixture
def linked_app(app_with: Callable[..., Flask], bank: ScriptedPlaid) -> Flask:
    """An application whose vendor is `bank`; background work is not run."""
    return app_with(plaid_base_url=bank.url)


@pytest.fixture
def at_once(linked_app: Flask) -> Iterator[None]:
    """Background work is done at once, in order."""
    background.use(AtOnce())
    yield
    background.use(None)


@pytest.fixture
def twilio() -> Iterator[ScriptedTwilio]:
    """A vendor of texts that takes everything."""
    with ScriptedTwilio() as vendor:
        yield vendor


@pytest.fixture
def texting_app(app_with: Callable[..., Flask], twilio: ScriptedTwilio) -> Flask:
    """An application that texts through `twilio`, known to the outside as https://cashview.example."""
    return app_with(**twilio.settings)


def user_named(name: str) -> User | None:
    return db.session.query(User).filter_by(username=name).one_or_none()
