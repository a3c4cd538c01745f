"""Which Chromium the browser tests drive, and which tests those are.

pyproject.toml loads this as a pytest plugin: every test that uses Playwright gets the marker `browser`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

HOW_TO_GET = (
    "sudo apt-get install chromium   (or, without root: .venv/bin/python -m playwright install chromium)"
)


def find_chromium() -> str | None:
    """The path of the system's Chromium, else of the one that Playwright downloaded, else None."""
    return shutil.which("chromium") or _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what -m does not name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "playwright" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
