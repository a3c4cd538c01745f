"""Settings for tests: complete, made-up, and never from this machine's files."""

from __future__ import annotations

from config import Settings

VALUES = {
    "APP_ENV": "local",
    "SECRET_KEY": "only-for-tests-Zk3vQ8w1Xy7Lm2Np5Rt9",
    "ENCRYPTION_KEYS": "dGVzdHMtb25seS1rZXktMDEyMzQ1Njc4OWFiY2RlZiE=",
    "PLAID_CLIENT_ID": "simulator",
    "PLAID_SANDBOX_SECRET": "simulator-sandbox-secret",
    "PLAID_SECRET": "simulator-production-secret",
    "PLAID_BASE_URL": "http://127.0.0.1:9",  # the discard port: nothing answers unless a test says who does
    "PLAID_LINK_SCRIPT_URL": "http://127.0.0.1:9/link/v2/stable/link-initialize.js",
    "REFRESH_CONCURRENCY": "4",
}


def make_settings(**changes: str) -> Settings:
    """Settings from VALUES with these environment variables changed or added."""
    return Settings.from_env({**VALUES, **changes})
