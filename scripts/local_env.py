"""INSTANCE_DIR/local.env: what ./run writes down for one local copy of CashView, readable by its owner only.

Its upper part is made once and kept: secrets, APP_ENV, and whatever a person adds. Below the marker stand the
simulator's addresses and made-up keys, written anew at each start because the ports may have moved. They are
left out for a vendor that has keys or an address of its own: real keys and made-up ones never mix.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

MARKER = "# --- The bank simulator: ./run writes what follows anew at each start ---"
_HEAD = (
    "# Written by ./run. Whoever has ENCRYPTION_KEYS and the database can use the bank access tokens in it.\n"
)
OWN = {
    "plaid": ("PLAID_CLIENT_ID", "PLAID_SECRET", "PLAID_SANDBOX_SECRET", "PLAID_BASE_URL"),
    "twilio": (
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_NUM",
        "TWILIO_MESSAGING_SERVICE_SID",
        "TWILIO_BASE_URL",
    ),
}
"""The settings of each vendor: one that a person has set, and the simulator has no part in that vendor."""


class MissingKeysError(Exception):
    """There is a database, but not the keys that its encrypted columns were written with."""


def simulated_vendors(instance_dir: Path, given: Mapping[str, str]) -> tuple[str, ...]:
    """The vendors with neither keys nor an address, in the environment, .env or local.env's kept part."""
    known = {**_assignments(_kept_part(instance_dir / "local.env")), **given}
    return tuple(vendor for vendor, names in OWN.items() if not any(name in known for name in names))


def write(instance_dir: Path, given: Mapping[str, str], app_url: str, simulator_url: str) -> None:
    """Write local.env for a start with these settings in the environment and .env, and with CashView and the
    simulator at these addresses. MissingKeysError when new keys could not read the folder's database."""
    path = instance_dir / "local.env"
    kept = _kept_part(path)
    known = {**_assignments(kept), **given}
    database = instance_dir / "cashview.db"
    if "ENCRYPTION_KEYS" not in known and "DATABASE_URL" not in known and database.exists():
        raise MissingKeysError(database)
    kept += _lines({name: value for name, value in _made_up().items() if name not in known})
    simulated = simulated_vendors(instance_dir, given)
    settings = {
        **(_plaid(app_url, simulator_url) if "plaid" in simulated else {}),
        **(_twilio(app_url, simulator_url) if "twilio" in simulated else {}),
    }
    block = _lines({name: value for name, value in settings.items() if name not in known})
    _replace(path, f"{kept}\n{MARKER}\n{block}" if block else kept)


def _lines(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _kept_part(path: Path) -> str:
    """What stands above the marker, with a line's end at its end."""
    text = path.read_text() if path.exists() else _HEAD
    return text.partition(MARKER)[0].rstrip("\n") + "\n"


def _assignments(text: str) -> dict[str, str]:
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value}


def _made_up() -> dict[str, str]:
    """What a new copy needs: the secrets differ between any two."""
    return {
        "APP_ENV": "local",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
    }


def _plaid(app_url: str, url: str) -> dict[str, str]:
    """The keys are the simulator's and protect nothing: it only listens on this machine. It sends its webhooks, and
    people who sign in at a bank's own page, to CashView's own address."""
    return {
        "PLAID_BASE_URL": url,
        "PLAID_LINK_SCRIPT_URL": f"{url}/link/v2/stable/link-initialize.js",
        "PLAID_REDIRECT_URI": f"{app_url}/oauth-return",
        "PLAID_CLIENT_ID": "simulator",
        "PLAID_SANDBOX_SECRET": "simulator-sandbox-secret",
        "PLAID_SECRET": "simulator-production-secret",
        "PLAID_WEBHOOK_URL": f"{app_url}/webhooks/plaid",
    }


def _twilio(app_url: str, url: str) -> dict[str, str]:
    """The same for texts. Status callbacks and replies come to PUBLIC_BASE_URL, and are signed for it."""
    return {
        "TWILIO_BASE_URL": url,
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
        "TWILIO_AUTH_TOKEN": "simulator-auth-token",
        "TWILIO_NUM": "+15005550006",
        "PUBLIC_BASE_URL": app_url,
    }


def _replace(path: Path, text: str) -> None:
    """Replace the file in one step; nobody else can read it at any moment."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
