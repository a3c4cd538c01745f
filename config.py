"""Settings: read once, checked together, frozen.

`Settings.from_env` takes a mapping and touches nothing else, so tests never see this machine's files.
`load_settings` is for composition roots: the process environment, then .env, then INSTANCE_DIR/local.env.
A setting that is there but blank counts as not there, so a copied .env.example changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

BASE_DIR = Path(__file__).resolve().parent

# https://plaid.com/docs/link/web/: the script must come from here, it may not be bundled or hosted.
PLAID_LINK_SCRIPT = "https://cdn.plaid.com/link/v2/stable/link-initialize.js"
# Plaid ended its Development environment on 2024-06-20; these two are left.
PLAID_HOSTS = {"sandbox": "https://sandbox.plaid.com", "production": "https://production.plaid.com"}

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# What people and tutorials write where a random value belongs.
_PLACEHOLDERS = re.compile(
    r"change.?me|change.?this|replace.?(me|this)|never.?guess|your.?(secret|key)|secret.?key|super.?secret"
    r"|example|password|placeholder|development|insecure|qwerty|0123456789|123456789|abcdefgh",
    re.IGNORECASE,
)
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")


class ConfigError(Exception):
    """Everything that is wrong with the settings, as sentences. Never holds a secret's value."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        count = "one setting needs" if len(problems) == 1 else f"{len(problems)} settings need"
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(
            f"CashView cannot start: {count} attention.{lines}\n.env.example explains every setting."
        )


@dataclass(frozen=True)
class Settings:
    """Every setting in the words of .env.example, in lower case. Its repr leaves out what is secret."""

    app_env: str
    port: int
    instance_dir: Path
    secret_key: str = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)  # newest first
    database_url: str = field(repr=False)  # SQLAlchemy's form, psycopg2 named
    plaid_client_id: str | None = field(repr=False)
    plaid_secret: str | None = field(repr=False)  # of Plaid's Production
    plaid_sandbox_secret: str | None = field(repr=False)
    plaid_products: tuple[str, ...]
    plaid_country_codes: tuple[str, ...]
    plaid_base_url: str | None
    plaid_link_script_url: str
    plaid_redirect_uri: str | None
    plaid_webhook_url: str | None
    twilio_account_sid: str | None = field(repr=False)
    twilio_auth_token: str | None = field(repr=False)  # the one requests are made with
    twilio_num: str | None = field(repr=False)
    twilio_messaging_service_sid: str | None = field(repr=False)
    twilio_base_url: str | None
    public_base_url: str | None
    trusted_hosts: tuple[str, ...]
    trust_proxy: bool
    celery_broker_url: str | None = field(repr=False)
    ratelimit_storage_uri: str = field(repr=False)
    log_level: str
    refresh_concurrency: int
    lease_seconds: int
    demo_enabled: bool
    simulator_port: int
    warnings: tuple[str, ...] = field(default=(), metadata={"setting": False})
    # Others of TWILIO_AUTH_TOKEN, which Twilio may sign with while the token is being changed.
    twilio_other_auth_tokens: tuple[str, ...] = field(default=(), repr=False, metadata={"setting": False})

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """The settings in `environ` (also DYNO, which Heroku sets). ConfigError with every problem found."""
        reader = _Reader(environ)
        values = _read_all(reader)
        _check_together(reader, values)
        if reader.problems:
            raise ConfigError(reader.problems)
        return cls(**values, warnings=tuple(reader.warnings))  # type: ignore[arg-type]

    @property
    def is_production(self) -> bool:
        return self.app_env == "production"

    @property
    def session_cookie_name(self) -> str:
        """`__Host-` makes browsers insist on Secure, Path=/ and no Domain; plain http could not set it."""
        return "__Host-session" if self.is_production else "session"

    @property
    def device_cookie_name(self) -> str:
        """The cookie by which a browser is known again at the next log-in."""
        return "__Host-device" if self.is_production else "device"

    @property
    def session_cookie_secure(self) -> bool:
        return self.is_production

    @property
    def simulated(self) -> bool:
        """Whether Plaid is a program on this machine."""
        return self.plaid_base_url is not None and is_loopback(self.plaid_base_url)

    @property
    def account_types_offered(self) -> tuple[str, ...]:
        """The account types whose Plaid secret is there; an account type without keys could link nothing."""
        secrets = (("sandbox", self.plaid_sandbox_secret), ("development", self.plaid_secret))
        return tuple(account_type for account_type, secret in secrets if secret and self.plaid_client_id)

    @property
    def texting_enabled(self) -> bool:
        """Whether texts can be sent: the Twilio account and a sender are set."""
        return self.twilio_account_sid is not None

    @property
    def twilio_auth_tokens(self) -> tuple[str, ...]:
        """Every token a webhook of Twilio may be signed with; none when texts are off."""
        return (self.twilio_auth_token, *self.twilio_other_auth_tokens) if self.twilio_auth_token else ()

    @property
    def texting_simulated(self) -> bool:
        """Whether Twilio is a program on this machine."""
        return self.twilio_base_url is not None and is_loopback(self.twilio_base_url)

    @property
    def twilio_callback_base_to_send(self) -> str | None:
        """PUBLIC_BASE_URL when Twilio could call an address under it, else None."""
        url = self.public_base_url
        return url if url and (self.texting_simulated or is_public_https(url)) else None

    @property
    def plaid_redirect_to_send(self) -> str | None:
        """PLAID_REDIRECT_URI when Plaid would accept it, else None."""
        return self._sendable(self.plaid_redirect_uri)

    @property
    def plaid_webhook_to_send(self) -> str | None:
        """PLAID_WEBHOOK_URL when Plaid could reach it, else None."""
        return self._sendable(self.plaid_webhook_url)

    def _sendable(self, url: str | None) -> str | None:
        return url if url and (self.simulated or is_public_https(url)) else None

    def plaid_secret_for(self, environment: str) -> str | None:
        """The secret of Plaid's environment 'sandbox' or 'production'; KeyError for any other."""
        return {"sandbox": self.plaid_sandbox_secret, "production": self.plaid_secret}[environment]

    def plaid_base_url_for(self, environment: str) -> str:
        """Where that environment's API is, without a slash at the end; KeyError for an unknown one."""
        host = PLAID_HOSTS[environment]
        return self.plaid_base_url or host


SETTING_NAMES = tuple(f.name.upper() for f in fields(Settings) if f.metadata.get("setting", True))


def given_environ(process_env: Mapping[str, str], base_dir: Path) -> dict[str, str]:
    """What a person set: `process_env` over base_dir/.env, without what is blank."""
    return {**read_file(base_dir / ".env"), **_not_blank(process_env)}


def load_environ(process_env: Mapping[str, str], base_dir: Path) -> dict[str, str]:
    """All there is: what a person set, over INSTANCE_DIR/local.env. Changes nothing, os.environ neither."""
    given = given_environ(process_env, base_dir)
    return {**read_file(instance_dir_of(given, base_dir) / "local.env"), **given}


def instance_dir_of(environ: Mapping[str, str], base_dir: Path) -> Path:
    """INSTANCE_DIR as a full path; a relative one starts at the checkout."""
    return base_dir / environ.get("INSTANCE_DIR", "instance")


def load_settings() -> Settings:
    """The settings of this process. Prints all problems and exits with 1 when there are any."""
    try:
        return Settings.from_env(load_environ(os.environ, BASE_DIR))
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None


def read_ports(environ: Mapping[str, str]) -> tuple[int, int]:
    """PORT and SIMULATOR_PORT alone, for `./run`, which needs them before there are secrets. ConfigError."""
    reader = _Reader(environ)
    ports = _ports(reader)
    if reader.problems:
        raise ConfigError(reader.problems)
    return ports


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine: localhost or a loopback address."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public_https(url: str) -> bool:
    """Whether a vendor could call this URL: https, and a host name or address that others can reach."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        public = ipaddress.ip_address(host).is_global
    except ValueError:
        public = "." in host and not host.endswith((".local", ".localhost", ".internal", ".test"))
    return parts.scheme == "https" and public


def _not_blank(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value.strip() for name, value in values.items() if value and value.strip()}


def read_file(path: Path) -> dict[str, str]:
    """The assignments in a file of settings that are not blank; none when there is no such file.
    `$` in a value means itself."""
    from dotenv import dotenv_values

    return _not_blank(dotenv_values(path, interpolate=False)) if path.is_file() else {}


class _Reader:
    """Reads single settings from a mapping and remembers what was wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = _not_blank(environ)
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def text(self, name: str) -> str | None:
        return self.environ.get(name)

    def shaped(self, name: str, shape: str, what: str) -> str | None:
        value = self.environ.get(name)
        if value is not None and not re.fullmatch(shape, value):
            self.problems.append(f"{name} must be {what}.")
        return value

    def choice(self, name: str, default: str, choices: tuple[str, ...], change: Callable[[str], str]) -> str:
        value = change(self.environ.get(name, default))
        if value in choices:
            return value
        self.problems.append(f"{name} must be one of {', '.join(choices)}.")
        return default

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        value = self.environ.get(name, str(default))
        if re.fullmatch(r"[0-9]{1,9}", value) and lowest <= int(value) <= highest:
            return int(value)
        self.problems.append(f"{name} must be a whole number from {lowest} to {highest}.")
        return default

    def flag(self, name: str, default: bool) -> bool:
        return self.choice(name, str(default).lower(), ("true", "false"), str.lower) == "true"

    def items(self, name: str, default: str = "") -> tuple[str, ...]:
        """A comma separated list without blanks and repetitions, in its order."""
        parts = (part.strip() for part in self.environ.get(name, default).split(","))
        return tuple(dict.fromkeys(part for part in parts if part))

    def codes(
        self, name: str, default: str, shape: str, what: str, change: Callable[[str], str]
    ) -> tuple[str, ...]:
        """A list of code words, each of `shape`."""
        values = tuple(dict.fromkeys(change(item) for item in self.items(name, default)))
        if not values or not all(re.fullmatch(shape, value) for value in values):
            self.problems.append(f"{name} must be a comma separated list of {what}, such as {default}.")
        return values

    def address(self, name: str, safe: bool = True) -> str | None:
        """A web address; a *_BASE_URL without a slash at its end. `safe`: https, or http to this machine."""
        value = self.environ.get(name)
        if value is None:
            return None
        parts = _split(value)
        if parts is None:
            self.problems.append(
                f"{name} must be a web address such as https://example.com, without user or spaces."
            )
        elif safe and parts.scheme != "https" and not is_loopback(value):
            self.problems.append(
                f"{name} must start with https:// (http:// only to this machine, such as 127.0.0.1)."
            )
        if not name.endswith("_BASE_URL"):
            return value
        if "?" in value or "#" in value:
            self.problems.append(f"{name} must end with the host or a path, without ? or #.")
        return value.rstrip("/")

    def uri(self, name: str) -> str | None:
        """The address of a broker or store, such as redis://host:6379/0. It may hold a password."""
        value = self.environ.get(name)
        if value is not None and not re.match(r"[a-z0-9+]+://", value):
            self.problems.append(f"{name} must be an address such as redis://127.0.0.1:6379/0.")
        return value


def _split(value: str) -> SplitResult | None:
    """The parts of an http(s) address, or None when it is not one or would be unsafe to put into a header."""
    try:
        parts = urlsplit(value)
        host = parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
    except ValueError:
        return None
    good = (
        parts.scheme in ("http", "https") and _HOST.fullmatch(host) and not re.search(r"[\s;,'\"<>\\]", value)
    )
    return parts if good else None


def _ports(reader: _Reader) -> tuple[int, int]:
    port = reader.number("PORT", 5000, 1, 65535)
    simulator_port = reader.number("SIMULATOR_PORT", port + 1 if port < 65535 else port - 1, 1, 65535)
    if port == simulator_port:
        reader.problems.append("PORT and SIMULATOR_PORT must differ.")
    return port, simulator_port


def _read_all(reader: _Reader) -> dict[str, object]:
    """Every setting by its field's name, each checked alone."""
    app_env = reader.choice("APP_ENV", "production", ("production", "local"), str.lower)
    port, simulator_port = _ports(reader)
    instance_dir = instance_dir_of(reader.environ, BASE_DIR)
    return {
        "app_env": app_env,
        "port": port,
        "instance_dir": instance_dir,
        "secret_key": reader.text("SECRET_KEY"),
        "encryption_keys": reader.items("ENCRYPTION_KEYS"),
        "database_url": _database_url(reader, app_env, instance_dir),
        "plaid_client_id": reader.text("PLAID_CLIENT_ID"),
        "plaid_secret": reader.text("PLAID_SECRET"),
        "plaid_sandbox_secret": reader.text("PLAID_SANDBOX_SECRET"),
        "plaid_products": _plaid_products(reader),
        "plaid_country_codes": reader.codes(
            "PLAID_COUNTRY_CODES", "US,CA", "[A-Z]{2}", "country codes", str.upper
        ),
        "plaid_base_url": reader.address("PLAID_BASE_URL"),
        "plaid_link_script_url": reader.address("PLAID_LINK_SCRIPT_URL") or PLAID_LINK_SCRIPT,
        "plaid_redirect_uri": reader.address("PLAID_REDIRECT_URI", safe=False),
        "plaid_webhook_url": reader.address("PLAID_WEBHOOK_URL", safe=False),
        **_twilio(reader),
        "public_base_url": reader.address("PUBLIC_BASE_URL"),
        "trusted_hosts": reader.items("TRUSTED_HOSTS"),
        "trust_proxy": reader.flag("TRUST_PROXY", False),
        "celery_broker_url": reader.uri("CELERY_BROKER_URL"),
        "ratelimit_storage_uri": reader.uri("RATELIMIT_STORAGE_URI") or "memory://",
        "log_level": reader.choice("LOG_LEVEL", "INFO", _LOG_LEVELS, str.upper),
        "refresh_concurrency": reader.number("REFRESH_CONCURRENCY", 8, 1, 256),
        "lease_seconds": reader.number("LEASE_SECONDS", 300, 1, 86400),
        "demo_enabled": reader.flag("DEMO_ENABLED", True),
        "simulator_port": simulator_port,
    }


def _twilio(reader: _Reader) -> dict[str, object]:
    """Twilio's settings, each checked for its shape. A value may be personal or secret, so none is told."""
    tokens = reader.items("TWILIO_AUTH_TOKEN")
    well_formed = tokens and all(re.fullmatch("[!-~]+", token) for token in tokens)
    if reader.text("TWILIO_AUTH_TOKEN") and not well_formed:
        reader.problems.append(
            "TWILIO_AUTH_TOKEN must be letters and digits, as the Twilio console shows it."
        )
    return {
        "twilio_account_sid": reader.shaped(
            "TWILIO_ACCOUNT_SID", "AC[0-9a-fA-F]{32}", "AC and 32 letters a to f or digits"
        ),
        "twilio_auth_token": tokens[0] if tokens else None,
        "twilio_other_auth_tokens": tokens[1:],
        "twilio_num": reader.shaped(
            "TWILIO_NUM",
            r"\+[1-9][0-9]{6,14}|[0-9]{5,6}",
            "a number such as +15005550006 without spaces, or a short code",
        ),
        "twilio_messaging_service_sid": reader.shaped(
            "TWILIO_MESSAGING_SERVICE_SID", "MG[0-9a-fA-F]{32}", "MG and 32 letters a to f or digits"
        ),
        "twilio_base_url": reader.address("TWILIO_BASE_URL"),
    }


def _plaid_products(reader: _Reader) -> tuple[str, ...]:
    """The products Link asks for. `auth` makes Link show only checking and savings, so it is left out."""
    products = reader.codes("PLAID_PRODUCTS", "transactions", "[a-z_]+", "product names", str.lower)
    if "auth" not in products:
        return products
    reader.warnings.append("PLAID_PRODUCTS: auth was left out, because with it Link hides cards and loans.")
    return tuple(product for product in products if product != "auth") or ("transactions",)


def _database_url(reader: _Reader, app_env: str, instance_dir: Path) -> str:
    """The database's address in SQLAlchemy's form. Both of Postgres' schemes name psycopg2 there, because a
    bare postgresql:// means another driver since SQLAlchemy 2.1, and Heroku still says postgres://."""
    value = reader.text("DATABASE_URL")
    if value is None:
        if app_env == "production":
            reader.problems.append(
                "DATABASE_URL is missing: name a database, such as postgresql://user@host/name."
            )
        return f"sqlite:///{instance_dir / 'cashview.db'}"
    scheme, separator, rest = value.partition("://")
    if scheme in ("postgres", "postgresql"):
        scheme = "postgresql+psycopg2"
    if not separator or scheme not in ("postgresql+psycopg2", "sqlite"):
        reader.problems.append("DATABASE_URL must start with postgresql://, postgres:// or sqlite:///.")
    if scheme == "sqlite" and app_env == "production" and reader.text("DYNO"):
        reader.problems.append(
            "DATABASE_URL is SQLite, but a dyno's disk is emptied daily: add Heroku Postgres."
        )
    return f"{scheme}://{rest}"


def _check_together(reader: _Reader, values: dict[str, object]) -> None:
    """What concerns secrets, and settings that need one another."""
    production = values["app_env"] == "production"
    _check_secret_key(reader, production)
    _check_encryption_keys(reader, production)
    _check_plaid(reader)
    _check_twilio(reader)
    for name in ("PLAID_REDIRECT_URI", "PLAID_WEBHOOK_URL"):
        url = reader.text(name)
        simulated = is_loopback(str(values["plaid_base_url"] or ""))
        if url and _split(url) and not simulated and not is_public_https(url):
            reader.warnings.append(f"{name} is not a public https address and will not be sent to Plaid.")


_GENERATE = {
    "SECRET_KEY": "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    "ENCRYPTION_KEYS": "python3 -c 'import base64, os; "
    "print(base64.urlsafe_b64encode(os.urandom(32)).decode())'",
}


def _check_secret_key(reader: _Reader, production: bool) -> None:
    key = reader.text("SECRET_KEY")
    hint = f"Make one with: {_GENERATE['SECRET_KEY']}"
    if key is None:
        reader.problems.append(f"SECRET_KEY is missing. {hint}")
    elif production and (len(key) < 32 or len(set(key)) < 8 or _PLACEHOLDERS.search(key)):
        reader.problems.append(f"SECRET_KEY is weak: it needs 32 or more random characters. {hint}")


def _check_encryption_keys(reader: _Reader, production: bool) -> None:
    keys = reader.items("ENCRYPTION_KEYS")
    hint = f"Make one with: {_GENERATE['ENCRYPTION_KEYS']}"
    if not keys:
        reader.problems.append(f"ENCRYPTION_KEYS is missing. {hint}")
    for position, key in enumerate(keys, 1):
        raw = _fernet_bytes(key)
        if raw is None:
            reader.problems.append(
                f"ENCRYPTION_KEYS: key {position} is not 32 bytes in urlsafe base64. {hint}"
            )
        elif production and len(set(raw)) < 16:
            reader.problems.append(f"ENCRYPTION_KEYS: key {position} is weak: it is not random. {hint}")


def _fernet_bytes(key: str) -> bytes | None:
    """The 32 bytes of a Fernet key, or None. The urlsafe alphabet only, as `cryptography` wants it."""
    try:
        raw = base64.b64decode(key, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == 32 else None


def _check_plaid(reader: _Reader) -> None:
    has_secret = any(reader.text(name) for name in ("PLAID_SECRET", "PLAID_SANDBOX_SECRET"))
    if has_secret and not reader.text("PLAID_CLIENT_ID"):
        reader.problems.append("PLAID_CLIENT_ID is missing though a Plaid secret is set.")
    if reader.text("PLAID_CLIENT_ID") and not has_secret:
        reader.problems.append(
            "PLAID_CLIENT_ID is set, but neither PLAID_SANDBOX_SECRET nor PLAID_SECRET is."
        )
    if not has_secret:
        reader.warnings.append(
            "No Plaid keys are set: no account type is offered and no institution can be linked."
        )


def _check_twilio(reader: _Reader) -> None:
    """All of Twilio's settings that sending needs, or none."""
    senders = ("TWILIO_NUM", "TWILIO_MESSAGING_SERVICE_SID")
    needed = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]
    there = [name for name in (*needed, *senders) if reader.text(name)]
    if not there:
        return
    missing = [name for name in needed if not reader.text(name)]
    if not any(reader.text(name) for name in senders):
        missing.append(" or ".join(senders))
    if missing:
        reader.problems.append(
            f"Twilio is set up by half: {there[0]} is set, {', '.join(missing)} is missing."
        )
