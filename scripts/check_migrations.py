"""Exit 1 unless migrating an empty database leads to exactly the tables that models.py describes."""

from __future__ import annotations

import base64
import os
import secrets
import tempfile

import flask_migrate

from app import create_app
from config import Settings


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_env(
            {
                "APP_ENV": "local",
                "INSTANCE_DIR": folder,
                "SECRET_KEY": secrets.token_urlsafe(48),
                "ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
                "LOG_LEVEL": "WARNING",
            }
        )
        with create_app(settings).app_context():
            flask_migrate.upgrade()
            flask_migrate.check()  # leaves with 1 and names the differences


if __name__ == "__main__":
    main()
