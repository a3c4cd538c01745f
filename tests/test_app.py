"""The composition root: what an application is made of, static files, and settings that reach their places."""

from __future__ import annotations

import ast
import gzip
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import render_template_string
from flask.testing import FlaskClient
from jinja2 import UndefinedError
from werkzeug.test import TestResponse

import background
from app import MAX_BODY, Assets, create_app
from extensions import crontab
from providers.base import TextError, TextKind
from tests.support.settings import make_settings

BUILT = Path(__file__).resolve().parents[1] / "static" / "built"
ENTRIES = ["app.js", "app.css", "theme.js", "dashboard.js"]


def fetch(client: FlaskClient, url: str, **headers: str) -> TestResponse:
    """The answer with its body read and its file closed."""
    with client.get(url, headers=headers) as answer:
        answer.get_data()
    return answer


@pytest.fixture
def client(app_with) -> FlaskClient:
    """Of an application that looked at static/ just now: somebody may be building while tests run."""
    return app_with().test_client()


@pytest.fixture
def built() -> dict[str, str]:
    """The manifest of the built assets. `./run test` builds them first."""
    manifest = BUILT / "manifest.json"
    assert manifest.is_file(), "the assets are not built: npm run build"
    return json.loads(manifest.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ENTRIES)
def test_built_assets_are_cached_for_ever_and_served_compressed(built, client, name):
    url = f"/static/built/{built[name]}"
    plain = fetch(client, url)
    packed = fetch(client, url, **{"Accept-Encoding": "gzip"})
    assert plain.status_code == packed.status_code == 200
    assert "immutable" in plain.headers["Cache-Control"]
    assert int(plain.headers["Cache-Control"].split("max-age=")[1].split(",")[0]) >= 31536000 // 2
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data)
    assert "Set-Cookie" not in plain.headers


@pytest.mark.parametrize("name, kind", [("app.js", "text/javascript"), ("app.css", "text/css")])
def test_assets_have_the_type_that_nosniff_insists_on(built, client, name, kind):
    assert fetch(client, f"/static/built/{built[name]}").content_type.startswith(kind)


def test_other_static_files_are_kept_for_an_hour(client):
    answer = fetch(client, "/static/img/favicon.svg")
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/built/../../config.py",
        "/static/%2e%2e/config.py",
        "/static/..%2fconfig.py",
        "/static//etc/passwd",
        "/static/",
    ],
)
def test_nothing_outside_static_is_served(client, path):
    answer = fetch(client, path)
    assert answer.status_code == 404
    assert "SECRET_KEY" not in answer.text


def test_assets_are_looked_up_by_their_first_names(tmp_path):
    (tmp_path / "manifest.json").write_text('{"app.js": "app-1A2B.js"}', encoding="utf-8")
    assert Assets(tmp_path / "manifest.json").url("app.js") == "/static/built/app-1A2B.js"
    with pytest.raises(KeyError):
        Assets(tmp_path / "manifest.json").url("nothing.js")
    with pytest.raises(FileNotFoundError):
        Assets(tmp_path / "none.json").url("app.js")


def test_gateways_are_there_for_the_environments_with_keys(app_with):
    assert set(app_with().extensions["banks"]) == {"sandbox", "production"}
    assert set(app_with(plaid_secret=None).extensions["banks"]) == {"sandbox"}
    assert set(app_with(plaid_client_id=None).extensions["banks"]) == set()


def test_a_gateway_is_built_once_and_knows_its_own_secret(app_with):
    banks = app_with(plaid_webhook_url="https://cashview.example/webhooks/plaid").extensions["banks"]
    assert banks["sandbox"] is banks["sandbox"]
    assert banks["sandbox"] is not banks["production"]
    options = banks["production"]._options
    assert (options.secret, options.webhook_url) == (
        "simulator-production-secret",
        "https://cashview.example/webhooks/plaid",
    )
    with pytest.raises(KeyError):
        banks["development"]


def test_texts_are_off_without_twilio_and_no_signature_is_believed(app_with):
    extensions = app_with().extensions
    assert extensions["texts"] is None
    assert not extensions["valid_text_signature"]("https://cash.example.com/x", {}, "")


def test_the_gateway_for_texts_knows_the_settings_and_who_signs(app_with):
    extensions = app_with(
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token="new",
        twilio_other_auth_tokens=("12345",),
        twilio_num="+15005550006",
        twilio_base_url="http://127.0.0.1:9",
    ).extensions
    with pytest.raises(TextError) as caught:
        extensions["texts"].find("+14155552671", datetime(2026, 11, 22, tzinfo=UTC))
    assert caught.value.kind is TextKind.NOT_SENT
    options = extensions["texts"]._built._options
    assert (options.auth_token, options.number) == ("new", "+15005550006")
    assert options.messaging_service_sid is None
    example = {  # Twilio's documented one, signed with 12345
        "To": "+18005551212", "From": "+14158675309", "CallSid": "CA1234567890ABCDE", "Digits": "1234",
        "Caller": "+14158675309",
    }  # fmt: skip
    believed = extensions["valid_text_signature"]
    assert believed("https://mycompany.com/myapp.php?foo=1&bar=2", example, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


def test_every_name_that_is_enqueued_has_a_handler(app):
    """Names of background work are text: one that nobody registered would be lost in silence."""
    root = Path(__file__).resolve().parents[1]
    names = set()
    for path in [*root.glob("services/*.py"), *root.glob("views/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if called == "enqueue" and node.args and isinstance(node.args[0], ast.Constant):
                names.add(node.args[0].value)
    assert names >= {"refresh", "remove_item", "link_demo"}
    names |= {"sweep", "look", "refresh_due"}  # what clocks and the scheduler ask for
    for name in names:
        assert callable(background.handler(name))


def test_sizes_and_cookies_are_set_before_anybody_asks(app):
    assert app.config["MAX_CONTENT_LENGTH"] == MAX_BODY
    assert app.config["BCRYPT_HANDLE_LONG_PASSWORDS"] is True
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert app.config["WTF_CSRF_TIME_LIMIT"] is None
    assert not app.debug


def test_a_misspelt_name_in_a_template_is_an_error_not_a_blank(app):
    with app.test_request_context(), pytest.raises(UndefinedError):
        app.jinja_env.from_string("{{ misspelt }}").render()


def test_templates_escape(app):
    with app.test_request_context():
        assert render_template_string("{{ name }}", name="<b>") == "&lt;b&gt;"


def test_vendor_clients_may_not_log_what_they_send(app):
    for name in ("urllib3", "twilio.http_client", "plaid"):
        assert logging.getLogger(name).getEffectiveLevel() >= logging.WARNING


def test_missing_settings_end_the_start_with_one_message(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("config.BASE_DIR", tmp_path)
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "INSTANCE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APP_ENV", "production")
    with pytest.raises(SystemExit) as ended:
        create_app()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert all(name in told for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL"))


def test_cron_starts_the_jobs_every_hour(app):
    assert len(crontab.jobs) >= 1


def test_simulated_says_so(app_with, tmp_path):
    assert "Simulated banks" in app_with().test_client().get("/about").text
    real = app_with(plaid_base_url=None)
    assert "Simulated banks" not in real.test_client().get("/about").text
    assert real.config["SIMULATOR_URL"] is None


def test_made_up_settings_are_complete(tmp_path):
    settings = make_settings(DATABASE_URL=f"sqlite:///{tmp_path / 'x.db'}", INSTANCE_DIR=str(tmp_path))
    assert settings.warnings == ()
