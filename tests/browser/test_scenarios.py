"""The demo user finds the switchboard from the banner, plays what can happen at a bank, and watches it here."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Person
from tests.browser.test_demo import enter_demo
from tests.simulator.controls import ask
from tests.support.server import AppServer
from tests.support.simulator import SimulatorProcess

BANK = "First Platypus Bank"


def play(person: Person, scenario: str, happened: str) -> None:
    """From the banner to the switchboard, one press, and back to the dashboard."""
    person.go()
    person.page.get_by_role("link", name="Open the simulator").click()
    person.page.get_by_role("link", name="Open the switchboard").click()
    newest = person.page.get_by_label("Play it at").get_by_role("option", name=re.compile(BANK)).first
    person.page.get_by_label("Play it at").select_option(newest.get_attribute("value"))
    person.page.get_by_role("button", name=f"Play {scenario}").click()
    expect(person.page.get_by_role("status")).to_contain_text(happened)
    person.go()


def refresh(person: Person) -> None:
    """Press Refresh on the bank's card, and wait until the reading is done."""
    card = person.card(BANK)
    id_ = card.get_attribute("data-institution-id") or ""
    with person.page.expect_response(lambda answer: answer.request.method == "PATCH") as told:
        card.get_by_role("button", name="Refresh").click()
    assert told.value.status == 202
    wait_until_read(person.server, id_)
    expect(card).to_have_attribute("data-working", "false")


def wait_until_read(server: AppServer, institution_id: str) -> None:
    """Until what was asked for has been read and written. The card alone does not tell: it says that nothing is being
    worked on also in the moment before it has heard of the press."""
    query = "SELECT due_at IS NULL AND lease_id IS NULL FROM financial_institutions WHERE id = ?"
    deadline = time.monotonic() + PATIENCE_MS / 1000
    with closing(database(server)) as connection:
        while connection.execute(query, (institution_id,)).fetchone() != (1,):
            assert time.monotonic() < deadline, "the bank was not read"
            time.sleep(0.05)


def let_a_minute_pass(server: AppServer, institution_id: str) -> None:
    """The bank may be asked again: as if its last real-time refresh were long ago."""
    with closing(database(server)) as connection, connection:
        query = "UPDATE financial_institutions SET realtime_at = NULL WHERE id = ?"
        assert connection.execute(query, (institution_id,)).rowcount == 1


def dinners(server: AppServer, institution_id: str) -> list[tuple[int, int, str | None]]:
    """The dinners as they stand in the database: amount (in 1/10000), whether pending, which row it replaced."""
    query = (
        "SELECT amount, pending, pending_transaction_id FROM transactions "
        "WHERE financial_institution_id = ? AND name = 'The Copper Kettle'"
    )
    with closing(database(server)) as connection:
        return connection.execute(query, (institution_id,)).fetchall()


def database(server: AppServer) -> sqlite3.Connection:
    return sqlite3.connect(Path(server.environ["INSTANCE_DIR"]) / "cashview.db", timeout=10)


def test_the_demo_user_plays_scenarios_and_watches(
    people: Callable[..., Person], server: AppServer, simulator: SimulatorProcess
) -> None:
    person = people()
    enter_demo(person)
    card = person.card(BANK)
    id_ = card.get_attribute("data-institution-id") or ""
    try:
        play(person, "Tip arrives", "$48.00 is pending on Everyday Checking")
        refresh(person)
        assert dinners(server, id_) == [(480_000, 1, None)]

        play(person, "Tip arrives", "posted at $57.60 on Everyday Checking")
        let_a_minute_pass(server, id_)
        refresh(person)
        ((amount, pending, replaced),) = dinners(server, id_)
        assert (amount, pending) == (576_000, 0)
        assert replaced

        before = card.locator("[data-account-id]").all_inner_texts()
        play(person, "Bank asks to log in again", f"{BANK} now asks to sign in again.")
        let_a_minute_pass(server, id_)
        refresh(person)
        expect(card.get_by_text("Sign in again", exact=True)).to_be_visible()
        expect(card).to_contain_text("The bank asks you to sign in again")
        assert card.locator("[data-account-id]").all_inner_texts() == before
        person.check()
    finally:
        assert ask(simulator, "POST", "/scenarios/back_to_normal")[0] == 200
