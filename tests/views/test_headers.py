"""Headers on every answer: exactly what a browser may load, and what it may keep."""

from __future__ import annotations

import dataclasses

import pytest

from app import create_app
from tests.support.factories import make_institution
from tests.views.browsing import Browser
from tests.views.conftest import sign_in

BASE = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
PLAID_SCRIPT = "https://cdn.plaid.com/link/v2/stable/link-initialize.js"
PUBLIC = ["/", "/about", "/privacy", "/terms", "/login", "/signup"]
PERSONAL = ["/", "/users/texts", "/users/update-profile", "/users/change-password", "/users/delete", "/about"]
OTHER = ["/nothing", "/dashboard.json", "/healthz", "/financial-institutions/1", "/static/nothing.css"]


def policy(answer) -> dict[str, str]:
    (header,) = answer.headers.getlist("Content-Security-Policy")
    return {name: value for name, _, value in (part.strip().partition(" ") for part in header.split(";"))}


@pytest.mark.parametrize("path", [*PUBLIC, *OTHER])
def test_every_answer_to_a_visitor_has_the_strict_policy(visitor, path):
    assert policy(visitor.get(path)) == BASE


@pytest.mark.parametrize("path", [path for path in [*PERSONAL, *OTHER] if path != "/"])
def test_pages_without_link_have_it_too_when_signed_in(person, path):
    assert policy(person()[1].get(path)) == BASE


def test_only_the_dashboard_may_load_the_stand_in_of_link(person):
    origin = "http://127.0.0.1:9"
    answer = person()[1].get("/")
    assert policy(answer) == BASE | {
        "script-src": f"'self' {origin}",
        "frame-src": origin,
        "connect-src": f"'self' {origin}",
    }
    assert f'src="{origin}/link/v2/stable/link-initialize.js"' in answer.text


def test_with_plaids_own_script_the_hosts_plaid_documents(person, app_with):
    _, browser = person(on=app_with(plaid_link_script_url=PLAID_SCRIPT, plaid_base_url=None))
    answer = browser.get("/")
    assert policy(answer) == BASE | {
        "script-src": f"'self' {PLAID_SCRIPT}",
        "frame-src": "https://cdn.plaid.com/",
        "connect-src": "'self' https://sandbox.plaid.com/ https://production.plaid.com/",
        "style-src-attr": "'unsafe-inline'",
    }
    assert f'src="{PLAID_SCRIPT}"' in answer.text
    assert "style-src-attr" not in policy(browser.get("/users/update-profile"))


@pytest.mark.parametrize("path", [*PUBLIC, *OTHER])
def test_no_policy_lets_scripts_run_inline(visitor, person, path):
    for browser in (visitor, person()[1]):
        rules = policy(browser.get(path))
        scripts = rules.get("script-src", rules["default-src"])
        assert "unsafe" not in scripts
        assert "*" not in scripts
        assert "style-src" not in rules


@pytest.mark.parametrize("path", [*PUBLIC, *OTHER])
def test_what_every_answer_carries(visitor, path):
    headers = visitor.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["X-Request-ID"]
    assert "Access-Control-Allow-Origin" not in headers
    assert "Server" not in headers
    assert "X-Powered-By" not in headers


@pytest.mark.parametrize("path", [*PERSONAL, "/dashboard.json", "/nothing", "/financial-institutions/1"])
def test_what_a_signed_in_person_sees_is_not_kept(person, path):
    assert person()[1].get(path).headers["Cache-Control"] == "no-store"


def test_answers_to_forms_are_not_kept(visitor):
    assert visitor.post("/login", username="x", password="y").headers["Cache-Control"] == "no-store"


def test_the_last_page_before_logging_out_is_cleared(person):
    answer = person()[1].post("/logout", form_at="/")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PUBLIC)
def test_every_page_has_its_token_and_loads_nothing_from_elsewhere(visitor, person, path):
    for browser in (visitor, person()[1]):
        answer = browser.get(path, follow_redirects=True)
        assert '<meta name="csrf-token"' in answer.text
        page = browser.page(path) if answer.history == () else None
        for tag, names in page.elements if page else ():
            source = names.get("src") or (names.get("href") if tag == "link" else None) or ""
            assert source.startswith(("/", "data:")) or source == "" or "127.0.0.1:9" in source
            assert "style" not in names, "the policy forbids inline style"
            assert tag != "style"


def test_strict_transport_only_over_https(visitor, app_with):
    assert "Strict-Transport-Security" not in visitor.get("/about").headers
    secure = Browser(app_with(app_env="production").test_client(), "https://localhost").get("/about")
    assert secure.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_a_person_and_a_visitor_share_no_cached_page(visitor):
    assert "Cookie" in visitor.get("/").headers["Vary"]


READERS = [
    "/",
    "/login",
    "/signup",
    "/about",
    "/dashboard.json",
    "/healthz",
    "/readyz",
    "/users/update-profile",
    "/users/delete",
]


@pytest.mark.parametrize("path", READERS)
def test_head_is_get_without_a_body(person, path):
    _, browser = person()
    head = browser.client.head(path)
    assert head.status_code == browser.get(path).status_code
    assert head.data == b""


@pytest.mark.parametrize("path", [*READERS, "/logout", "/demo", "/financial-institutions", "/accounts/1"])
def test_options_says_what_is_allowed_and_does_nothing(person, path):
    _, browser = person()
    answer = browser.client.options(path)
    assert answer.status_code in (200, 302, 303, 401)
    assert browser.get("/dashboard.json").status_code == 200, "still signed in"


@pytest.mark.parametrize(
    "path",
    ["/logout", "/demo", "/create_link_token", "/users/delete", "/accounts/1", "/financial-institutions"],
)
@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_reading_verbs_change_nothing(person, path, verb):
    _, browser = person()
    answer = browser.client.open(path, method=verb)
    assert answer.status_code in (200, 404, 405)
    assert browser.get("/dashboard.json").status_code == 200


def test_a_host_that_is_not_ours_is_refused(app_with):
    client = app_with(trusted_hosts=("cashview.example",)).test_client()
    assert client.get("/about", base_url="http://cashview.example").status_code == 200
    refused = client.get("/about", base_url="http://evil.example")
    assert refused.status_code == 400
    assert "evil.example" not in refused.text


def test_a_public_address_names_the_host_but_one_of_this_machine_does_not(app_with):
    """./run gives itself its own address for simulated texts; a forwarded port may have any name."""
    public = app_with(public_base_url="https://cashview.example").test_client()
    assert public.get("/about", base_url="http://evil.example").status_code == 400
    local = app_with(public_base_url="http://127.0.0.1:5000").test_client()
    assert local.get("/about", base_url="http://forwarded.example").status_code == 200


def test_a_proxy_is_believed_only_when_told_so(app_with, visitor):
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
    }
    assert "Strict-Transport-Security" not in visitor.get("/about", headers=forwarded).headers
    behind = app_with(trust_proxy=True).test_client()
    answer = behind.get("/about", headers=forwarded)
    assert answer.status_code == 200, "TRUST_PROXY works with APP_ENV=local too"
    assert "Strict-Transport-Security" in answer.headers
    assert "evil.example" not in answer.text


def test_behind_a_proxy_limits_are_per_client_and_cannot_be_forged(app_with, limits):
    from extensions import limiter

    behind = app_with(trust_proxy=True)
    limiter.enabled = True
    browser = Browser(behind.test_client())
    data = {"csrf_token": browser.token()}

    def attempt(forwarded: str) -> int:
        return browser.client.post("/signup", data=data, headers={"X-Forwarded-For": forwarded}).status_code

    assert [attempt("198.51.100.1") for _ in range(60)] == [400] * 60
    assert attempt("198.51.100.1") == 429
    assert attempt("6.6.6.6, 198.51.100.1") == 429, "only the proxy's own word counts"
    assert attempt("198.51.100.2") == 400


def test_in_production_behind_a_proxy_pages_move_to_https(app_with):
    client = app_with(app_env="production", trust_proxy=True).test_client()
    moved = client.get("/about?x=1", headers={"X-Forwarded-Proto": "http"})
    assert (moved.status_code, moved.location) == (308, "https://localhost/about?x=1")
    assert client.get("/healthz").status_code == 200
    assert client.get("/about", headers={"X-Forwarded-Proto": "https"}).status_code == 200


def test_a_logged_line_of_a_request_names_no_person(person, caplog):
    caplog.set_level("DEBUG", logger="cashview.request")
    _, browser = person(username="canary-name", phone_number="+14155550199")
    browser.get("/?secret=canary-query")
    assert "GET pages.home 200" in caplog.text
    assert "canary" not in caplog.text


def test_settings_of_one_application_do_not_leak_into_another(settings, app, rows):
    """Two applications in one process (tests, a shell) keep their own policy."""
    other = create_app(dataclasses.replace(settings, plaid_link_script_url="https://elsewhere.example/x.js"))
    user_id = rows(lambda: make_institution(_user()).user_id)
    assert "elsewhere" in sign_in(other, user_id).get("/").headers["Content-Security-Policy"]
    assert "elsewhere" not in sign_in(app, user_id).get("/").headers["Content-Security-Policy"]


def _user():
    from tests.support.factories import make_user

    return make_user()
