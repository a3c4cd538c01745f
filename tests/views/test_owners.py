"""Every route, every verb, four kinds of people: what each may have. A route without a row here fails the test."""

from __future__ import annotations

import pytest
from flask import Flask

from extensions import db
from models import User
from tests.support.factories import make_account, make_institution, make_tracker, make_user
from tests.views.browsing import Browser
from tests.views.conftest import sign_in

PNG = b"\x89PNG\r\n\x1a\nlogo"
OWNER, STRANGER, DEMO, NOBODY = "owner", "stranger", "demo", "nobody"

# (verb, rule): status for owner, stranger, demo visitor, nobody. An empty form is 400; nobody is sent to log in (303)
# by pages and told so (401) by JSON; what is a stranger's is not there (404), for a demo visitor too.
ROUTES: dict[tuple[str, str], tuple[int, int, int, int]] = {
    ("GET", "/"): (200, 200, 200, 200),
    ("GET", "/about"): (200, 200, 200, 200),
    ("GET", "/privacy"): (200, 200, 200, 200),
    ("GET", "/terms"): (200, 200, 200, 200),
    ("GET", "/healthz"): (200, 200, 200, 200),
    ("GET", "/readyz"): (200, 200, 200, 200),
    ("GET", "/signup"): (200, 200, 200, 200),
    ("POST", "/signup"): (400, 400, 400, 400),
    ("GET", "/login"): (302, 302, 302, 200),
    ("POST", "/login"): (400, 400, 400, 400),
    ("POST", "/demo"): (303, 303, 303, 303),
    ("POST", "/logout"): (303, 303, 303, 303),
    ("GET", "/dashboard.json"): (200, 200, 200, 401),
    ("GET", "/totals/why"): (200, 200, 200, 303),
    ("GET", "/users/update-profile"): (200, 200, 200, 303),
    ("POST", "/users/update-profile"): (400, 400, 403, 303),
    ("GET", "/users/change-password"): (200, 200, 200, 303),
    ("POST", "/users/change-password"): (400, 400, 403, 303),
    ("GET", "/users/delete"): (200, 200, 200, 303),
    ("POST", "/users/delete"): (400, 400, 403, 303),
    ("GET", "/users/texts"): (200, 200, 200, 303),
    ("POST", "/users/texts"): (409, 409, 403, 303),  # sandbox accounts have no texts
    ("POST", "/create_link_token"): (503, 503, 503, 401),  # the vendor of this test does not answer
    ("POST", "/financial-institutions"): (400, 400, 400, 401),  # no public token
    ("PATCH", "/financial-institutions"): (202, 202, 202, 401),
    ("GET", "/financial-institutions/<int:institution_id>"): (200, 404, 404, 401),
    ("PATCH", "/financial-institutions/<int:institution_id>"): (202, 404, 404, 401),
    ("DELETE", "/financial-institutions/<int:institution_id>"): (200, 404, 404, 401),
    ("GET", "/financial-institutions/<int:institution_id>/logo"): (200, 404, 404, 401),
    ("POST", "/financial-institutions/<int:institution_id>/restore-accounts"): (202, 404, 404, 401),
    ("POST", "/financial-institutions/<int:institution_id>/reconnected"): (202, 404, 404, 401),
    ("GET", "/connections"): (200, 200, 200, 303),
    # The owner's institution works, so there is nothing to move.
    ("GET", "/connections/<int:institution_id>/move"): (409, 404, 404, 303),
    ("POST", "/connections/<int:institution_id>/move"): (409, 404, 404, 303),
    ("GET", "/oauth-return"): (400, 400, 400, 400),  # nobody has opened Link
    ("GET", "/accounts/<int:account_id>/spending"): (200, 404, 404, 303),
    ("DELETE", "/accounts/<int:account_id>"): (200, 404, 404, 401),
    # The owner's account has a tracker: a second one is 409.
    ("GET", "/accounts/<int:account_id>/budget-tracker/create"): (409, 404, 404, 303),
    ("POST", "/accounts/<int:account_id>/budget-tracker/create"): (409, 404, 404, 303),
    ("GET", "/accounts/<int:account_id>/budget-tracker/update"): (200, 404, 404, 303),
    ("POST", "/accounts/<int:account_id>/budget-tracker/update"): (400, 404, 404, 303),
    ("DELETE", "/accounts/<int:account_id>/budget-tracker"): (200, 404, 404, 401),
    ("POST", "/webhooks/plaid"): (400, 400, 400, 400),  # no JSON
    ("POST", "/webhooks/twilio/status"): (403, 403, 403, 403),  # only whoever signs the request
    ("POST", "/webhooks/twilio/inbound"): (403, 403, 403, 403),
}
SIGNED = {key for key in ROUTES if key[1].startswith("/webhooks/")}
"""Called by programs without a session: a signature stands in for the token (test_*webhooks.py)."""


def routes_of(app: Flask) -> set[tuple[str, str]]:
    return {
        (verb, rule.rule)
        for rule in app.url_map.iter_rules()
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_has_a_row(app):
    missing = routes_of(app) - ROUTES.keys()
    assert not missing, f"{sorted(missing)}: say in ROUTES what owner, stranger, demo visitor and nobody get"
    assert not ROUTES.keys() - routes_of(app), "ROUTES names routes that are gone"


def test_no_route_serves_files_of_ours(app):
    assert not [rule for rule in app.url_map.iter_rules() if "path:" in rule.rule]


@pytest.fixture
def people(app, rows, monkeypatch) -> dict[str, Browser]:
    monkeypatch.setattr("services.demo.PATIENCE_SECONDS", 0)
    ids = {
        name: rows(lambda name=name: make_user(name, is_demo=name == DEMO).id)
        for name in (OWNER, STRANGER, DEMO)
    }
    return {
        **{name: sign_in(app, number) for name, number in ids.items()},
        NOBODY: Browser(app.test_client()),
    }


@pytest.fixture
def owned(people, rows) -> dict[str, int]:
    """The owner's institution and account, which has a budget tracker."""

    def make():
        owner = db.session.query(User).filter_by(username=OWNER).one()
        institution = make_institution(owner, logo=PNG, has_logo=True)
        account = make_account(institution)
        make_tracker(account)
        return {"institution_id": institution.id, "account_id": account.id}

    return rows(make)


def everything(rows) -> list[tuple]:
    """All rows of the owner's, to see that nothing was changed."""
    # What is known about a vendor is nobody's: asking for a link token tells that this one does not answer.
    nobodys = {"user_sessions", "vendor_states"}
    tables = [table for table in db.metadata.sorted_tables if table.name not in nobodys]
    return rows(
        lambda: [
            tuple(row)
            for table in tables
            for row in db.session.execute(table.select().order_by(*table.primary_key))
        ]
    )


@pytest.mark.parametrize("position, who", list(enumerate((OWNER, STRANGER, DEMO, NOBODY))))
@pytest.mark.parametrize("verb, rule", [pytest.param(*key, id=" ".join(key)) for key in ROUTES])
def test_who_gets_what(people, owned, rows, verb, rule, position, who):
    path = rule
    for name, number in owned.items():
        path = path.replace(f"<int:{name}>", str(number))
    before = everything(rows)
    answer = people[who].call(verb, path)
    assert answer.status_code == ROUTES[verb, rule][position]
    if who != OWNER and rule != "/demo":
        assert everything(rows) == before
    if verb == "GET":
        assert everything(rows) == before, "reading changes nothing"


@pytest.mark.parametrize(
    "verb, rule",
    [pytest.param(*key, id=" ".join(key)) for key in ROUTES if key[0] != "GET" and key not in SIGNED],
)
def test_every_write_needs_the_token(people, owned, rows, verb, rule):
    path = rule
    for name, number in owned.items():
        path = path.replace(f"<int:{name}>", str(number))
    before = everything(rows)
    for browser in people.values():
        answer = browser.client.open(path, method=verb, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json["error"]["code"]) == (400, "csrf_failed")
        page = browser.client.open(path, method=verb, headers={"Accept": "text/html"})
        assert page.status_code == 400
    assert everything(rows) == before


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("who, status", [(OWNER, 200), (STRANGER, 404), (DEMO, 404), (NOBODY, None)])
def test_who_may_ask_how_an_institution_is_made_up(people, owned, rows, who, status, accept):
    """The one address whose object is named in the query, where the sweep above does not look."""
    before = everything(rows)
    path = f"/totals/why?institution={owned['institution_id']}"
    answer = people[who].get(path, headers={"Accept": accept})
    assert answer.status_code == (status or (401 if accept == "application/json" else 303))
    assert (b"Adds what is available." in answer.data) == (who == OWNER)
    assert everything(rows) == before


@pytest.mark.parametrize("rule", [rule for verb, rule in ROUTES if verb == "GET"])
def test_head_is_get_without_a_body_and_options_tells_nothing(people, owned, rows, rule):
    path = rule
    for name, number in owned.items():
        path = path.replace(f"<int:{name}>", str(number))
    before = everything(rows)
    for position, who in enumerate((OWNER, STRANGER, DEMO, NOBODY)):
        head = people[who].call("HEAD", path)
        assert (head.status_code, head.data) == (ROUTES["GET", rule][position], b"")
        options = people[who].call("OPTIONS", path)
        assert (options.status_code, options.data) == (200, b"")
    assert everything(rows) == before


def test_pages_of_one_are_not_in_pages_of_another(people, owned, rows):
    number = owned["institution_id"]
    assert f'data-institution-id="{number}"' in people[OWNER].get("/").text
    for who in (STRANGER, DEMO, NOBODY):
        assert f'data-institution-id="{number}"' not in people[who].get("/").text
    for who in (STRANGER, DEMO):
        assert people[who].get("/dashboard.json").json["institutions"] == []
