"""Whatever is sent is answered, never a 500: every writing route, every JSON field, every kind of content.

The tables fail when a JSON route, or a field that a view reads from a JSON body, has no row.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from extensions import db
from models import User
from tests.support.factories import make_account, make_institution
from tests.views.browsing import Browser
from tests.views.test_json_rules import IDS, JSON_WRITES, is_error
from tests.views.test_owners import ROUTES, SIGNED

VIEWS = Path(__file__).resolve().parents[2] / "views"
WRITES = [key for key in ROUTES if key[0] != "GET"]
HOSTILE = [
    "", " ", "x" * 10_000, "😀" * 3_000, "שלום עולם", "abc\u202edcba", "a\x00b", "<script>alert(1)</script>", '"', "'",
    "\\", "a\nb", "a\u2028b", "a\u2029b", "{{7*7}}", "{% raw %}", "</title>", "\ud800", "\ufeff", "%s%n",
    "../../etc/passwd", "'; --",
]  # fmt: skip
WRONG_TYPES: list[Any] = [None, True, 0, -1, 1.5, 10**400, [], [[]], {}, {"a": {"b": []}}, *HOSTILE]

# What each JSON body is read for: field -> the code of the refusal; None: it is a hint that is never refused.
FIELDS: dict[tuple[str, str], dict[str, str | None]] = {
    ("POST", "/create_link_token"): {"institution_id": "bad_input"},
    ("POST", "/financial-institutions"): {
        "public_token": "invalid_public_token",
        "metadata": None,
        "confirm_duplicate": "bad_input",
    },
    ("POST", "/financial-institutions/<int:institution_id>/reconnected"): {
        "chose_accounts": "bad_input",
        "refused": "bad_input",
    },
    ("PATCH", "/financial-institutions"): {},
    ("PATCH", "/financial-institutions/<int:institution_id>"): {},
    ("DELETE", "/financial-institutions/<int:institution_id>"): {},
    ("POST", "/financial-institutions/<int:institution_id>/restore-accounts"): {},
    ("DELETE", "/accounts/<int:account_id>"): {},
    ("DELETE", "/accounts/<int:account_id>/budget-tracker"): {},
}
GOOD: dict[str, Any] = {
    "public_token": "public-1",
    "metadata": {},
    "confirm_duplicate": True,
    "institution_id": 1,
    "chose_accounts": True,
    "refused": False,
}


def is_json_route(verb: str, rule: str) -> bool:
    """The JSON addresses of DESIGN.md 4: the same rule as views/http.py, by the table of routes."""
    return (
        rule.endswith(".json")
        or rule == "/create_link_token"
        or rule.startswith("/financial-institutions")
        or verb in ("PATCH", "DELETE")
    )


def test_every_json_route_has_its_rows():
    writing = {key for key in WRITES if is_json_route(*key)}
    assert writing == FIELDS.keys(), "say in FIELDS which fields the body of this route is read for"
    swept = {(verb, re.sub(r"/1(?=/|$)", "/<>", path)) for verb, path in JSON_WRITES}
    assert swept == {(verb, re.sub(r"<[^>]+>", "<>", rule)) for verb, rule in writing}, (
        "add it to JSON_WRITES"
    )


def test_every_field_that_a_view_reads_has_its_row():
    source = "\n".join(path.read_text(encoding="utf-8") for path in VIEWS.glob("*.py"))
    read = set(re.findall(r"""\bbody(?:\.get\(|\[)"(\w+)""", source)) | set(
        re.findall(r"""\b(?:flag|whole_number)\(body, "(\w+)""", source)
    )
    assert read == {name for fields in FIELDS.values() for name in fields}, (
        "FIELDS tells every field of every JSON body"
    )


@pytest.fixture
def mine(person, linked_app, rows) -> tuple[Browser, dict[str, int]]:
    user_id, browser = person(on=linked_app, password="nine lives of a tin robot")

    def make() -> dict[str, int]:
        institution = make_institution(db.session.get(User, user_id))
        return {"institution_id": institution.id, "account_id": make_account(institution).id}

    return browser, rows(make)


def address(rule: str, ids: dict[str, int]) -> str:
    for name, number in ids.items():
        rule = rule.replace(f"<int:{name}>", str(number))
    return rule


@pytest.mark.parametrize(
    "verb, rule, name",
    [pytest.param(*key, name, id=name) for key, fields in FIELDS.items() for name in fields],
)
def test_every_json_field_of_every_wrong_type(mine, verb, rule, name):
    browser, ids = mine
    code = FIELDS[verb, rule][name]
    right = type(GOOD[name])
    headers = {"X-CSRFToken": browser.token()}
    for value in WRONG_TYPES:
        if isinstance(value, right) and name != "public_token":
            continue
        if (
            name == "public_token"
            and isinstance(value, str)
            and value.isprintable()
            and 0 < len(value) <= 512
        ):
            continue  # might be a token: the vendor says
        answer = browser.client.open(
            address(rule, ids), method=verb, json={**GOOD, name: value}, headers=headers
        )
        if code is None:
            assert answer.status_code == 202, (value, answer.text)
        else:
            assert is_error(answer, 400, code), value


def test_hostile_names_in_links_metadata_are_kept_as_text(person, linked_app):
    for text in HOSTILE:
        _, browser = person(on=linked_app)
        metadata = {
            "institution": {"name": text, "institution_id": text},
            "accounts": [{"name": text, "mask": text}],
        }
        body = {"public_token": f"public-{HOSTILE.index(text)}", "metadata": metadata}
        answer = browser.call("POST", "/financial-institutions", body)
        assert answer.status_code == 202, (text, answer.text)
        assert len(answer.json["name"]) <= 255
        assert "<script>" not in answer.json["html"]
        page = browser.get("/").text
        assert "<script>alert" not in page
        assert "\x00" not in page
        assert "49" not in re.findall(r'data-name="([^"]*)"', page)


CONTENT_TYPES = [
    None, "", "nonsense", "application/json", "application/json; charset=utf-16", "application/json; charset=nonsense",
    "application/problem+json", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-7",
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "text/plain",
    "text/html", "application/xml", "application/octet-stream", "image/png", "a" * 5000,
]  # fmt: skip
BODIES = [
    b"", b"{}", b"[]", b"null", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"a=1&a=2&%zz=%ff", b"=&&=&", b"\x00" * 100,
    b"--x\r\nContent-Disposition: form-data; name=\"username\"; filename=\"a\"\r\n\r\nfile\r\n--x--\r\n", b"--x\r\n",
    b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--", b"{" * 20_000, b'{"a":1,"a":2}',
    b"username=%00%ed%a0%80", b'{"username": 7, "password": [], "timezone": {}}',
]  # fmt: skip


@pytest.mark.parametrize("verb, rule", [pytest.param(*key, id=" ".join(key)) for key in WRITES])
def test_any_body_under_any_content_type_is_answered(mine, linked_app, verb, rule, monkeypatch):
    monkeypatch.setattr("services.demo.PATIENCE_SECONDS", 0)
    browser, ids = mine
    visitor = Browser(linked_app.test_client())
    for who in (browser, visitor):
        token = who.token()
        for kind in CONTENT_TYPES:
            for body in BODIES:
                # A new id with every success: then the page's token is a new one too.
                headers = {"X-CSRFToken": who.token() if rule in ("/demo", "/logout") else token}
                answer = who.client.open(
                    address(rule, ids), method=verb, data=body, content_type=kind, headers=headers
                )
                assert answer.status_code < 500, (kind, body, answer.text[:200])


@pytest.mark.parametrize("rule", [rule for verb, rule in WRITES if not is_json_route(verb, rule)])
@pytest.mark.parametrize("signed_in", [True, False], ids=["person", "visitor"])
def test_every_form_field_with_every_hostile_text(mine, linked_app, rule, signed_in, monkeypatch):
    """Alone, twice, as a file, and with its like missing: a page or a redirect, never a 500, nothing runs."""
    monkeypatch.setattr("services.demo.PATIENCE_SECONDS", 0)
    browser = mine[0] if signed_in else Browser(linked_app.test_client())
    shown = browser.get(rule)
    names = re.findall(r'name="(\w+)"', shown.text) if shown.status_code == 200 else ["timezone"]
    for name in set(names) - {"csrf_token", "viewport", "description"}:
        token = browser.token()
        for text in HOSTILE:
            data = {
                "csrf_token": browser.token() if rule == "/demo" else token,
                name: [text.encode("utf-8", "surrogatepass"), text.encode("utf-8", "replace")],
            }
            answer = browser.client.post(rule, data=data, headers={"Referer": "http://localhost/"})
            assert answer.status_code < 500, (name, text)
            assert "<script>alert" not in answer.text


@pytest.mark.parametrize("number", IDS)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_id_in_the_query_that_cannot_be_is_404(person, number, accept):
    _, browser = person()
    answer = browser.get(f"/totals/why?institution={number}", headers={"Accept": accept})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "query", ["institution=", "institution", "institution=1&institution=2", "institution[]=1", "%ff=%ff"]
)
def test_queries_that_make_no_sense_are_answered(person, query):
    _, browser = person()
    assert browser.get(f"/totals/why?{query}").status_code in (200, 404)


def test_deep_and_long_json_is_no_danger(mine):
    browser, _ = mine
    headers = {"X-CSRFToken": browser.token()}
    for deep in (100, 900, 5_000, 50_000):
        body = b'{"public_token": "p", "metadata": ' + b"[" * deep + b"]" * deep + b"}"
        answer = browser.client.post(
            "/financial-institutions", data=body, content_type="application/json", headers=headers
        )
        assert answer.status_code in (202, 400), deep
    wide = json.dumps({"public_token": "q", "metadata": {"accounts": [{"name": "a"}] * 20_000}}).encode()
    answer = browser.client.post(
        "/financial-institutions", data=wide, content_type="application/json", headers=headers
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "verb, rule", [pytest.param(*key, id=" ".join(key)) for key in WRITES if key not in SIGNED]
)
def test_missing_stale_and_foreign_tokens(mine, linked_app, verb, rule):
    """A token that is not of this browser and this log-in opens nothing, wherever it is put."""
    browser, ids = mine
    foreign = Browser(linked_app.test_client()).token()
    mine_now = browser.token()
    mended = mine_now[:-5] + ("0" if mine_now[-5] != "0" else "1") + mine_now[-4:]
    for token in ("", "nonsense", "x" * 10_000, foreign, mended, "<script>", "é"):
        for place in ("header", "form", "both"):
            options: dict[str, Any] = {"headers": {"Accept": "application/json"}}
            if place != "form":
                options["headers"]["X-CSRFToken"] = token
            if place != "header":
                options["data"] = {"csrf_token": token}
            answer = browser.client.open(address(rule, ids), method=verb, **options)
            assert is_error(answer, 400, "csrf_failed"), (token, place)
    query = browser.client.open(
        address(rule, ids),
        method=verb,
        query_string={"csrf_token": browser.token()},
        headers={"Accept": "application/json"},
    )
    assert is_error(query, 400, "csrf_failed")
