"""The whole way of a tracker, as a person goes it: link, budget, consent, code, the job, the text on the phone, its
outcome on the page, STOP, and no text any more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Person
from tests.browser.test_budgets import create, row_of
from tests.browser.test_texts import phone, reload_until, reply, server, verified  # noqa: F401 - fixtures
from tests.support.server import AppServer

TEXT = re.compile(
    r"CashView: .*you ha(ve|d) spent \$[\d,.]+ of your \$9,000\.00 budget for Plaid Checking this month"
)


def run_jobs(server: AppServer, days_ahead: int) -> dict[str, Any]:  # noqa: F811
    """The texts part of the jobs at noon in Chicago, some days from now (the clean-up of that day would end this
    browser's session); its last line."""
    noon = (datetime.now(UTC) + timedelta(days=days_ahead)).replace(
        hour=18, minute=0, second=0, microsecond=0
    )
    done = server.command("scheduled_jobs.py", "--only", "texts", "--at", noon.isoformat(), timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def tracked(person: Person, phone: Callable[[str], Page]) -> tuple[str, Locator]:  # noqa: F811
    """Somebody with a verified number and a budget on a linked account: the number, and the account's row."""
    number = verified(person, phone)
    person.go("/")
    person.page.wait_for_load_state("load")
    person.link_bank()
    checking = row_of(person, "Plaid Checking")
    create(person, checking, "9000", "1")
    return number, checking


def test_from_a_budget_to_a_text_and_to_stop(
    person: Person,
    tracked: tuple[str, Locator],
    server: AppServer,  # noqa: F811
    phone: Callable[[str], Page],  # noqa: F811
) -> None:
    number, checking = tracked
    expect(checking).to_contain_text("left")
    person.check()

    checking.get_by_role("link", name=re.compile("Why this number")).click()
    expect(person.page.get_by_role("heading", level=1)).to_contain_text("Spending in")
    expect(person.page.get_by_role("table")).to_contain_text("Starbucks")
    expect(person.page.get_by_role("table")).to_contain_text("Refund")
    person.check()

    assert run_jobs(server, days_ahead=1)["texts"]["sent"] == 1
    tab = phone(number)
    arrived = tab.get_by_role("log").get_by_text(TEXT)
    expect(arrived).to_be_visible()
    expect(arrived).to_contain_text("Reply STOP to opt out.")

    person.go("/users/texts")
    expect(person.page.get_by_text(TEXT).first).to_be_visible()
    reload_until(person, re.compile("Delivered|Arrived", re.IGNORECASE))
    person.check()

    assert run_jobs(server, days_ahead=1)["texts"] == {
        "sent": 0, "unknown": 0, "skipped": 0, "failed": 0, "pending": 0,
    }  # fmt: skip

    reply(tab, "STOP")
    person.go("/users/texts")
    reload_until(person, re.compile("START"))
    assert run_jobs(server, days_ahead=2)["texts"]["skipped"] == 1
    person.go("/")
    expect(row_of(person, "Plaid Checking")).to_contain_text(
        re.compile("STOP|START|opted out", re.IGNORECASE)
    )
    person.check()
