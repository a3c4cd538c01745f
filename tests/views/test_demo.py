"""The demo: a private copy for every visitor, linked by everybody's code, that nobody can spoil for others."""

from __future__ import annotations

import json

import pytest

from extensions import db
from models import FinancialInstitution, User
from services import demo
from tests.views.browsing import Browser
from tests.views.test_sign_up import GOOD


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch):
    monkeypatch.setattr(demo, "PATIENCE_SECONDS", 0)


def enter(browser: Browser):
    return browser.post("/demo", form_at="/login")


@pytest.fixture
def visiting(app):
    """The browser of a demo visitor whose banks are not linked yet."""
    browser = Browser(app.test_client())
    assert enter(browser).status_code == 303
    return browser


@pytest.mark.parametrize("name", ["Test_User", "test_user", "TEST_USER", " Test_User "])
def test_the_log_in_form_takes_the_demos_name(visitor, rows, name):
    answer = visitor.post("/login", username=name, password="pass_good")
    assert (answer.status_code, answer.location) == (303, "/")
    assert rows(lambda: [user.is_demo for user in db.session.query(User)]) == [True]
    assert "Test_User" in visitor.get("/").text


@pytest.mark.parametrize("password", ["", "PASS_GOOD", "pass_good ", "pass_bad"])
def test_but_only_with_its_password(visitor, rows, password):
    assert visitor.post("/login", username="Test_User", password=password).status_code == 400
    assert rows(lambda: db.session.query(User).count()) == 0


def test_the_button_does_the_same(visitor, rows):
    answer = enter(visitor)
    assert (answer.status_code, answer.location) == (303, "/")
    assert visitor.get("/dashboard.json").status_code == 200


def test_the_page_says_how_to_get_in(visitor):
    page = visitor.get("/login").text
    assert 'action="/demo"' in page


def test_every_visitor_has_a_copy_of_their_own(linked_app, at_once, rows):
    one, two = Browser(linked_app.test_client()), Browser(linked_app.test_client())
    enter(one)
    enter(two)
    first, second = (browser.get("/dashboard.json").json["institutions"] for browser in (one, two))
    assert len(first) == len(second) == len(demo.DEMO_BANKS)
    assert not {row["id"] for row in first} & {row["id"] for row in second}
    assert two.get(f"/financial-institutions/{first[0]['id']}").status_code == 404
    assert two.call("DELETE", f"/financial-institutions/{first[0]['id']}").status_code == 404
    assert one.call("DELETE", f"/financial-institutions/{first[0]['id']}").status_code == 200
    assert len(two.get("/dashboard.json").json["institutions"]) == len(demo.DEMO_BANKS)


def test_the_copy_is_linked_through_the_vendors_sandbox(linked_app, at_once, bank):
    browser = Browser(linked_app.test_client())
    enter(browser)
    asked = bank.asked("/sandbox/public_token/create")
    assert [body["institution_id"] for body in asked] == [wanted.simulator_id for wanted in demo.DEMO_BANKS]
    assert {body["options"]["override_username"] for body in asked} == {"user_custom"}
    assert all(json.loads(body["options"]["override_password"])["override_accounts"] for body in asked)
    assert len(bank.asked("/item/public_token/exchange")) == len(demo.DEMO_BANKS)
    assert {row["state"] for row in browser.get("/dashboard.json").json["institutions"]} == {"healthy"}


def test_a_bank_that_fails_leaves_the_others(linked_app, at_once, bank):
    from tests.support.scripted_plaid import failure

    bank.next("/sandbox/public_token/create", failure("INSTITUTION_DOWN", "INSTITUTION_ERROR"))
    browser = Browser(linked_app.test_client())
    assert enter(browser).status_code == 303
    assert len(browser.get("/dashboard.json").json["institutions"]) == len(demo.DEMO_BANKS) - 1


def test_one_who_has_a_copy_keeps_it(visiting, rows):
    before = rows(lambda: db.session.query(User).one().id)
    assert visiting.post("/demo", form_at="/about").status_code == 303
    assert rows(lambda: db.session.query(User).one().id) == before


@pytest.mark.parametrize(
    "path, fields",
    [
        ("/users/update-profile", {**GOOD, "current_password": "pass_good"}),
        (
            "/users/change-password",
            {"current_password": "pass_good", "new_password": "nine lives of a tin robot"},
        ),
        ("/users/delete", {"current_password": "pass_good"}),
    ],
)
def test_profile_and_password_cannot_be_changed_or_deleted(visiting, rows, path, fields):
    before = rows(lambda: dict(db.session.execute(User.__table__.select()).mappings().one()))
    page = visiting.post(path, form_at="/about", **fields)
    assert page.status_code == 403
    assert "<html" in page.text
    data = {"csrf_token": visiting.token(), **fields}
    answer = visiting.client.post(path, data=data, headers={"Accept": "application/json"})
    assert answer.status_code == 403
    assert answer.json["error"]["code"] == "demo"
    assert rows(lambda: dict(db.session.execute(User.__table__.select()).mappings().one())) == before
    assert visiting.get(path).status_code == 200, "looking is allowed"


def test_a_visitor_may_do_what_everybody_may(linked_app, at_once):
    browser = Browser(linked_app.test_client())
    enter(browser)
    assert browser.call("POST", "/create_link_token", {}).status_code == 200
    assert browser.call("POST", "/financial-institutions", {"public_token": "public-mine"}).status_code == 202
    account = browser.get("/dashboard.json").json["institutions"][0]["accounts"][0]["id"]
    assert browser.call("DELETE", f"/accounts/{account}").status_code == 200


def test_switched_off_it_is_gone(app_with, rows):
    browser = Browser(app_with(demo_enabled=False).test_client())
    assert 'action="/demo"' not in browser.get("/login").text
    assert 'action="/demo"' not in browser.get("/").text
    assert browser.post("/login", username="Test_User", password="pass_good").status_code == 400
    assert browser.post("/demo", form_at="/login").status_code == 303
    assert rows(lambda: db.session.query(User).count()) == 0
    assert browser.post("/signup", **{**GOOD, "username": "Test_User"}).status_code == 400


def test_without_sandbox_keys_there_is_no_demo(app_with, rows):
    browser = Browser(app_with(plaid_sandbox_secret=None).test_client())
    assert 'action="/demo"' not in browser.get("/login").text
    browser.post("/demo", form_at="/login")
    assert rows(lambda: db.session.query(User).count()) == 0


def test_the_demo_needs_the_pages_token(visitor, rows):
    assert visitor.client.post("/demo").status_code == 400
    assert visitor.get("/demo").status_code == 405
    assert rows(lambda: db.session.query(User).count()) == 0


def test_copies_are_limited_per_address(app, limits):
    def visits() -> int:
        return enter(Browser(app.test_client())).status_code

    assert [visits() for _ in range(60)] == [303] * 60
    assert visits() == 429


def test_a_copy_knows_the_visitors_zone(visitor, rows):
    token = visitor.token()
    visitor.client.post("/demo", data={"csrf_token": token, "timezone": "Asia/Kolkata"})
    assert rows(lambda: db.session.query(User).one().timezone) == "Asia/Kolkata"


def test_copies_cannot_be_entered_by_name_or_hash(visiting, visitor, rows):
    key = rows(lambda: db.session.query(User).one().username_key)
    for name in (key, "Test_User#"):
        assert visitor.post("/login", username=name, password="pass_good").status_code == 400
    assert rows(lambda: db.session.query(FinancialInstitution).count()) == 0
