"""Sign-up: every field is needed, errors stand beside their field, nothing typed is lost but the password."""

from __future__ import annotations

import pytest

from extensions import bcrypt, db
from models import User, UserSession
from tests.support.factories import make_user
from tests.views.browsing import Browser, Page
from tests.views.conftest import user_named

GOOD = {
    "username": "ada",
    "password": "nine lives of a tin robot",
    "phone_number": "(415) 555-2671",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "account_type": "sandbox",
    "timezone": "America/Chicago",
}
TYPED = [name for name in GOOD if name != "password"]


def refused(visitor, **changes):
    """The page that comes back with 400, everything typed still there."""
    answer = visitor.post("/signup", **{**GOOD, **changes})
    assert answer.status_code == 400
    page = Page(answer.text)
    for name in TYPED:
        typed = changes.get(name, GOOD[name])
        if name not in ("account_type", "timezone"):
            assert page.value(name) == typed.strip(), f"{name} was lost"
    assert not page.value("password"), "a password comes back to nobody"
    return page


def test_signing_up_makes_a_person_and_signs_them_in(visitor, rows):
    answer = visitor.post("/signup", **GOOD)
    assert (answer.status_code, answer.location) == (303, "/")

    def stored():
        user = user_named("ada")
        return {name: getattr(user, name) for name in TYPED}, user.is_demo, user.password_hash

    fields, is_demo, password_hash = rows(stored)
    expected = {**GOOD, "phone_number": "+14155552671"}
    assert fields == {name: expected[name] for name in TYPED}
    assert not is_demo
    assert bcrypt.check_password_hash(password_hash, GOOD["password"])
    assert visitor.get("/dashboard.json").status_code == 200


NEEDED = [(name, blank) for name in GOOD for blank in ("", "   ") if (name, blank) != ("timezone", "")]


@pytest.mark.parametrize("name, blank", NEEDED)
def test_every_field_is_needed(visitor, rows, name, blank):
    page = refused(visitor, **{name: blank})
    assert page.error(name)
    assert [other for other in GOOD if other != name and page.error(other)] == []
    assert rows(lambda: db.session.query(User).count()) == 0


@pytest.mark.parametrize("name", [name for name in GOOD if name != "timezone"])
def test_a_field_that_is_not_sent_at_all_is_an_error_too(visitor, name):
    answer = visitor.post("/signup", **{other: value for other, value in GOOD.items() if other != name})
    assert answer.status_code == 400
    assert Page(answer.text).error(name)


def test_an_empty_form_marks_every_field_at_once(visitor):
    page = Page(visitor.post("/signup").text)
    assert all(page.error(name) for name in GOOD if name not in ("timezone", "account_type"))


def test_without_a_zone_the_default_is_taken(visitor, rows):
    assert visitor.post("/signup", **{**GOOD, "timezone": ""}).status_code == 303
    assert rows(lambda: user_named("ada").timezone) == "America/New_York"


@pytest.mark.parametrize(
    "taken, again",
    [("ada", "ADA"), ("ADA", "ada"), ("ﬁnch", "finch"), ("Ａda", "ada"), ("straße", "STRASSE")],
)
def test_a_username_is_one_without_regard_to_case_and_form(visitor, rows, taken, again):
    assert visitor.post("/signup", **{**GOOD, "username": taken}).status_code == 303
    visitor.post("/logout", form_at="/about")
    page = refused(visitor, username=again)
    assert "taken" in page.error("username")
    assert rows(lambda: db.session.query(User).count()) == 1


@pytest.mark.parametrize(
    "name", ["Test_User", "test_user", "TEST_USER", " Test_User ", "ＴＥＳＴ＿ＵＳＥＲ", "tEsT_uSeR"]
)
def test_the_demos_name_is_not_to_be_had(visitor, rows, name):
    answer = visitor.post("/signup", **{**GOOD, "username": name})
    assert answer.status_code == 400
    assert rows(lambda: db.session.query(User).count()) == 0


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a" * 65,
        "two words",
        "a#b",
        "a\tb",
        "a\u202eb",
        "a\u2028b",
        "a\x00b",
        "ﷺ" * 60,
        "\u3000ada\u3000x",
    ],
)
def test_usernames_that_are_none(visitor, rows, name):
    assert visitor.post("/signup", **{**GOOD, "username": name}).status_code == 400
    assert rows(lambda: db.session.query(User).count()) == 0


@pytest.mark.parametrize("name", ["ab", "a" * 64, "李雷", "שלום", "zoë", "🦊🦊", "<b>", "o'brien", 'say"hi"'])
def test_usernames_of_all_kinds_are_shown_as_typed(visitor, rows, name):
    assert visitor.post("/signup", **{**GOOD, "username": name}).status_code == 303
    assert rows(lambda: user_named(name)) is not None
    assert "<b>" not in visitor.get("/").text
    assert visitor.page("/users/update-profile").value("username") == name


@pytest.mark.parametrize("field", ["first_name", "last_name"])
@pytest.mark.parametrize("value", ["x" * 101, "a\nb", "a\x00b", "\u202eevil", "a\u2029b"])
def test_names_that_cannot_be_shown_on_one_line_are_refused(visitor, rows, field, value):
    assert visitor.post("/signup", **{**GOOD, field: value}).status_code == 400
    assert rows(lambda: db.session.query(User).count()) == 0


@pytest.mark.parametrize(
    "typed", ["(415) 555-2671", "415.555.2671", "+1 415 555 2671", "４１５ ５５５ ２６７１"]
)
def test_a_phone_number_is_kept_in_one_form(visitor, rows, typed):
    assert visitor.post("/signup", **{**GOOD, "phone_number": typed}).status_code == 303
    assert rows(lambda: user_named("ada").phone_number) == "+14155552671"


@pytest.mark.parametrize(
    "typed",
    [
        "415 555 2671 ext 5", "800 555 1234", "900 234 5678", "+44 20 7946 0958", "876-555-1234", "garbage", "123",
        "555-2671", "+1 415 555 26711", "0000000000", "4" * 65, "<script>",
    ],
)  # fmt: skip
def test_a_number_that_gets_no_text_is_refused_and_stays_as_typed(visitor, typed):
    assert refused(visitor, phone_number=typed).error("phone_number")


@pytest.mark.parametrize(
    "password, because",
    [
        ("short-one-1", "at least 12"),
        ("x" * 11, "at least 12"),
        ("tin robot " * 25 + "1234567", "at most 256"),
        ("password1234", "easy to guess"),
        ("aaaaaaaaaaaaaaaa", "easy to guess"),
        ("ada-ada-ada-", "easy to guess"),
        ("123456789012", "easy to guess"),
    ],
)
def test_a_weak_password_is_refused(visitor, password, because):
    assert because in refused(visitor, password=password).error("password")


LONG = ("correct horse battery staple " * 9)[:256]


@pytest.mark.parametrize(
    "password",
    [
        "nine lives o",
        LONG,
        "🐢🍕🚲🎷🧊🪁🌵🔑🎈🧶🪐🦊" * 3,
        " leading and trailing ",
        "naïve café déjà vu",
        "a\tb\x1bc\u202edefghijk",
    ],
)
def test_any_password_of_12_to_256_characters_opens_exactly_its_own_door(visitor, password):
    assert visitor.post("/signup", **{**GOOD, "password": password}).status_code == 303
    visitor.post("/logout", form_at="/about")
    assert visitor.post("/login", username="ada", password=password[:-1]).status_code == 400
    assert visitor.post("/login", username="ada", password=password + " ").status_code == 400
    assert visitor.post("/login", username="ada", password=password).status_code == 303


def test_passwords_that_differ_after_the_72nd_byte_are_different(visitor):
    """bcrypt alone reads 72 bytes."""
    assert visitor.post("/signup", **{**GOOD, "password": LONG}).status_code == 303
    visitor.post("/logout", form_at="/about")
    assert visitor.post("/login", username="ada", password=LONG[:-1] + "#").status_code == 400
    assert visitor.post("/login", username="ada", password=LONG[:72]).status_code == 400
    assert visitor.post("/login", username="ada", password=LONG).status_code == 303


@pytest.mark.parametrize("value", ["admin", "", "SANDBOX", "sandbox,development"])
def test_an_account_type_that_is_not_offered(visitor, value):
    assert visitor.post("/signup", **{**GOOD, "account_type": value}).status_code == 400


def test_a_type_without_keys_is_not_offered(app_with):
    site = Browser(app_with(plaid_secret=None).test_client())
    assert "development" not in [
        names.get("value") for tag, names in site.page("/signup").elements if tag == "option"
    ]
    assert site.post("/signup", **{**GOOD, "account_type": "development"}).status_code == 400
    assert site.post("/signup", **GOOD).status_code == 303


@pytest.mark.parametrize("value", ["Mars/Olympus", "../../etc/passwd", "x" * 5000])
def test_a_zone_that_does_not_exist(visitor, value):
    assert visitor.post("/signup", **{**GOOD, "timezone": value}).status_code == 400


def test_fields_a_person_must_not_set_are_not_read(visitor, rows):
    extra = {
        "is_demo": "1",
        "is_admin": "true",
        "id": "4711",
        "user_id": "1",
        "username_key": "x",
        "password_hash": "!",
    }
    assert visitor.post("/signup", **GOOD, **extra).status_code == 303
    user_id, is_demo, key = rows(
        lambda: (user_named("ada").id, user_named("ada").is_demo, user_named("ada").username_key)
    )
    assert (is_demo, key) == (False, "ada")
    assert user_id != 4711


def test_signing_up_gives_a_new_session_id(visitor, rows):
    visitor.page("/signup")
    before = visitor.cookie
    visitor.post("/signup", **GOOD)
    assert visitor.cookie != before
    assert rows(lambda: db.session.query(UserSession).count()) == 1


def test_two_sign_ups_of_one_name_at_once_make_one_person(visitor, rows):
    """The row is the judge: a name taken between look and write is an error beside the field, not a 500."""
    rows(lambda: make_user("ada"))
    assert "taken" in refused(visitor).error("username")
