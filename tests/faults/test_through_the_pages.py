"""Every failure as a person meets it: by HTTP, with a background engine of threads, at linking and at a click."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

import background
from background.threads import ThreadEngine
from extensions import db
from models import FinancialInstitution, ItemRemoval, User
from services import refreshing, removals
from tests.faults.causes import CAUSES, CODES, Cause, named
from tests.faults.conftest import BROKEN, METHOD_OF
from tests.faults.vendor import REFUSED
from tests.support.factories import make_institution, make_user
from tests.support.reading import count
from tests.views.browsing import Browser
from tests.views.conftest import sign_in

USED = {"INVALID_PUBLIC_TOKEN", "INVALID_LINK_TOKEN", "INVALID_ACCOUNT_ID", "INVALID_INSTITUTION"}
UNDECIDED = {
    "INSTITUTION_DOWN", "INSTITUTION_NOT_RESPONDING", "INSTITUTION_NOT_AVAILABLE", "INTERNAL_SERVER_ERROR",
    "PLANNED_MAINTENANCE", "ITEM_CONCURRENTLY_DELETED", "A_CODE_OF_TOMORROW", "INVALID_SEND_METHOD",
}  # fmt: skip
"""Codes after which nobody can say that the exchange was not carried out: its note stays, as for a lost answer."""
OPERATORS = {
    "CREDITS_EXHAUSTED", "TRIAL_CONNECTION_LIMIT", "INVALID_API_KEYS", "UNAUTHORIZED_ENVIRONMENT",
    "UNAUTHORIZED_ROUTE_ACCESS", "INVALID_PRODUCT", "PRODUCT_NOT_ENABLED", "MISSING_FIELDS", "UNKNOWN_FIELDS",
    "INVALID_FIELD", "INVALID_BODY", "INVALID_HEADERS", "NOT_FOUND", "SANDBOX_ONLY",
}  # fmt: skip
"""Waiting a minute does not mend these: the person is told who must."""


@pytest.fixture
def browser(app: Flask, bank, banks, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """A person's browser; the application asks the faulty vendor, and threads do its background work."""
    monkeypatch.setitem(app.extensions, "banks", banks)
    numbers = itertools.count(1)
    bank.always("/link/token/create", {"link_token": "link-1", "expiration": "2026-11-23T12:00:00Z"})
    bank.always(
        "/item/public_token/exchange",
        lambda _body: {"access_token": f"access-{(n := next(numbers))}", "item_id": f"item-new-{n}"},
    )
    handlers = dict(background._background.handlers)
    in_context = _in_context(app)
    refresh = in_context(lambda institution_id: refreshing.refresh(institution_id, banks, 60))
    for name in ("refresh", "refresh_now"):
        background.register(name, refresh)
    background.register("remove_item", in_context(lambda removal_id: removals.remove_item(removal_id, banks)))
    background.register("sweep", lambda: None)
    engine = ThreadEngine(2)
    background.use(engine)
    engine.start()
    with app.app_context():
        person_id = make_user(username="sam").id
    yield sign_in(app, person_id)
    engine.stop()
    background.use(None)
    background._background.handlers.update(handlers)


def _in_context(app: Flask) -> Callable[[Callable[..., object]], Callable[..., None]]:
    def wrap(work: Callable[..., object]) -> Callable[..., None]:
        def run(**ids: int) -> None:
            with app.app_context():
                work(**ids)

        return run

    return wrap


def fail(bank, gateway, path: str, cause: Cause) -> None:
    if cause.answer is REFUSED:
        gateway.refused = METHOD_OF[path]
    else:
        bank.always(path, cause.answer)


def mend(bank, gateway, path: str, answer: object) -> None:
    gateway.refused = None
    bank.always(path, answer)


def words_of(answer, status: int, code: str) -> str:
    body = answer.get_json()
    assert answer.status_code == status, body
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "request_id"}
    assert body["error"]["code"] == code
    return body["error"]["message"]


def assert_words(words: str, cause: Cause) -> None:
    assert words[0].isupper()
    assert words.endswith(".")
    assert "_" not in words
    assert "HTTP" not in words
    assert cause.name not in words
    if cause.code in OPERATORS:
        assert "runs this site" in words
        assert "minute" not in words
    else:
        assert "runs this site" not in words
    if cause.state is None:
        assert "minute" in words
    if cause.state in ("needs_login", "expiring", "revoked"):
        assert "link it again" in words


@pytest.mark.parametrize("cause", CAUSES, ids=named)
def test_a_link_token_that_is_not_given_is_said_in_words_and_is_there_the_next_time(
    browser, bank, gateway, cause
):
    fail(bank, gateway, "/link/token/create", cause)
    words = words_of(browser.call("POST", "/create_link_token", {}), 503, "vendor_unavailable")
    if cause.code not in USED:
        assert_words(words, cause)
    mend(bank, gateway, "/link/token/create", {"link_token": "link-2", "expiration": "2026-11-23T12:00:00Z"})
    assert browser.call("POST", "/create_link_token", {}).get_json()["link_token"] == "link-2"


@pytest.mark.parametrize("cause", CAUSES, ids=named)
def test_an_exchange_that_fails_leaves_no_institution_says_why_and_can_be_tried_again(
    app, browser, bank, gateway, cause
):
    path, body = "/item/public_token/exchange", {"public_token": "public-sandbox-1"}
    usual = bank._standing[path]
    fail(bank, gateway, path, cause)
    status, code = (400, "invalid_public_token") if cause.code in USED else (503, "vendor_unavailable")
    words = words_of(browser.call("POST", "/financial-institutions", body), status, code)
    if cause.code not in USED:
        assert_words(words, cause)
    with app.app_context():
        assert count(FinancialInstitution) == 0
        waiting = [row.due_at is not None for row in db.session.query(ItemRemoval)]
    unknown = cause.code is None or cause.code in UNDECIDED
    assert waiting == ([True] if unknown else []), "what nobody knows the end of leaves a note"

    mend(bank, gateway, path, usual)
    answer = browser.call("POST", "/financial-institutions", body)
    assert answer.status_code == 202
    resource = until_done(browser, answer.get_json()["id"])
    assert (resource["state"], resource["error"], resource["stage"]) == ("healthy", None, "done")
    with app.app_context():
        assert (count(FinancialInstitution), count(ItemRemoval)) == (1, 0)


@pytest.mark.parametrize("cause", CODES, ids=named)
def test_a_refresh_that_fails_at_a_click_shows_the_last_numbers_with_their_age_and_the_words(
    app, browser, bank, gateway, cause
):
    first = linked(app, browser, BROKEN)
    second = linked(app, browser, "access-sound")
    long_ago = datetime(2026, 11, 1, 12, tzinfo=UTC)
    with app.app_context():
        db.session.query(FinancialInstitution).update({"refreshed_at": long_ago, "balances_as_of": long_ago})
        db.session.commit()
    usual = {path: bank._standing[path] for path in ("/accounts/get", "/accounts/balance/get")}
    for path, answer in usual.items():
        bank.always(path, _for(BROKEN, cause.answer, answer))

    answers = [browser.call("PATCH", f"/financial-institutions/{number}", {}) for number in (first, second)]

    assert [answer.status_code for answer in answers] == [202, 202]
    broken, sound = until_done(browser, first), until_done(browser, second)
    assert (sound["error"], sound["state"]) == (None, "healthy")
    assert sound["totals"] == [{"currency": "USD", "holdings": "150.00", "net_worth": "150.00"}]
    assert broken["refreshed_at"] == long_ago.isoformat()
    withdrawn = cause.code == "USER_PERMISSION_REVOKED"  # then what the bank gave is deleted
    last = [{"currency": "USD", "holdings": "100.00", "net_worth": "100.00"}]
    assert broken["totals"] == ([] if withdrawn else last)
    assert broken["state"] == (cause.state or "healthy")
    page = browser.page("/").markup
    if cause.state is not None:
        assert broken["error"]["code"] == cause.code
        assert cause.says in broken["error"]["message"]
        told = (
            "Access was withdrawn at the bank" if withdrawn else broken["error"]["message"].partition("'")[0]
        )
        assert told in page
        assert f">{cause.code}<" not in page
    else:
        assert broken["error"] is None
    age = "Numbers as of Nov 1, 7:00 AM" if cause.state else 'datetime="2026-11-01T12:00:00'
    assert withdrawn or age in page
    again = browser.call("PATCH", f"/financial-institutions/{first}", {})
    assert again.status_code == (409 if cause.state == "revoked" else 429)


def _for(token: str, answer: object, usual: object) -> Callable[[dict[str, object]], object]:
    return lambda body: answer if body.get("access_token") == token else usual


def linked(app: Flask, browser: Browser, token: str) -> int:
    """An institution of the browser's person, read once by the engine."""
    with app.app_context():
        person = db.session.query(User).filter_by(username="sam").one()
        number = make_institution(person, access_token=token, due_at=None).id
        refreshing.refresh(number, app.extensions["banks"], 60)
    return number


def until_done(browser: Browser, number: int) -> dict[str, object]:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        resource = browser.get(f"/financial-institutions/{number}").get_json()
        if not resource["working"]:
            return resource
        time.sleep(0.01)
    raise TimeoutError(resource)
