"""A person's own profile: every change needs the password, and deletion leaves nothing but promises to the bank."""

from __future__ import annotations

import pytest

from extensions import bcrypt, db
from models import (
    Account,
    FinancialInstitution,
    ItemRemoval,
    User,
    UserSession,
)
from tests.support.factories import make_account, make_institution, make_user
from tests.views.browsing import Page
from tests.views.conftest import sign_in, user_named

PASSWORD = "nine lives of a tin robot"
PROFILE = {
    "username": "Ada",
    "phone_number": "(604) 682-2344",
    "first_name": "Augusta",
    "last_name": "King",
    "account_type": "sandbox",
    "timezone": "America/Vancouver",
}


@pytest.fixture
def ada(person):
    return person(username="ada", password=PASSWORD, first_name="Ada", last_name="Lovelace")


def institution_of(user_id, **changes):
    user = db.session.get(User, user_id)
    institution = make_institution(user, **changes)
    make_account(institution)
    return institution.id


def test_the_form_is_filled_in(ada):
    page = ada[1].page("/users/update-profile")
    assert {name: page.value(name) for name in PROFILE} == {
        "username": "ada",
        "phone_number": "(415) 555-2671",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "account_type": "sandbox",
        "timezone": "America/New_York",
    }
    assert not page.value("current_password")


def test_everything_changes_with_the_password(ada, rows):
    user_id, browser = ada
    answer = browser.post("/users/update-profile", **PROFILE, current_password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/")
    stored = rows(
        lambda: {name: getattr(db.session.get(User, user_id), name) for name in [*PROFILE, "username_key"]}
    )
    assert stored == {**PROFILE, "phone_number": "+16046822344", "username_key": "ada"}
    assert "Your profile is saved." in browser.get("/").text


@pytest.mark.parametrize("password", ["", "wrong password here", PASSWORD + " ", PASSWORD.upper()])
def test_nothing_changes_without_it(ada, rows, password):
    user_id, browser = ada
    answer = browser.post("/users/update-profile", **PROFILE, current_password=password)
    assert answer.status_code == 400
    page = Page(answer.text)
    assert page.error("current_password")
    assert {name: page.value(name) for name in PROFILE} == PROFILE, "nothing typed is lost"
    assert not page.value("current_password")
    assert rows(lambda: db.session.get(User, user_id).first_name) == "Ada"


@pytest.mark.parametrize(
    "field, value",
    [
        ("username", "x"),
        ("phone_number", "800 555 1234"),
        ("first_name", " "),
        ("last_name", ""),
        ("timezone", "Mars/X"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(ada, rows, field, value):
    user_id, browser = ada
    answer = browser.post("/users/update-profile", **{**PROFILE, field: value}, current_password=PASSWORD)
    assert answer.status_code == 400
    assert Page(answer.text).error(field)
    assert rows(lambda: db.session.get(User, user_id).last_name) == "Lovelace"


@pytest.mark.parametrize("taken", ["Bob", "BOB", "ｂｏｂ", "test_user"])
def test_a_name_of_somebody_else_is_not_to_be_had(ada, rows, taken):
    rows(lambda: make_user("bob"))
    answer = ada[1].post("/users/update-profile", **{**PROFILE, "username": taken}, current_password=PASSWORD)
    assert answer.status_code == 400
    assert "taken" in Page(answer.text).error("username")
    assert rows(lambda: db.session.get(User, ada[0]).username) == "ada"


def test_the_account_type_may_change_while_nothing_is_linked(ada, rows):
    user_id, browser = ada
    form = {**PROFILE, "account_type": "development"}
    assert browser.post("/users/update-profile", **form, current_password=PASSWORD).status_code == 303
    assert rows(lambda: db.session.get(User, user_id).environment) == "production"


def test_the_account_type_is_fixed_while_an_institution_is_linked(ada, rows):
    user_id, browser = ada
    rows(lambda: institution_of(user_id))
    select = [names for tag, names in browser.page("/users/update-profile").elements if tag == "select"]
    assert "disabled" in next(names for names in select if names.get("name") == "account_type")
    form = {**PROFILE, "account_type": "development"}
    answer = browser.post("/users/update-profile", **form, current_password=PASSWORD)
    stored = rows(
        lambda: (db.session.get(User, user_id).account_type, db.session.get(User, user_id).first_name)
    )
    assert stored[0] == "sandbox", "an Item never moves between environments"
    assert answer.status_code in (303, 400)


def test_fields_of_the_row_that_are_not_in_the_form_stay(ada, rows):
    user_id, browser = ada
    extra = {"is_demo": "1", "id": "4711", "password_hash": "!", "created_at": "1970-01-01", "is_admin": "1"}
    browser.post("/users/update-profile", **PROFILE, **extra, current_password=PASSWORD)
    user = rows(lambda: db.session.get(User, user_id))
    assert not user.is_demo
    assert bcrypt.check_password_hash(user.password_hash, PASSWORD)
    assert user.created_at.year > 2000


NEW_PASSWORD = "a fresh set of tin lives"


def test_changing_the_password_ends_every_other_session(ada, app, rows):
    user_id, browser = ada
    other = sign_in(app, user_id)
    before = browser.cookie
    answer = browser.post("/users/change-password", current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/")
    assert browser.get("/dashboard.json").status_code == 200
    assert browser.cookie != before
    assert other.get("/dashboard.json").status_code == 401
    assert rows(lambda: db.session.query(UserSession).count()) == 1
    browser.post("/logout", form_at="/")
    assert browser.post("/login", username="ada", password=PASSWORD).status_code == 400
    assert browser.post("/login", username="ada", password=NEW_PASSWORD).status_code == 303


@pytest.mark.parametrize(
    "current, new, wrong_field",
    [
        ("wrong password here", NEW_PASSWORD, "current_password"),
        ("", NEW_PASSWORD, "current_password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "password1234", "new_password"),
        (PASSWORD, "x y z " * 43, "new_password"),
        (PASSWORD, "", "new_password"),
    ],
)
def test_a_password_stays_when_something_is_wrong(ada, app, rows, current, new, wrong_field):
    user_id, browser = ada
    other = sign_in(app, user_id)
    answer = browser.post("/users/change-password", current_password=current, new_password=new)
    assert answer.status_code == 400
    assert Page(answer.text).error(wrong_field)
    assert new == "" or new not in answer.text
    assert other.get("/dashboard.json").status_code == 200
    assert rows(lambda: bcrypt.check_password_hash(db.session.get(User, user_id).password_hash, PASSWORD))


def test_a_password_made_of_ones_own_name_is_refused_here_too(ada):
    answer = ada[1].post("/users/change-password", current_password=PASSWORD, new_password="ada1234567890")
    assert answer.status_code == 400
    assert "easy to guess" in Page(answer.text).error("new_password")


def test_the_page_of_deletion_says_what_will_go(ada, rows):
    user_id, browser = ada
    rows(lambda: institution_of(user_id))
    text = browser.get("/users/delete").text
    assert "1 institution" in text
    assert "1 account" in text
    assert "cannot be undone" in text


def test_deleting_a_profile_leaves_only_the_removals(ada, person, app, rows):
    user_id, browser = ada
    stranger_id, stranger = person()
    rows(lambda: institution_of(user_id, access_token="access-sandbox-gone", plaid_item_id="item-gone"))
    rows(lambda: institution_of(stranger_id))
    other = sign_in(app, user_id)
    answer = browser.post("/users/delete", current_password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/")

    def left():
        removals = [
            (row.plaid_item_id, row.access_token, row.environment) for row in db.session.query(ItemRemoval)
        ]
        counts = [db.session.query(table).count() for table in (User, FinancialInstitution, Account)]
        return removals, counts, [row.user_id for row in db.session.query(UserSession) if row.user_id]

    assert rows(left) == ([("item-gone", "access-sandbox-gone", "sandbox")], [1, 1, 1], [stranger_id])
    assert browser.get("/dashboard.json").status_code == 401
    assert other.get("/dashboard.json").status_code == 401
    assert stranger.get("/dashboard.json").status_code == 200
    assert "deleted" in browser.get("/").text


@pytest.mark.parametrize("password", ["", "wrong password here"])
def test_nothing_is_deleted_without_the_password(ada, rows, password):
    answer = ada[1].post("/users/delete", current_password=password)
    assert answer.status_code == 400
    assert Page(answer.text).error("current_password")
    assert rows(lambda: user_named("ada")) is not None


def test_a_name_is_free_again_after_deletion(ada, visitor):
    from tests.views.test_sign_up import GOOD

    ada[1].post("/users/delete", current_password=PASSWORD)
    assert visitor.post("/signup", **GOOD).status_code == 303
