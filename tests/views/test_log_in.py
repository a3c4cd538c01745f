"""Logging in and out: sessions are rows, cookies hold a random id, and a stolen one dies with its row."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from database import utcnow
from extensions import bcrypt, db, limiter
from models import User, UserSession
from services import users
from tests.support.factories import make_user
from tests.views.browsing import Browser, Page
from tests.views.test_sign_up import GOOD

PASSWORD = "nine lives of a tin robot"


@pytest.fixture
def ada(rows):
    """Ada's id; she has a password."""
    return rows(lambda: make_user("Ada", password_hash=bcrypt.generate_password_hash(PASSWORD).decode()).id)


def log_in(browser: Browser, username: str = "Ada", password: str = PASSWORD, at: str = "/login"):
    return browser.post(at, username=username, password=password)


def sessions_of(user_id):
    return lambda: db.session.query(UserSession).filter_by(user_id=user_id).count()


@pytest.mark.parametrize("name", ["Ada", "ada", "ADA", " ada ", "Ａｄａ"])
def test_logging_in_goes_to_the_dashboard(ada, visitor, name):
    answer = log_in(visitor, name)
    assert (answer.status_code, answer.location) == (303, "/")
    assert visitor.get("/dashboard.json").status_code == 200


@pytest.mark.parametrize(
    "name, password",
    [
        ("Ada", "wrong"), ("Ada", PASSWORD.upper()), ("Ada", PASSWORD + " "), ("Ada", "x" * 10_000),
        ("nobody", PASSWORD), ("N\x00body", PASSWORD), ("x" * 10_000, PASSWORD), ("' OR 1=1 --", PASSWORD),
        ("Ada", "nul\x00nul"), ("🦊", "🦊"), ("Ada#", PASSWORD),
    ],
)  # fmt: skip
def test_a_wrong_name_or_password(ada, visitor, rows, name, password):
    answer = log_in(visitor, name, password)
    assert answer.status_code == 400
    page = Page(answer.text)
    assert page.error("password") == "That username and password do not match."
    assert page.value("username") == name.strip()
    assert not page.value("password")
    assert visitor.get("/dashboard.json").status_code == 401


def test_known_and_unknown_names_get_the_same_page(ada, visitor):
    def page(name):
        text = log_in(visitor, name, "wrong password").text
        return text.replace(Page(text).token, "TOKEN").replace(name, "NAME")  # it is signed with its second

    assert page("Ada") == page("Bob")


def test_an_unknown_name_costs_a_hash_of_the_same_price(app, context, monkeypatch):
    """Equal time, shown by equal work: one check of a real hash either way."""
    checked = []
    real = bcrypt.check_password_hash
    monkeypatch.setattr(
        bcrypt, "check_password_hash", lambda kept, given: checked.append(kept) or real(kept, given)
    )
    assert users.authenticate("nobody", "wrong password") is None
    assert len(checked) == 1
    assert checked[0].startswith("$2b$")


@pytest.mark.parametrize("fields", [{}, {"username": "Ada"}, {"password": PASSWORD}])
def test_what_is_missing_is_said_beside_its_field(ada, visitor, fields):
    page = Page(visitor.post("/login", **fields).text)
    assert bool(page.error("username")) == ("username" not in fields)
    assert bool(page.error("password")) == ("password" not in fields)


def test_the_passwords_hash_is_bcrypt_of_full_cost(app, context, monkeypatch):
    monkeypatch.undo()
    assert users._hash(PASSWORD).startswith("$2b$12$")


def test_logging_in_gives_a_new_id_and_the_old_one_opens_nothing(ada, app, visitor):
    visitor.page("/login")
    planted = visitor.cookie
    log_in(visitor)
    assert visitor.cookie != planted
    thief = Browser(app.test_client())
    thief.client.set_cookie("session", planted)
    assert thief.get("/dashboard.json").status_code == 401


def test_logging_in_again_ends_the_session_before(ada, visitor, rows):
    log_in(visitor)
    first = visitor.cookie
    assert visitor.get("/login").status_code == 302
    token = visitor.token()
    visitor.client.post("/login", data={"csrf_token": token, "username": "Ada", "password": PASSWORD})
    assert visitor.cookie != first
    assert rows(sessions_of(ada)) == 1


def test_a_cookie_somebody_made_up_is_not_taken_over(ada, app, rows):
    """Fixation: an id chosen by somebody else never becomes a signed-in one."""
    chosen = "A" * 43
    victim = Browser(app.test_client())
    victim.client.set_cookie("session", chosen)
    log_in(victim)
    assert victim.cookie != chosen
    thief = Browser(app.test_client())
    thief.client.set_cookie("session", chosen)
    assert thief.get("/dashboard.json").status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "A" * 42, "A" * 44, "..", "%00", "e30.abc.def", "A" * 4000])
def test_a_broken_cookie_is_a_visitor(app, cookie):
    browser = Browser(app.test_client())
    browser.client.set_cookie("session", cookie)
    assert browser.get("/").status_code == 200
    assert browser.get("/dashboard.json").status_code == 401


def test_logging_out_ends_the_row_so_that_a_stolen_cookie_is_worthless(ada, app, visitor, rows):
    log_in(visitor)
    stolen = visitor.cookie
    answer = visitor.post("/logout", form_at="/")
    assert (answer.status_code, answer.location) == (303, "/login")
    assert rows(sessions_of(ada)) == 0
    thief = Browser(app.test_client())
    thief.client.set_cookie("session", stolen)
    assert thief.get("/dashboard.json").status_code == 401
    assert visitor.get("/dashboard.json").status_code == 401
    assert "You are logged out." in visitor.get("/login").text


def test_one_browser_logging_out_leaves_the_other(ada, app, visitor):
    other = Browser(app.test_client())
    log_in(visitor)
    log_in(other)
    visitor.post("/logout", form_at="/")
    assert other.get("/dashboard.json").status_code == 200


@pytest.mark.parametrize(
    "ago, alive",
    [
        ({"last_seen_at": timedelta(minutes=59)}, True),
        ({"last_seen_at": timedelta(minutes=61)}, False),
        ({"created_at": timedelta(hours=23, minutes=59)}, True),
        ({"created_at": timedelta(hours=24, minutes=1)}, False),
    ],
)
def test_a_session_ends_after_an_idle_hour_and_a_day_in_all(ada, visitor, rows, ago, alive):
    log_in(visitor)

    def age():
        values = {name: utcnow() - span for name, span in ago.items()}
        db.session.execute(update(UserSession).values(**values))
        db.session.commit()

    rows(age)
    assert visitor.get("/dashboard.json").status_code == (200 if alive else 401)


def test_a_session_in_use_stays_alive(ada, visitor, rows):
    log_in(visitor)

    def seen(minutes):
        def work():
            db.session.execute(update(UserSession).values(last_seen_at=utcnow() - timedelta(minutes=minutes)))
            db.session.commit()

        return work

    for _ in range(3):
        rows(seen(50))
        assert visitor.get("/dashboard.json").status_code == 200


def test_visitors_leave_no_rows(visitor, rows):
    for path in ("/", "/login", "/signup", "/about"):
        visitor.page(path)
    log_in(visitor, "nobody", "wrong password")
    assert rows(lambda: db.session.query(UserSession).count()) == 0


def test_the_database_holds_no_session_id(ada, visitor, rows):
    log_in(visitor)
    row = rows(lambda: db.session.query(UserSession).one().__dict__)
    assert visitor.cookie not in str(row)


def test_a_form_left_open_for_a_day_still_works(ada, visitor, rows):
    """The token belongs to the browser's id, which no clock ends before sign-in."""
    page = visitor.page("/login")
    other = visitor.page("/signup")
    assert page.token == other.token
    data = {"csrf_token": page.token, "username": "Ada", "password": PASSWORD}
    assert visitor.client.post("/login", data=data).status_code == 303


def cookie_flags(answer) -> tuple[str, set[str]]:
    """Of the session's cookie (the device's has tests of its own, in test_throttled.py)."""
    (header,) = [value for value in answer.headers.getlist("Set-Cookie") if "session=" in value]
    name, *flags = [part.strip() for part in header.split(";")]
    return name.partition("=")[0], set(flags)


def test_cookies_on_this_machine(visitor):
    assert cookie_flags(visitor.get("/login")) == ("session", {"HttpOnly", "SameSite=Lax", "Path=/"})


def test_cookies_in_production(app_with, ada):
    production = app_with(app_env="production")
    browser = Browser(production.test_client(), "https://localhost")
    assert cookie_flags(browser.get("/login")) == (
        "__Host-session",
        {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"},
    )
    answer = log_in(browser)
    assert answer.status_code == 303
    assert cookie_flags(answer)[0] == "__Host-session"
    assert browser.get("/dashboard.json").status_code == 200


def test_a_cookie_holds_nothing_but_a_random_id(ada, visitor):
    log_in(visitor)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", visitor.cookie)


@pytest.mark.parametrize(
    "target, goes_to",
    [
        ("/users/update-profile", "/users/update-profile"),
        ("/about?x=1", "/about?x=1"),
        ("", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("https:/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a%0d%0aSet-Cookie:x=1", "/"),
        ("/%09/evil.example", "/"),
        ("%09//evil.example", "/"),
        ("evil.example", "/"),
        ("/%E2%80%AEevil", "/"),
        ("http://localhost.evil.example/", "/"),
    ],
)
def test_next_stays_on_this_site(ada, visitor, target, goes_to):
    answer = log_in(visitor, at=f"/login?next={target}")
    assert answer.status_code == 303
    assert answer.location == goes_to


def test_next_comes_from_the_page_that_was_wanted(ada, visitor):
    answer = visitor.get("/users/change-password")
    assert answer.status_code == 303
    assert answer.location == "/login?next=/users/change-password"
    assert log_in(visitor, at=answer.location).location == "/users/change-password"


def test_a_session_of_a_person_who_is_gone_is_a_visitors(ada, visitor, rows):
    log_in(visitor)

    def vanish():
        db.session.execute(User.__table__.delete())
        db.session.commit()

    rows(vanish)
    assert visitor.get("/").status_code == 200
    assert visitor.get("/dashboard.json").status_code == 401


def test_sign_up_is_limited_per_address_and_pages_are_not(visitor, limits):
    data = {"csrf_token": visitor.token()}
    for _ in range(60):
        assert visitor.client.post("/signup", data=data).status_code == 400
    answer = visitor.client.post("/signup", data=data)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "<html" in answer.text
    forged = visitor.client.post("/signup", data=data, headers={"X-Forwarded-For": "203.0.113.9"})
    assert forged.status_code == 429
    assert all(visitor.get("/signup").status_code == 200 for _ in range(70))
    elsewhere = visitor.client.post("/signup", data=data, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert elsewhere.status_code == 400


def test_a_refusal_says_when_the_hour_that_is_used_up_really_ends(visitor, limits):
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        data = {"csrf_token": visitor.token()}
        for _ in range(60):
            assert visitor.client.post("/signup", data=data).status_code == 400
        waits = []
        for minutes in (0, 45, 14):
            clock.shift(timedelta(minutes=minutes))
            answer = visitor.client.post("/signup", data=data)
            assert answer.status_code == 429
            waits.append(int(answer.headers["Retry-After"]))
        assert waits == pytest.approx([3600, 900, 60], abs=1)  # the window's end is kept in whole seconds
        clock.shift(timedelta(seconds=waits[-1]))
        assert visitor.client.post("/signup", data=data).status_code == 400


def test_right_passwords_are_limited_per_address_by_what_they_cost(ada, visitor, limits, app):
    """Wrong ones are counted in rows, by name and address (test_throttled.py)."""
    # Thirty hashes may take longer than a minute, and a minute's last second may end at once.
    with time_machine.travel(datetime.now(UTC).replace(second=20), tick=False):
        used_up(visitor, app)
        answer = log_in(Browser(app.test_client()))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


def used_up(visitor, app):
    data = {"csrf_token": visitor.token(), "username": "Ada"}
    for _ in range(40):
        assert visitor.client.post("/login", data=data).status_code == 400
    for _ in range(30):
        assert log_in(Browser(app.test_client())).status_code == 303


def test_an_application_made_while_limits_are_off_counts_when_they_are_on(ada, app_with, limits):
    """The limiter is one object for all of a process' applications, and adds its hooks when one is made."""
    limiter.enabled = False
    late = app_with()
    limiter.enabled = True
    with time_machine.travel(datetime.now(UTC).replace(second=20), tick=False):
        used_up(Browser(late.test_client()), late)
        assert log_in(Browser(late.test_client())).status_code == 429


def test_limits_do_not_lock_out_what_is_needed_to_sign_up(visitor, limits):
    assert visitor.post("/signup", **GOOD).status_code == 303
