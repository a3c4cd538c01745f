"""The rules every JSON address keeps: tokens first, then who, then what; and one shape for every error."""

from __future__ import annotations

import json
import re
import threading

import pytest
from sqlalchemy.exc import OperationalError

from extensions import db
from models import FinancialInstitution, User
from tests.support.factories import make_account, make_institution
from tests.support.scripted_plaid import failure
from tests.views.browsing import Browser

JSON_WRITES = [
    ("POST", "/create_link_token"),
    ("POST", "/financial-institutions"),
    ("PATCH", "/financial-institutions"),
    ("PATCH", "/financial-institutions/1"),
    ("DELETE", "/financial-institutions/1"),
    ("POST", "/financial-institutions/1/restore-accounts"),
    ("POST", "/financial-institutions/1/reconnected"),
    ("DELETE", "/accounts/1"),
    ("DELETE", "/accounts/1/budget-tracker"),
]
WITH_BODY = [row for row in JSON_WRITES if row[0] != "DELETE"]


def is_error(answer, status: int, code: str) -> bool:
    """The envelope, exactly: code, message, request_id, the last one also in the header."""
    assert answer.status_code == status, answer.text[:200]
    assert answer.content_type == "application/json"
    error = answer.json["error"]
    assert answer.json.keys() == {"error"}
    assert error.keys() == {"code", "message", "request_id"}
    assert error["code"] == code
    assert error["message"].endswith((".", "?"))
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{16}", error["request_id"])
    return True


@pytest.mark.parametrize("method, path", JSON_WRITES)
def test_a_token_is_checked_before_anything_else(app, visitor, method, path):
    other = Browser(app.test_client()).token()
    for headers in (
        {},
        {"X-CSRFToken": ""},
        {"X-CSRFToken": "0" * 64},
        {"X-CSRFToken": other},
        {"X-CSRFToken": "é\x7f"},
    ):
        answer = visitor.client.open(path, method=method, headers=headers)
        assert is_error(answer, 400, "csrf_failed")


@pytest.mark.parametrize("method, path", JSON_WRITES)
def test_with_a_token_but_nobody_signed_in_it_is_401(visitor, method, path):
    assert is_error(visitor.call(method, path, {}), 401, "unauthorized")


@pytest.mark.parametrize(
    "path", ["/dashboard.json", "/financial-institutions/1", "/financial-institutions/1/logo"]
)
def test_reading_needs_no_token_but_somebody(visitor, path):
    assert is_error(visitor.get(path, headers={"Accept": "text/html"}), 401, "unauthorized")


def test_a_stale_token_of_before_the_log_in_is_refused(person):
    _, browser = person()
    before = browser.token()
    browser.post("/logout", form_at="/")
    answer = browser.client.post("/create_link_token", headers={"X-CSRFToken": before})
    assert is_error(answer, 400, "csrf_failed")


def test_a_token_in_the_body_of_a_form_is_enough_and_in_json_is_not(person):
    _, browser = person()
    token = browser.token()
    answer = browser.client.post("/create_link_token", json={"csrf_token": token})
    assert is_error(answer, 400, "csrf_failed")


@pytest.mark.parametrize("method, path", WITH_BODY)
@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/xml", ""],
)
def test_another_content_type_is_415(person, rows, method, path, kind):
    user_id, browser = person()
    rows(lambda: make_institution(db.session.get(User, user_id), id=1))
    answer = browser.call(method, path, data=b'{"public_token": "p"}', content_type=kind)
    assert is_error(answer, 415, "unsupported_media_type")


MALFORMED = [
    b"{", b"}", b"nonsense", b"'a'", b'{"a": }', b"\xff\xfe", b'{"public_token": "\xff"}', b"[" * 5000, b'{"a":' * 5000,
    b"\x00", b"{} {}",
]  # fmt: skip
NO_OBJECT = [b"[]", b"null", b'"text"', b"7", b"true", b"1e999", b"NaN", b"1" * 5000]


@pytest.mark.parametrize("method, path", WITH_BODY)
@pytest.mark.parametrize("body", [*MALFORMED, *NO_OBJECT], ids=lambda body: repr(body[:24]))
def test_malformed_deep_and_other_json_is_400(person, rows, method, path, body):
    user_id, browser = person()
    rows(lambda: make_institution(db.session.get(User, user_id), id=1))
    answer = browser.call(method, path, data=body, content_type="application/json")
    assert is_error(answer, 400, "bad_input")


@pytest.mark.parametrize("method, path", JSON_WRITES)
def test_a_huge_body_is_413(person, method, path):
    _, browser = person()
    body = json.dumps({"public_token": "x", "metadata": "y" * 300_000}).encode()
    answer = browser.call(method, path, data=body, content_type="application/json")
    assert answer.status_code in ((413, 404) if method == "DELETE" else (413,))
    if answer.status_code == 413:
        assert is_error(answer, 413, "too_large")


WRONG = [None, 7, 1.5, True, [], {}, ["public-1"], {"a": 1}]


@pytest.mark.parametrize("token", [*WRONG, "", "x" * 513, "a\x00b", "a\nb", "\ud800", "\u2028"])
def test_a_public_token_of_the_wrong_kind_is_invalid(person, bank, linked_app, token):
    _, browser = person(on=linked_app)
    answer = browser.call("POST", "/financial-institutions", {"public_token": token})
    assert is_error(answer, 400, "invalid_public_token")
    assert bank.asked("/item/public_token/exchange") == []


@pytest.mark.parametrize("flag", [None, 0, 1, "true", "", [], {}])
def test_what_was_chosen_is_true_or_false(person, rows, flag):
    user_id, browser = person()
    rows(lambda: make_institution(db.session.get(User, user_id), id=1))
    answer = browser.call("POST", "/financial-institutions/1/reconnected", {"chose_accounts": flag})
    assert is_error(answer, 400, "bad_input")


@pytest.mark.parametrize("number", [None, "1", 1.0, True, [], {}, [1]])
def test_an_institution_is_named_by_a_whole_number(person, bank, linked_app, rows, number):
    user_id, browser = person(on=linked_app)
    rows(lambda: make_institution(db.session.get(User, user_id), id=1))
    assert is_error(browser.call("POST", "/create_link_token", {"institution_id": number}), 400, "bad_input")
    assert bank.asked("/link/token/create") == []


@pytest.mark.parametrize("number", [0, -1, 2, 2**63, 10**30])
def test_an_institution_that_cannot_be_is_not_found(person, bank, linked_app, number):
    _, browser = person(on=linked_app)
    assert is_error(browser.call("POST", "/create_link_token", {"institution_id": number}), 404, "not_found")


@pytest.mark.parametrize("flag", [None, 0, 1, "true", "false", "", [], {}])
def test_a_flag_is_true_or_false(person, bank, linked_app, flag):
    _, browser = person(on=linked_app)
    body = {"public_token": "public-1", "confirm_duplicate": flag}
    assert is_error(browser.call("POST", "/financial-institutions", body), 400, "bad_input")
    assert bank.asked("/item/public_token/exchange") == []


@pytest.mark.parametrize(
    "metadata",
    [
        *WRONG, "text",
        {"institution": None}, {"institution": []}, {"institution": {"name": 7, "institution_id": []}},
        {"institution": {"name": "a\x00b\ud800" + "x" * 10_000, "institution_id": "i" * 10_000}},
        {"accounts": None}, {"accounts": {}}, {"accounts": [None, 7, [], {"name": 7}, {"name": "a", "mask": {}}]},
        {"accounts": [{"name": "x" * 2000, "mask": "y" * 2000}] * 30},
    ],
)  # fmt: skip
def test_metadata_of_any_shape_is_only_a_hint(person, linked_app, metadata):
    _, browser = person(on=linked_app)
    answer = browser.call(
        "POST", "/financial-institutions", {"public_token": "public-1", "metadata": metadata}
    )
    assert answer.status_code == 202


def test_a_request_cannot_set_what_is_not_its_own(person, linked_app, rows):
    user_id, browser = person(on=linked_app)
    more = {
        "user_id": 4711,
        "environment": "production",
        "state": "healthy",
        "access_token": "mine",
        "id": 4711,
    }
    answer = browser.call("POST", "/financial-institutions", {"public_token": "public-1", **more})
    assert answer.status_code == 202
    row = rows(lambda: db.session.query(FinancialInstitution).one())
    assert (row.user_id, row.environment, row.state) == (user_id, "sandbox", "new")
    assert row.id == answer.json["id"] != 4711
    answer = browser.call(
        "PATCH", f"/financial-institutions/{row.id}", {"name": "Mine", "state": "healthy", "user_id": 1}
    )
    assert answer.status_code == 202
    assert rows(lambda: db.session.query(FinancialInstitution).one().name) == row.name


IDS = [
    "0",
    "-1",
    "4711",
    str(2**31),
    str(2**63 - 1),
    str(2**63),
    str(2**64),
    "9" * 400,
    "word",
    "1.5",
    "1e3",
    "%00",
    "١",
    "1%20",
    "0x1",
    "+1",
]


@pytest.mark.parametrize("number", IDS)
@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/financial-institutions/{}"), ("PATCH", "/financial-institutions/{}"),
        ("DELETE", "/financial-institutions/{}"), ("GET", "/financial-institutions/{}/logo"),
        ("POST", "/financial-institutions/{}/restore-accounts"), ("DELETE", "/accounts/{}"),
    ],
)  # fmt: skip
def test_an_id_that_cannot_be_is_404(person, method, path, number):
    _, browser = person()
    assert is_error(browser.call(method, path.format(number)), 404, "not_found")


def test_somebody_elses_and_nobodys_are_the_same_answer(person, rows):
    owner_id, _ = person()
    _, stranger = person()

    def theirs():
        institution = make_institution(
            db.session.get(User, owner_id), logo=b"\x89PNG\r\n\x1a\n", has_logo=True
        )
        return institution.id, make_account(institution).id

    institution_id, account_id = rows(theirs)
    for method, path, number in [
        ("GET", "/financial-institutions/{}", institution_id),
        ("GET", "/financial-institutions/{}/logo", institution_id),
        ("PATCH", "/financial-institutions/{}", institution_id),
        ("DELETE", "/financial-institutions/{}", institution_id),
        ("POST", "/financial-institutions/{}/restore-accounts", institution_id),
        ("DELETE", "/accounts/{}", account_id),
    ]:
        foreign, nobodys = (
            stranger.call(method, path.format(number)),
            stranger.call(method, path.format(999_999)),
        )
        assert is_error(foreign, 404, "not_found")
        assert is_error(nobodys, 404, "not_found")
        assert foreign.json["error"]["message"] == nobodys.json["error"]["message"]


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("GET", "/create_link_token", {"POST", "OPTIONS"}),
        ("PUT", "/financial-institutions/1", {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"}),
        ("GET", "/financial-institutions", {"POST", "PATCH", "OPTIONS"}),
        ("POST", "/dashboard.json", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/accounts/1", {"DELETE", "OPTIONS"}),
        ("PATCH", "/", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_another_verb_is_405_and_says_which_are_right(person, method, path, allowed):
    _, browser = person()
    answer = browser.call(method, path, headers={"Accept": "application/json"})
    assert is_error(answer, 405, "method_not_allowed")
    assert {verb.strip() for verb in answer.headers["Allow"].split(",")} == allowed


@pytest.mark.parametrize(
    "path", ["/nothing", "/users/nothing", "/static/nothing.js", "/.env", "/.git/config", "/openapi.json"]
)
def test_an_address_that_is_none_is_404_as_page_or_json(visitor, path):
    page = visitor.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 404
    if path != "/openapi.json":
        assert page.content_type.startswith("text/html")
        assert page.headers["X-Request-ID"] in page.text
    assert is_error(visitor.get(path, headers={"Accept": "application/json"}), 404, "not_found")


def test_trace_and_unknown_verbs_do_nothing(visitor):
    for verb in ("TRACE", "CONNECT", "PROPFIND", "FROB"):
        assert visitor.client.open(
            "/", method=verb, headers={"X-CSRFToken": visitor.token()}
        ).status_code in (400, 405)


@pytest.mark.parametrize("path", ["/create_link_token", "/financial-institutions"])
@pytest.mark.parametrize(
    "answer",
    [
        failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500), (502, b"<html>"), (200, b"<html>"), (200, b""),
        failure("INVALID_API_KEYS", "INVALID_INPUT"), failure("RATE_LIMIT", "RATE_LIMIT_EXCEEDED", 429),
    ],
    ids=["500", "html 502", "html 200", "empty", "keys", "429"],
)  # fmt: skip
def test_vendor_trouble_is_503_and_nothing_is_kept(person, linked_app, bank, rows, path, answer):
    bank.always("/link/token/create", answer)
    bank.always("/item/public_token/exchange", answer)
    _, browser = person(on=linked_app)
    assert is_error(browser.call("POST", path, {"public_token": "public-1"}), 503, "vendor_unavailable")
    assert rows(lambda: db.session.query(FinancialInstitution).count()) == 0


def test_a_vendor_that_refuses_connections_is_503(person, app):
    _, browser = person()
    assert is_error(browser.call("POST", "/create_link_token", {}), 503, "vendor_unavailable")


def test_an_account_type_without_keys_is_said(person, app_with):
    _, browser = person(on=app_with(plaid_secret=None), account_type="development")
    assert is_error(browser.call("POST", "/create_link_token", {}), 503, "not_configured")


@pytest.mark.parametrize(
    "accept, kind", [("application/json", "application/json"), ("text/html", "text/html")]
)
def test_an_unexpected_failure_shows_no_trace(person, monkeypatch, accept, kind, caplog):
    def explode(*_args):
        raise RuntimeError("secret-detail-4711")

    monkeypatch.setattr("views.pages.dashboard", explode)
    _, browser = person()
    answer = browser.get("/", headers={"Accept": accept})
    assert answer.status_code == 500
    assert answer.content_type.startswith(kind)
    assert "secret-detail-4711" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Request-ID"] in answer.text
    assert answer.headers["X-Request-ID"] in caplog.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/dashboard.json", "/"])
def test_a_database_that_is_away_is_503(person, monkeypatch, path):
    def away(*_args):
        raise OperationalError("SELECT secret-detail", {"p": "secret-detail"}, Exception("no route"))

    monkeypatch.setattr("views.pages.dashboard", away)
    _, browser = person()
    answer = browser.get(path)
    assert answer.status_code == 503
    assert "secret-detail" not in answer.text


def test_sixty_links_an_hour_are_allowed(person, linked_app, limits):
    _, browser = person(on=linked_app)
    token = browser.token()
    codes = [
        browser.client.post("/create_link_token", json={}, headers={"X-CSRFToken": token}).status_code
        for _ in range(60)
    ]
    assert codes == [200] * 60


def test_too_many_links_are_429_with_a_time(person, linked_app, limits):
    _, browser = person(on=linked_app)
    _, other = person(on=linked_app)
    headers = {"X-CSRFToken": browser.token()}
    answer = next(
        answer
        for answer in (
            browser.client.post("/create_link_token", json={}, headers=headers) for _ in range(300)
        )
        if answer.status_code != 200
    )
    assert is_error(answer, 429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) >= 1
    assert other.call("POST", "/create_link_token", {}).status_code == 200, "the limit is a person's own"


def test_request_ids_are_unique_and_never_the_clients(visitor):
    ids = {
        visitor.get("/about", headers={"X-Request-ID": "forged"}).headers["X-Request-ID"] for _ in range(20)
    }
    assert len(ids) == 20
    assert "forged" not in ids


def test_two_requests_with_one_token_at_once_make_one_institution(person, linked_app, rows):
    _, browser = person(on=linked_app)
    token, cookie = browser.token(), browser.cookie
    answers = []

    def link():
        client = linked_app.test_client()
        client.set_cookie("session", cookie)
        body = {"public_token": "public-same"}
        answers.append(client.post("/financial-institutions", json=body, headers={"X-CSRFToken": token}))

    threads = [threading.Thread(target=link) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.json["id"] for answer in answers}) == 1
    assert rows(lambda: db.session.query(FinancialInstitution).count()) == 1
