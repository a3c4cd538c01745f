"""Too many wrong passwords, as a browser meets it: a pause in plain words, the same for every name, never against
the owner of a browser that is known."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from extensions import bcrypt, db
from models import LogInFailures, TrustedDevice, User
from services import devices, throttling, users
from tests.support.factories import PASSWORD, make_user
from tests.views.browsing import Browser, Page
from vault import digest

STRANGER = "203.0.113.9"
PAUSE = "There were too many wrong passwords"


@pytest.fixture
def clock(monkeypatch):
    """Moves the clock of the counters: `clock(minutes=1)`."""
    moment = [datetime(2026, 11, 26, 12, tzinfo=UTC)]
    monkeypatch.setattr(throttling, "utcnow", lambda: moment[0])

    def wait(**span: float) -> None:
        moment[0] += timedelta(**span)

    return wait


@pytest.fixture
def compared(monkeypatch, quick_hashes) -> list[str]:
    """Every hash a password was compared with."""
    users._dummy_hash.cache_clear()
    hashes = []
    real = bcrypt.check_password_hash
    monkeypatch.setattr(
        bcrypt, "check_password_hash", lambda kept, given: hashes.append(kept) or real(kept, given)
    )
    yield hashes
    users._dummy_hash.cache_clear()


@pytest.fixture
def ada(rows, clock, compared) -> int:
    return rows(lambda: make_user("Ada", password_hash=bcrypt.generate_password_hash(PASSWORD).decode()).id)


def log_in(browser: Browser, name: str = "Ada", password: str = PASSWORD, address: str = "127.0.0.1"):
    """As Browser.post, from this address."""
    data = {"csrf_token": browser.token(), "username": name, "password": password}
    return browser.client.post(
        "/login",
        data=data,
        base_url=browser.origin,
        headers={"Referer": f"{browser.origin}/login"},
        environ_base={"REMOTE_ADDR": address},
    )


def hammer(app, name: str = "Ada", clients: int = 25) -> None:
    """Strangers at many addresses, until the name itself is closed."""
    for number in range(clients):
        log_in(Browser(app.test_client()), name, "wrong", f"10.0.0.{number}")


def device_cookie(browser: Browser) -> str | None:
    kept = browser.client.get_cookie("device") or browser.client.get_cookie("__Host-device")
    return kept.value if kept else None


def test_the_page_says_when_to_try_again_and_keeps_what_was_typed(ada, visitor, clock, limits):
    assert [log_in(visitor, " Ada ", "wrong").status_code for _ in range(5)] == [400] * 5
    clock(seconds=17)
    answer = log_in(visitor, " Ada ", "wrong")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "43"
    assert (
        f"{PAUSE}, so there is a short pause. Please try again in 1 minute. Nothing is locked." in answer.text
    )
    page = Page(answer.text)
    assert page.value("username") == "Ada"
    assert not page.value("password")
    assert not page.error("password")
    assert 'role="alert"' in answer.text
    assert "429" not in answer.text.replace(page.token, ""), "no code in words for people"


@pytest.mark.parametrize("page_of_the_pause", [False, True])
def test_a_form_left_open_for_a_day_still_works(ada, visitor, clock, page_of_the_pause):
    form = visitor.page("/login")
    for _ in range(6):
        last = log_in(visitor, password="wrong")
    assert last.status_code == 429
    clock(days=1)
    token = Page(last.text).token if page_of_the_pause else form.token
    data = {"csrf_token": token, "username": "Ada", "password": PASSWORD}
    assert visitor.client.post("/login", data=data).status_code == 303


PASSING = ("X-Request-ID", "Set-Cookie")
"""Headers that differ from one answer to the next, whatever was asked."""


def story(browser: Browser, name: str, clock) -> list[tuple[int, list[tuple[str, str]], str]]:
    """Everything a stranger can see of forty guesses at this name, from two addresses. In one browser: the length
    of the page's token, and so of the page, depends on its session."""
    seen = []
    for number in range(40):
        answer = log_in(browser, name, "wrong", f"203.0.113.{number % 2}")
        headers = [(key, value) for key, value in answer.headers if key not in PASSING]
        seen.append(
            (
                answer.status_code,
                headers,
                re.sub(r"content=\"[^\"]{80,}\"|value=\"[^\"]{80,}\"", "TOKEN", answer.text),
            )
        )
        clock(seconds=45)
    return seen


def test_known_and_unknown_names_get_the_same_status_headers_length_and_words(
    ada, visitor, rows, clock, limits
):
    known = story(visitor, "Ada", clock)
    rows(lambda: (db.session.query(LogInFailures).delete(), db.session.commit()))
    unknown = story(visitor, "Bob", clock)
    assert [(status, headers) for status, headers, _ in known] == [
        (status, headers) for status, headers, _ in unknown
    ]
    assert [text for *_, text in known] == [text.replace("Bob", "Ada") for *_, text in unknown]
    assert {status for status, *_ in known} == {400, 429}


def test_a_pause_compares_nothing_for_anybody(ada, app, clock, compared):
    for name in ("Ada", "Bob"):
        hammer(app, name)
        compared.clear()
        for password in (PASSWORD, "wrong"):
            assert log_in(Browser(app.test_client()), name, password, STRANGER).status_code == 429
        assert compared == []


def test_the_owner_gets_in_with_a_browser_used_before_while_an_attacker_hammers(ada, app, visitor, clock):
    assert log_in(visitor).status_code == 303
    visitor.post("/logout", form_at="/")
    for _ in range(4):
        hammer(app)
        log_in(Browser(app.test_client()), "Ada", "wrong")  # at the owner's own address too
        clock(minutes=1)
    assert log_in(Browser(app.test_client()), address="198.51.100.7").status_code == 429
    assert log_in(visitor).status_code == 303
    assert visitor.get("/dashboard.json").status_code == 200


def test_a_session_that_is_open_is_not_touched_by_any_of_it(ada, app, visitor, clock):
    log_in(visitor)
    hammer(app)
    assert visitor.get("/dashboard.json").status_code == 200


def test_signing_up_makes_the_browser_known(visitor, rows, clock, app, compared):
    from tests.views.test_sign_up import GOOD

    assert visitor.post("/signup", **GOOD).status_code == 303
    visitor.post("/logout", form_at="/")
    hammer(app, GOOD["username"])
    assert log_in(visitor, GOOD["username"], GOOD["password"], STRANGER).status_code == 303


@pytest.mark.parametrize(
    "environment, name, flags",
    [
        ("local", "device", {"HttpOnly", "SameSite=Lax", "Path=/"}),
        ("production", "__Host-device", {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"}),
    ],
)
def test_the_cookie_is_random_and_kept_as_a_hash(ada, app_with, rows, environment, name, flags):
    made = app_with(app_env=environment)
    browser = Browser(
        made.test_client(), "https://localhost" if environment == "production" else "http://localhost"
    )
    answer = log_in(browser)
    (header,) = [value for value in answer.headers.getlist("Set-Cookie") if "device=" in value]
    pair, *found = [part.strip() for part in header.split(";")]
    key, _, token = pair.partition("=")
    assert key == name
    assert {flag for flag in found if not flag.startswith(("Expires", "Max-Age"))} == flags
    assert f"Max-Age={180 * 24 * 3600}" in found
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    row = rows(lambda: db.session.query(TrustedDevice).one())
    assert (row.token_hash, row.user_id) == (digest(token), ada)


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, ".".join(["A" * 43] * 50), "é", "A" * 4000, "..."])
def test_a_cookie_somebody_made_up_is_a_strangers(ada, app, rows, clock, cookie):
    hammer(app)
    browser = Browser(app.test_client())
    browser.client.set_cookie("device", cookie)
    assert log_in(browser, address=STRANGER).status_code == 429
    clock(days=1)
    assert log_in(browser, address=STRANGER).status_code == 303
    assert not cookie or device_cookie(browser) != cookie


def test_two_people_at_one_browser_are_both_known_and_each_for_themselves(ada, app, visitor, rows, clock):
    rows(lambda: make_user("Bob", password_hash=bcrypt.generate_password_hash("bobs own password").decode()))
    for name, password in (("Ada", PASSWORD), ("Bob", "bobs own password")):
        assert log_in(visitor, name, password).status_code == 303
        visitor.post("/logout", form_at="/")
    hammer(app, "Ada")
    assert log_in(visitor, "Ada").status_code == 303
    assert rows(lambda: db.session.query(TrustedDevice).count()) == 2


def test_a_new_password_leaves_only_this_browser_known(ada, app, visitor, rows, clock):
    other = Browser(app.test_client())
    log_in(other)
    log_in(visitor)
    before = device_cookie(visitor)
    answer = visitor.post(
        "/users/change-password", current_password=PASSWORD, new_password="a fresh set of tin lives"
    )
    assert answer.status_code == 303
    assert device_cookie(visitor) != before
    hammer(app)
    assert log_in(other, password="a fresh set of tin lives", address=STRANGER).status_code == 429
    assert log_in(visitor, password="a fresh set of tin lives").status_code == 303


def test_the_demo_stays_open_to_everybody(ada, app, monkeypatch, clock, rows):
    monkeypatch.setattr("services.demo.PATIENCE_SECONDS", 0)
    for _ in range(40):
        assert log_in(Browser(app.test_client()), "Test_User", "wrong").status_code == 400
    for number in range(40):
        log_in(Browser(app.test_client()), f"person{number}", "wrong")
    assert log_in(Browser(app.test_client()), "person").status_code == 429, "this address waits"
    visitor = Browser(app.test_client())
    assert log_in(visitor, "Test_User", "pass_good").status_code == 303
    assert device_cookie(visitor) is None
    assert rows(lambda: db.session.query(User).filter_by(is_demo=True).count()) == 1


CONFIRMED = [
    ("/users/update-profile", {
        "username": "Ada", "phone_number": "(604) 682-2344", "first_name": "Augusta", "last_name": "King",
        "account_type": "sandbox", "timezone": "America/Vancouver",
    }),
    ("/users/change-password", {"new_password": "a fresh set of tin lives"}),
    ("/users/delete", {}),
]  # fmt: skip


@pytest.mark.parametrize("path, fields", CONFIRMED, ids=lambda value: value if isinstance(value, str) else "")
def test_the_current_password_cannot_be_guessed_either(ada, visitor, clock, compared, path, fields):
    log_in(visitor)
    for _ in range(5):
        assert visitor.post(path, **fields, current_password="wrong").status_code == 400
    compared.clear()
    answer = visitor.post(path, **fields, current_password=PASSWORD)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert PAUSE in answer.text
    page = Page(answer.text)
    typed = {name: value for name, value in fields.items() if name != "new_password"}
    assert {name: page.value(name) for name in typed} == typed
    assert compared == []
    for other, more in CONFIRMED:
        assert visitor.post(other, **more, current_password="wrong").status_code == 429, "one counter for all"
    clock(minutes=1)
    assert visitor.post(path, **fields, current_password=PASSWORD).status_code == 303


def test_another_person_confirms_undisturbed(ada, visitor, person, clock):
    log_in(visitor)
    for _ in range(6):
        visitor.post("/users/delete", current_password="wrong")
    _, other = person(password=PASSWORD)
    assert other.post("/users/delete", current_password=PASSWORD).status_code == 303


def test_forms_that_are_not_filled_in_are_no_guesses(ada, visitor, rows):
    for fields in ({}, {"username": "Ada"}, {"password": "x"}):
        assert visitor.post("/login", **fields).status_code == 400
    assert rows(lambda: db.session.query(LogInFailures).count()) == 0


def test_the_cleaning_job_removes_what_is_forgotten(ada, visitor, rows):
    from CronJobs import clean_up

    log_in(visitor)
    log_in(Browser(visitor.client.application.test_client()), "Bob", "wrong")
    later = throttling.utcnow() + timedelta(hours=1)
    left = lambda: (db.session.query(LogInFailures).count(), db.session.query(TrustedDevice).count())  # noqa: E731
    assert rows(lambda: clean_up.run(later, dry_run=True)) == 0
    rows(lambda: clean_up.run(later, dry_run=False))
    assert rows(left) == (0, 1)
    real = datetime.now(UTC) + devices.LIFETIME  # only the counters' clock stands still
    rows(lambda: clean_up.run(real, dry_run=False))
    assert rows(left) == (0, 0)
