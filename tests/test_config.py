"""Settings: what is accepted, what is refused, and that nothing secret is shown."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import FrozenInstanceError
from itertools import pairwise
from pathlib import Path

import pytest
from dotenv import dotenv_values

from config import (
    BASE_DIR,
    PLAID_LINK_SCRIPT,
    SETTING_NAMES,
    ConfigError,
    Settings,
    is_loopback,
    is_public_https,
    load_environ,
    read_ports,
)

FERNET_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.urlsafe_b64encode(bytes(range(100, 132))).decode()
SECRET_KEY = "Zk2-8uQw_rT5yNc7vB1mXp4aLs9dFg0hJe3iOb6n"
LOCAL = {"APP_ENV": "local", "SECRET_KEY": SECRET_KEY, "ENCRYPTION_KEYS": FERNET_KEY}
PRODUCTION = {
    "SECRET_KEY": SECRET_KEY,
    "ENCRYPTION_KEYS": FERNET_KEY,
    "DATABASE_URL": "postgresql://db/cashview",
}
PLAID = {
    "PLAID_CLIENT_ID": "client-id",
    "PLAID_SECRET": "production-s3cret",
    "PLAID_SANDBOX_SECRET": "sandbox-s3cret",
}


def local(**more: str) -> Settings:
    return Settings.from_env({**LOCAL, **more})


def production(**more: str) -> Settings:
    return Settings.from_env({**PRODUCTION, **more})


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ)
    return caught.value.problems


# What is written where


def test_the_example_file_names_every_setting_and_no_other():
    assert set(dotenv_values(BASE_DIR / ".env.example")) == set(SETTING_NAMES)


def test_a_copy_of_the_example_file_changes_nothing():
    example = {name: value or "" for name, value in dotenv_values(BASE_DIR / ".env.example").items()}
    assert not any(example.values())
    assert Settings.from_env({**example, **LOCAL}) == local()


def test_every_setting_is_explained_above_its_line():
    lines = (BASE_DIR / ".env.example").read_text().splitlines()
    settings = [(above, line) for above, line in pairwise(lines) if re.match(r"[A-Z_]+=", line)]
    assert len(settings) == len(SETTING_NAMES)
    assert [line for above, line in settings if not above.startswith("# ")] == []


def test_defaults():
    settings = local()
    assert (settings.port, settings.simulator_port) == (5000, 5001)
    assert settings.instance_dir == BASE_DIR / "instance"
    assert settings.database_url == f"sqlite:///{BASE_DIR}/instance/cashview.db"
    assert settings.plaid_products == ("transactions",)
    assert settings.plaid_country_codes == ("US", "CA")
    assert settings.plaid_link_script_url == PLAID_LINK_SCRIPT
    assert settings.lease_seconds == 300
    assert settings.demo_enabled is True
    assert settings.trust_proxy is False
    assert settings.trusted_hosts == ()
    assert settings.log_level == "INFO"
    assert settings.ratelimit_storage_uri == "memory://"


def test_production_is_what_runs_unless_said_otherwise():
    assert production().app_env == "production"
    assert production().is_production
    assert not local().is_production


# What is refused


def test_every_problem_is_reported_at_once():
    found = problems(
        {
            "APP_ENV": "staging",
            "PORT": "eighty",
            "DEMO_ENABLED": "maybe",
            "LOG_LEVEL": "chatty",
            "PLAID_BASE_URL": "http://plaid.example.com",
            "TWILIO_AUTH_TOKEN": "token",
        }
    )
    for name in ("APP_ENV", "PORT", "DEMO_ENABLED", "LOG_LEVEL", "PLAID_BASE_URL", "TWILIO_ACCOUNT_SID"):
        assert any(name in problem for problem in found), name
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL"):
        assert any(problem.startswith(f"{name} is missing") for problem in found), name
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({})
    assert all(problem in str(caught.value) for problem in caught.value.problems)


@pytest.mark.parametrize(
    "more, named",
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "short-but-Random-4711"}, "SECRET_KEY is weak"),
        ({"SECRET_KEY": "a" * 64}, "SECRET_KEY is weak"),
        ({"SECRET_KEY": "abababababcdcdcdcdcdcdababababababab"}, "SECRET_KEY is weak"),
        ({"SECRET_KEY": "please-change-me-please-change-me-now"}, "SECRET_KEY is weak"),
        ({"SECRET_KEY": "you-will-never-guess-my-secret-key-4u"}, "SECRET_KEY is weak"),
        ({"ENCRYPTION_KEYS": " , "}, "ENCRYPTION_KEYS is missing"),
        ({"ENCRYPTION_KEYS": "not a key"}, "key 1 is not 32 bytes"),
        ({"ENCRYPTION_KEYS": f"{FERNET_KEY},{FERNET_KEY[:-4]}"}, "key 2 is not 32 bytes"),
        ({"ENCRYPTION_KEYS": "A" * 43 + "="}, "key 1 is weak"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing"),
        ({"DATABASE_URL": "mysql://db/cashview"}, "DATABASE_URL must start with"),
        ({"DATABASE_URL": "cashview.db"}, "DATABASE_URL must start with"),
        ({"DATABASE_URL": "sqlite:////srv/cashview.db", "DYNO": "web.1"}, "a dyno's disk"),
    ],
)
def test_production_refuses(more: dict[str, str], named: str):
    found = problems({**PRODUCTION, **more})
    assert len(found) == 1
    assert named in found[0]


def test_local_wants_keys_too_but_not_strong_ones():
    assert len(problems({"APP_ENV": "local"})) == 2
    assert local(SECRET_KEY="dev").secret_key == "dev"


def test_production_may_use_sqlite_where_the_disk_stays():
    assert production(DATABASE_URL="sqlite:////srv/cashview.db").database_url == "sqlite:////srv/cashview.db"


@pytest.mark.parametrize(
    "name, value",
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "5000.0"),
        ("SIMULATOR_PORT", "5000"),
        ("LEASE_SECONDS", "0"),
        ("REFRESH_CONCURRENCY", "many"),
        ("TRUST_PROXY", "1"),
        ("DEMO_ENABLED", "yes"),
        ("PLAID_PRODUCTS", "transactions,Liabilities!"),
        ("PLAID_COUNTRY_CODES", "US,Canada"),
        ("PLAID_COUNTRY_CODES", ","),
        ("CELERY_BROKER_URL", "localhost"),
        ("RATELIMIT_STORAGE_URI", "memory"),
        ("PLAID_REDIRECT_URI", "cash.example.com"),
        ("PLAID_WEBHOOK_URL", "ftp://cash.example.com/"),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused(name: str, value: str):
    found = problems({**LOCAL, name: value})
    assert len(found) == 1
    assert name in found[0]


@pytest.mark.parametrize(
    "name", ["PLAID_BASE_URL", "TWILIO_BASE_URL", "PUBLIC_BASE_URL", "PLAID_LINK_SCRIPT_URL"]
)
@pytest.mark.parametrize(
    "value, good",
    [
        ("https://bank.example.com", True),
        ("https://bank.example.com:8443", True),
        ("http://127.0.0.1:5001", True),
        ("http://127.8.9.10", True),
        ("http://localhost:5001", True),
        ("http://[::1]:5001", True),
        ("http://bank.example.com", False),
        ("http://192.168.1.4:5001", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("https://user:password@bank.example.com", False),
        ("https://127.0.0.1@bank.example.com", False),
        ("https://bank.example.com; script-src *", False),
        ("https://bank.example.com:port", False),
        ("https://", False),
        ("javascript:alert(1)", False),
    ],
)
def test_addresses_are_https_or_this_machine(name: str, value: str, good: bool):
    environ = {**LOCAL, name: value}
    if good:
        assert getattr(Settings.from_env(environ), name.lower()) == value
    else:
        assert name in problems(environ)[0]


def test_a_base_url_has_no_slash_at_its_end_and_no_query():
    assert local(PUBLIC_BASE_URL="https://cash.example.com/").public_base_url == "https://cash.example.com"
    assert "PUBLIC_BASE_URL" in problems({**LOCAL, "PUBLIC_BASE_URL": "https://cash.example.com/?a=b"})[0]
    registered = "https://cash.example.com/link/"  # Plaid compares it letter by letter
    assert local(PLAID_REDIRECT_URI=registered).plaid_redirect_uri == registered


ACCOUNT_SID, SERVICE_SID = "AC" + "0a" * 16, "MG" + "3C" * 16
TWILIO = {"TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": "token", "TWILIO_NUM": "+15005550006"}


def test_half_of_twilio_is_refused_and_all_of_it_turns_texts_on():
    assert local().texting_enabled is False
    assert "TWILIO_AUTH_TOKEN, TWILIO_NUM or" in problems({**LOCAL, "TWILIO_ACCOUNT_SID": ACCOUNT_SID})[0]
    assert local(**TWILIO).texting_enabled
    without_number = {**TWILIO, "TWILIO_NUM": "", "TWILIO_MESSAGING_SERVICE_SID": SERVICE_SID}
    assert local(**without_number).texting_enabled
    assert local(**{**TWILIO, "TWILIO_NUM": "123456"}).twilio_num == "123456"


@pytest.mark.parametrize(
    "name, value",
    [
        ("TWILIO_ACCOUNT_SID", "AC1"),
        ("TWILIO_ACCOUNT_SID", SERVICE_SID),
        ("TWILIO_ACCOUNT_SID", f"SK{ACCOUNT_SID[2:]}"),
        ("TWILIO_ACCOUNT_SID", f"{ACCOUNT_SID}0"),
        ("TWILIO_MESSAGING_SERVICE_SID", ACCOUNT_SID),
        ("TWILIO_NUM", "5005550006"),
        ("TWILIO_NUM", "+1 500 555 0006"),
        ("TWILIO_NUM", "+05005550006"),
        ("TWILIO_NUM", "+1５００5550006"),
        ("TWILIO_NUM", "CASHVIEW"),
        ("TWILIO_NUM", "1234"),
        ("TWILIO_AUTH_TOKEN", "to ken"),
        ("TWILIO_AUTH_TOKEN", "tökén"),
        ("TWILIO_AUTH_TOKEN", ","),
    ],
)
def test_a_twilio_setting_of_the_wrong_shape_is_refused_without_being_told(name, value):
    found = problems({**LOCAL, **TWILIO, name: value})
    assert len(found) == 1
    assert found[0].startswith(f"{name} must be")
    assert value in (",", "5005550006") or value not in found[0]  # the second is part of the example


def test_requests_use_the_first_auth_token_and_webhooks_may_use_any():
    assert local().twilio_auth_tokens == ()
    assert local(**TWILIO).twilio_auth_tokens == ("token",)
    both = local(**{**TWILIO, "TWILIO_AUTH_TOKEN": "tiny-new, tiny-old"})
    assert both.twilio_auth_token == "tiny-new"
    assert both.twilio_auth_tokens == ("tiny-new", "tiny-old")
    assert "tiny" not in repr(both)


@pytest.mark.parametrize(
    "more, base",
    [
        ({}, None),
        ({"PUBLIC_BASE_URL": "https://cash.example.com/"}, "https://cash.example.com"),
        ({"PUBLIC_BASE_URL": "https://10.0.0.1"}, None),
        ({"PUBLIC_BASE_URL": "http://127.0.0.1:5000"}, None),
        (
            {"PUBLIC_BASE_URL": "http://127.0.0.1:5000", "TWILIO_BASE_URL": "http://127.0.0.1:5001"},
            "http://127.0.0.1:5000",
        ),
        ({"PUBLIC_BASE_URL": "https://10.0.0.1", "TWILIO_BASE_URL": "https://twilio.example.com"}, None),
    ],
)
def test_callbacks_are_asked_for_only_where_twilio_can_reach_us(more, base):
    assert local(**TWILIO, **more).twilio_callback_base_to_send == base


@pytest.mark.parametrize("alone", ["PLAID_CLIENT_ID", "PLAID_SECRET", "PLAID_SANDBOX_SECRET"])
def test_half_of_a_plaid_key_is_refused(alone: str):
    assert "PLAID_CLIENT_ID" in problems({**LOCAL, alone: PLAID[alone]})[0]


# What secrets look like from outside


def test_neither_settings_nor_errors_show_what_is_secret():
    secrets = {
        "SECRET_KEY": "tiny-SK",
        "ENCRYPTION_KEYS": "tiny-EK",
        "DATABASE_URL": "oracle://user:tiny-DB@host/name",
        "PLAID_SECRET": "tiny-PS",
        "TWILIO_AUTH_TOKEN": "tiny-TW",
        "CELERY_BROKER_URL": "tiny-CE",
        "RATELIMIT_STORAGE_URI": "tiny-RA",
        "PLAID_BASE_URL": "https://user:tiny-PB@plaid.example.com",
    }
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(secrets)
    assert len(caught.value.problems) >= len(secrets)
    assert "tiny" not in str(caught.value) + repr(caught.value)

    settings = local(
        **PLAID,
        DATABASE_URL="postgresql://user:hidden-DB@host/name",
        TWILIO_ACCOUNT_SID=ACCOUNT_SID,
        TWILIO_AUTH_TOKEN="hidden-TW",
        TWILIO_NUM="+15005550006",
        CELERY_BROKER_URL="redis://:hidden-CE@host/0",
        RATELIMIT_STORAGE_URI="redis://:hidden-RA@host/0",
    )
    shown = repr(settings) + str(settings) + f"{settings}"
    for secret in ("hidden", "s3cret", "client-id", "5005550006", ACCOUNT_SID, SECRET_KEY, FERNET_KEY):
        assert secret not in shown
    assert "port=5000" in shown


def test_settings_are_frozen():
    with pytest.raises(FrozenInstanceError):
        local().port = 1  # type: ignore[misc]


# What the values mean


@pytest.mark.parametrize(
    "given, meant",
    [
        ("postgres://u:p@host:5432/name", "postgresql+psycopg2://u:p@host:5432/name"),
        ("postgresql://host/name?sslmode=require", "postgresql+psycopg2://host/name?sslmode=require"),
        ("postgresql+psycopg2:///name?host=/run/pg", "postgresql+psycopg2:///name?host=/run/pg"),
        ("sqlite:////srv/cashview.db", "sqlite:////srv/cashview.db"),
    ],
)
def test_the_databases_address_names_psycopg2(given: str, meant: str):
    assert local(DATABASE_URL=given).database_url == meant


def test_encryption_keys_keep_their_order():
    assert local(ENCRYPTION_KEYS=f" {OTHER_KEY}, {FERNET_KEY},").encryption_keys == (OTHER_KEY, FERNET_KEY)


def test_booleans_numbers_and_lists():
    settings = local(
        DEMO_ENABLED="False", TRUST_PROXY="TRUE", PORT="8080", TRUSTED_HOSTS="a.example.com, b.example.com,"
    )
    assert (settings.demo_enabled, settings.trust_proxy) == (False, True)
    assert (settings.port, settings.simulator_port) == (8080, 8081)
    assert settings.trusted_hosts == ("a.example.com", "b.example.com")
    assert local(PLAID_COUNTRY_CODES="us, us ,gb").plaid_country_codes == ("US", "GB")
    assert local(PORT="65535").simulator_port == 65534


@pytest.mark.parametrize(
    "given, left",
    [
        ("transactions,auth", ("transactions",)),
        ("auth", ("transactions",)),
        ("Auth,investments", ("investments",)),
    ],
)
def test_auth_is_dropped_from_the_products_with_a_warning(given: str, left: tuple[str, ...]):
    settings = local(PLAID_PRODUCTS=given, **PLAID)
    assert settings.plaid_products == left
    assert len(settings.warnings) == 1
    assert "auth" in settings.warnings[0]


def test_without_plaid_keys_a_warning_says_what_will_not_work():
    assert "institution" in local().warnings[0]
    assert local(**PLAID).warnings == ()


@pytest.mark.parametrize(
    "without, offered",
    [
        ((), ("sandbox", "development")),
        (("PLAID_SECRET",), ("sandbox",)),
        (("PLAID_SANDBOX_SECRET",), ("development",)),
        (tuple(PLAID), ()),
    ],
)
def test_an_account_type_without_its_secret_is_not_offered(
    without: tuple[str, ...], offered: tuple[str, ...]
):
    assert (
        local(**{name: value for name, value in PLAID.items() if name not in without}).account_types_offered
        == offered
    )


def test_each_plaid_environment_has_its_own_secret_and_host():
    settings = local(**PLAID)
    assert settings.plaid_secret_for("sandbox") == PLAID["PLAID_SANDBOX_SECRET"]
    assert settings.plaid_secret_for("production") == PLAID["PLAID_SECRET"]
    assert settings.plaid_base_url_for("sandbox") == "https://sandbox.plaid.com"
    assert settings.plaid_base_url_for("production") == "https://production.plaid.com"
    for ask in (settings.plaid_secret_for, settings.plaid_base_url_for):
        with pytest.raises(KeyError):
            ask("development")


def test_one_base_url_replaces_both_hosts():
    settings = local(**PLAID, PLAID_BASE_URL="http://127.0.0.1:5001/")
    assert settings.simulated
    assert {settings.plaid_base_url_for(name) for name in ("sandbox", "production")} == {
        "http://127.0.0.1:5001"
    }
    assert not local(PLAID_BASE_URL="https://plaid.example.com").simulated
    assert not local().simulated


def test_addresses_are_sent_to_plaid_only_when_plaid_could_use_them():
    public = {
        "PLAID_REDIRECT_URI": "https://cash.example.com/r",
        "PLAID_WEBHOOK_URL": "https://cash.example.com/w",
    }
    private = {"PLAID_REDIRECT_URI": "http://127.0.0.1:5000/r", "PLAID_WEBHOOK_URL": "https://10.0.0.4/w"}
    simulator = {"PLAID_BASE_URL": "http://127.0.0.1:5001"}

    def sent(settings: Settings) -> tuple[str | None, str | None]:
        return settings.plaid_redirect_to_send, settings.plaid_webhook_to_send

    assert sent(local(**PLAID)) == (None, None)
    assert sent(local(**PLAID, **public)) == tuple(public.values())
    assert sent(local(**PLAID, **private)) == (None, None)
    assert len(local(**PLAID, **private).warnings) == 2
    assert sent(local(**PLAID, **private, **simulator)) == tuple(private.values())
    assert local(**PLAID, **private, **simulator).warnings == ()


def test_the_session_cookie_is_bound_to_https_only_in_production():
    assert (production().session_cookie_name, production().session_cookie_secure) == ("__Host-session", True)
    assert (local().session_cookie_name, local().session_cookie_secure) == ("session", False)


@pytest.mark.parametrize(
    "url, loopback, public",
    [
        ("https://cash.example.com/x", False, True),
        ("https://8.8.8.8/", False, True),
        ("http://cash.example.com/x", False, False),
        ("https://localhost:5000", True, False),
        ("https://127.0.0.1", True, False),
        ("https://10.1.2.3/", False, False),
        ("https://[::1]/", True, False),
        ("https://server.local/", False, False),
        ("https://intranet/", False, False),
    ],
)
def test_whose_address_it_is(url: str, loopback: bool, public: bool):
    assert is_loopback(url) is loopback
    assert is_public_https(url) is public


# Where settings come from


def test_the_process_wins_over_env_and_env_over_local_env(tmp_path: Path):
    (tmp_path / ".env").write_text("PORT=2\nLOG_LEVEL=DEBUG\nSECRET_KEY=\n")
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "local.env").write_text(
        "PORT=3\nLOG_LEVEL=ERROR\nAPP_ENV=local\nSECRET_KEY=a$b${c}\n"
    )
    before = dict(os.environ)
    environ = load_environ({"PORT": "1", "DATABASE_URL": ""}, tmp_path)
    assert environ == {"PORT": "1", "LOG_LEVEL": "DEBUG", "APP_ENV": "local", "SECRET_KEY": "a$b${c}"}
    assert dict(os.environ) == before


@pytest.mark.parametrize("set_in", ["process", ".env"])
def test_local_env_is_looked_for_in_the_instance_folder(tmp_path: Path, set_in: str):
    elsewhere = tmp_path / "other copy"
    elsewhere.mkdir()
    (elsewhere / "local.env").write_text("PORT=7\n")
    setting = {"INSTANCE_DIR": str(elsewhere)}
    if set_in == ".env":
        (tmp_path / ".env").write_text(f'INSTANCE_DIR="{elsewhere}"\n')
        setting = {}
    assert load_environ(setting, tmp_path)["PORT"] == "7"


def test_without_files_the_process_environment_is_all_there_is(tmp_path: Path):
    assert load_environ({"PORT": "1"}, tmp_path) == {"PORT": "1"}


def test_the_ports_are_read_before_there_are_secrets():
    assert read_ports({"PORT": "5300"}) == (5300, 5301)
    with pytest.raises(ConfigError, match="SIMULATOR_PORT"):
        read_ports({"SIMULATOR_PORT": "none"})
