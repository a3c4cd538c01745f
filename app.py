"""CashView's composition root for the web: settings, extensions, gateways, background work, pages.

`create_app()` is what gunicorn and flask call; tests pass their own Settings.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.headers import Headers

from flask import Flask
from jinja2 import StrictUndefined
from sqlalchemy import make_url
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

import models  # noqa: F401 - the tables must be known before migrations and queries
from config import Settings, is_loopback, load_settings
from database import teach_postgres_manners, teach_sqlite_manners
from domain.usernames import DEMO_USERNAME
from extensions import bcrypt, crontab, csrf, db, limiter, login_manager, migrate
from handlers import set_up_background
from providers.base import Asking
from providers.registry import LazyBanks, LazyTexts, LazyWebhooks
from providers.twilio import valid_signature
from services import users, vendors
from vault import vault
from views import errors, filters, headers, kept
from views.blueprints import BLUEPRINTS
from views.http import TidyRequest
from views.session_interface import RowSessionInterface

ROOT = Path(__file__).resolve().parent
MAX_BODY = 256 * 1024
"""Bytes of a request: Link's metadata of a bank with hundreds of accounts fits; nothing of ours is larger."""


def create_app(settings: Settings | None = None, *, refreshes: bool = False) -> Flask:
    """The application. Without settings they are read from the environment; errors are printed and it exits.

    `refreshes`: this process does nothing but refresh (the daily job, a worker). It keeps a connection to the
    database for each of its threads; others keep two, because a small plan has 20 in all.
    """
    settings = settings or load_settings()
    app = Flask(__name__, static_folder=None)
    app.request_class = TidyRequest
    _setup_config(app, settings, 2 if not refreshes else settings.refresh_concurrency)
    setup_logging(settings)
    _setup_extensions(app, settings)
    _setup_gateways(app, settings)
    set_up_background(app, settings)
    _setup_pages(app, settings)
    _setup_static(app)
    if settings.trust_proxy:
        # One proxy in front (Heroku's router): it alone may say who the client is and which scheme was used.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)
    return app


@crontab.job(minute="7")
def hourly_jobs() -> None:
    """What `flask crontab add --suppress` makes cron start every hour: a thin trigger, the work is in the jobs."""
    from scheduled_jobs import main

    if (code := main([])) != 0:
        raise SystemExit(code)


def _setup_config(app: Flask, settings: Settings, connections_kept: int) -> None:
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings, connections_kept),
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        SESSION_COOKIE_NAME=settings.session_cookie_name,
        SESSION_COOKIE_SECURE=settings.session_cookie_secure,
        SESSION_COOKIE_SAMESITE="Lax",
        TRUSTED_HOSTS=_trusted_hosts(settings),
        PREFERRED_URL_SCHEME="https" if settings.is_production else "http",
        WTF_CSRF_TIME_LIMIT=None,  # the token belongs to the session and lives as long
        BCRYPT_HANDLE_LONG_PASSWORDS=True,  # bcrypt reads 72 bytes; turning this on later would void every hash
        RATELIMIT_ENABLED=True,  # or one made while the shared limiter is switched off would never count by answers
        RATELIMIT_STORAGE_URI=settings.ratelimit_storage_uri,
        RATELIMIT_STORAGE_OPTIONS=_limit_options(settings),
        # Counters that cannot be reached must lock nobody out, nor let anybody guess without a limit: each process
        # then counts by itself until they are back.
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_HEADERS_ENABLED=False,  # it would overwrite a Retry-After of ours, and add one to pages
        SIMULATOR_URL=settings.plaid_base_url if settings.simulated else None,
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _trusted_hosts(settings: Settings) -> list[str] | None:
    """The hosts this site answers to; without a list, the public address' own host if there is one.
    An address of this machine is nobody's public one: a forwarded port may have any name."""
    public = settings.public_base_url
    if settings.trusted_hosts or not public or is_loopback(public):
        return list(settings.trusted_hosts) or None
    return [urlsplit(public).netloc, "127.0.0.1", "localhost"]


def _limit_options(settings: Settings) -> dict[str, float]:
    """A server that counts must answer within a second: a page waits for it."""
    remote = settings.ratelimit_storage_uri.startswith(("redis", "valkey"))
    return {"socket_connect_timeout": 1.0, "socket_timeout": 1.0} if remote else {}


def _engine_options(settings: Settings, connections_kept: int) -> dict[str, object]:
    pool = {
        "pool_size": connections_kept,
        "max_overflow": max(0, settings.refresh_concurrency + 8 - connections_kept),  # one for every thread
        "pool_timeout": 10,  # seconds until a page that finds none free says so
    }
    if settings.database_url.startswith("sqlite"):
        settings.instance_dir.mkdir(parents=True, exist_ok=True)
        in_memory = make_url(settings.database_url).database in (None, "", ":memory:")  # one connection
        return {"hide_parameters": True, **({} if in_memory else pool)}
    timeouts = "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"
    return {
        "hide_parameters": True,  # values of rows do not belong in a log
        "pool_pre_ping": True,
        "paramstyle": "format",  # by place: SQLAlchemy joins rows to one INSERT with less work than by name
        **pool,
        "connect_args": {"options": timeouts, "connect_timeout": 10},
    }


def setup_logging(settings: Settings) -> None:
    """Lines on stderr, at LOG_LEVEL."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger().setLevel(settings.log_level)
    # The first three log addresses and bodies of vendor calls when they may; the last one is chatty.
    for noisy in ("urllib3", "twilio.http_client", "plaid", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _setup_extensions(app: Flask, settings: Settings) -> None:
    vault.set_keys(settings.encryption_keys)
    db.init_app(app)
    with app.app_context():
        if settings.database_url.startswith("sqlite"):
            teach_sqlite_manners(db.engine)
        else:
            teach_postgres_manners(db.engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    bcrypt.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)
    crontab.init_app(app)
    login_manager.init_app(app)
    # Sessions are rows; an address that changes is no reason to end one.
    login_manager.session_protection = None  # pyright: ignore[reportAttributeAccessIssue]
    login_manager.user_loader(users.load_user)
    login_manager.unauthorized_handler(errors.unauthorized)
    app.session_interface = RowSessionInterface()


def _setup_gateways(app: Flask, settings: Settings) -> None:
    app.extensions["banks"] = LazyBanks(
        {
            environment: {
                "host": settings.plaid_base_url_for(environment),
                "client_id": settings.plaid_client_id,
                "secret": settings.plaid_secret_for(environment),
                "products": settings.plaid_products,
                "country_codes": settings.plaid_country_codes,
                "redirect_uri": settings.plaid_redirect_to_send,
                "webhook_url": settings.plaid_webhook_to_send,
                "pool_size": settings.refresh_concurrency + 8,
                "pacing": None if settings.simulated else (environment, settings.ratelimit_storage_uri),
            }
            for environment in ("sandbox", "production")
            if settings.plaid_client_id and settings.plaid_secret_for(environment)
        }
    )
    app.extensions["read_webhook"] = LazyWebhooks(app.extensions["banks"], asking_anywhere(app))
    app.extensions["texts"] = _texts(settings)
    # Views may not know a vendor, so they get the check ready made: (url, params, signature) -> bool.
    app.extensions["valid_text_signature"] = partial(valid_signature, settings.twilio_auth_tokens)


def asking_anywhere(app: Flask) -> Asking:
    """vendors.asking for threads that have no application of their own: keys of webhooks are looked up in those."""

    @contextmanager
    def asking(environment: str) -> Iterator[None]:
        with app.app_context(), vendors.asking(environment):
            yield

    return asking


def _texts(settings: Settings) -> LazyTexts | None:
    """The gateway for texts; None when they are off."""
    if not settings.texting_enabled:
        return None
    return LazyTexts(
        {
            "account_sid": settings.twilio_account_sid,
            "auth_token": settings.twilio_auth_token,
            "number": settings.twilio_num,
            "messaging_service_sid": settings.twilio_messaging_service_sid,
            "base_url": settings.twilio_base_url,
            "pool_size": settings.refresh_concurrency + 8,
        }
    )


def _setup_pages(app: Flask, settings: Settings) -> None:
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    headers.register(app)
    errors.register(app)
    filters.register(app)
    kept.register(app)
    demo_enabled = settings.demo_enabled and "sandbox" in settings.account_types_offered

    @app.context_processor
    def shared() -> dict[str, object]:
        return {
            "simulated": settings.simulated,
            "texting_simulated": settings.texting_simulated,
            "simulator_url": app.config["SIMULATOR_URL"],
            "offered_account_types": settings.account_types_offered,
            "demo_enabled": demo_enabled,
            "texts_on": settings.texting_enabled,
            "demo_username": DEMO_USERNAME,
        }

    app.config["DEMO_ENABLED"] = demo_enabled


def _setup_static(app: Flask) -> None:
    """Built assets have their hash in their name: cached for ever, served compressed, before Flask sees them."""
    built = ROOT / "static" / "built"
    assets = Assets(built / "manifest.json")
    app.jinja_env.globals["asset"] = assets.url
    files = WhiteNoise(
        app.wsgi_app,
        max_age=3600,
        immutable_file_test=lambda path, url: "/built/" in url,
        allow_all_origins=False,
        add_headers_function=_static_headers,
    )
    for folder in ("built", "img"):
        if (ROOT / "static" / folder).is_dir():
            files.add_files(str(ROOT / "static" / folder), prefix=f"static/{folder}/")
    app.wsgi_app = files


def _static_headers(headers: Headers, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"


class Assets:
    """Names of built files by the name they were written under; read once, on first use."""

    def __init__(self, manifest: Path) -> None:
        self._manifest = manifest

    @cached_property
    def _names(self) -> dict[str, str]:
        return json.loads(self._manifest.read_text(encoding="utf-8"))

    def url(self, name: str) -> str:
        """'/static/built/app-1a2b3c.js' for 'app.js'. FileNotFoundError when the assets were not built."""
        return f"/static/built/{self._names[name]}"
