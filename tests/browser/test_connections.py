"""What a person sees of their connections: reconnecting, expiring, choosing, withdrawn, linked anew, OAuth."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Person
from tests.simulator.controls import ask
from tests.support.server import AppServer
from tests.support.simulator import SimulatorProcess

BANK, OAUTH_BANK = "First Platypus Bank", "Platypus OAuth Bank"


@pytest.fixture(autouse=True)
def back_to_normal(simulator: SimulatorProcess) -> Iterator[None]:
    yield
    assert ask(simulator, "POST", "/scenarios/back_to_normal")[0] == 200


def change(server: AppServer, card: Locator, **columns: object) -> None:
    """As if time had passed, or a webhook had come."""
    number = card.get_attribute("data-institution-id")
    path = Path(server.environ["INSTANCE_DIR"]) / "cashview.db"
    names = ", ".join(f"{name} = ?" for name in columns)
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        query = f"UPDATE financial_institutions SET {names} WHERE id = ?"
        assert connection.execute(query, (*columns.values(), number)).rowcount == 1


def play(person: Person, simulator: SimulatorProcess, card: Locator, scenario: str) -> None:
    """At the person's own Item, which is the newest one of the bank."""
    status, overview = ask(simulator, "GET", "/switches")
    assert status == 200
    items = [each for each in overview["items"] if each["institution_name"] in (BANK, OAUTH_BANK)]
    newest = max(items, key=lambda each: each["linked_at"])
    assert ask(simulator, "POST", f"/scenarios/{scenario}", {"item_id": newest["item_id"]})[0] == 200


def refresh(person: Person, server: AppServer, card: Locator) -> None:
    change(server, card, realtime_at=None)
    person.go()
    with person.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        card.get_by_role("button", name="Refresh").click()
    expect(card).to_have_attribute("data-working", "false")


def track(person: Person, card: Locator) -> None:
    card.get_by_role("link", name="Create budget tracker for Plaid Checking").click()
    person.page.get_by_label("Monthly budget").fill("400")
    person.page.get_by_label("Days between texts").fill("1")
    person.button("Create budget tracker").click()
    expect(card.get_by_role("group", name="Budget tracker of Plaid Checking")).to_be_visible()


def need(card: Locator, words: str) -> Locator:
    return card.get_by_role("button", name=re.compile(f"^{words}"))


def test_reconnecting_clears_the_warning_without_a_reload(
    person: Person, server: AppServer, simulator: SimulatorProcess
) -> None:
    person.sign_up()
    card = person.link_bank()
    play(person, simulator, card, "bank_asks_to_log_in_again")
    refresh(person, server, card)
    expect(card).to_contain_text("Sign in again")
    person.check()
    person.page.evaluate("window.same = true")

    need(card, "Reconnect").click()
    person.sign_in_to_bank()
    person.press_in_link("Finish")
    expect(card).to_have_attribute("data-working", "false")
    expect(card.get_by_text("Healthy", exact=True)).to_be_visible()
    expect(need(card, "Reconnect")).to_have_count(0)
    assert person.page.evaluate("window.same") is True
    assert person.page.locator("article[data-institution-id]").count() == 1
    person.check()


def test_leaving_link_changes_nothing(people: Callable[..., Person], server: AppServer) -> None:
    person = people()
    person.sign_up()
    card = person.link_bank()
    change(server, card, state="needs_login", error_code="ITEM_LOGIN_REQUIRED")
    person.go()
    need(card, "Reconnect").click()
    person.link.get_by_label("Username").wait_for()
    person.page.keyboard.press("Escape")
    person.press_in_link("Leave")
    expect(need(card, "Reconnect")).to_be_focused()
    expect(card).to_contain_text("Sign in again")


def test_an_end_is_said_ahead_and_renewed(
    person: Person, server: AppServer, simulator: SimulatorProcess
) -> None:
    person.sign_up()
    card = person.link_bank()
    play(person, simulator, card, "access_expires_soon")
    refresh(person, server, card)
    expect(card.locator(".badge")).to_contain_text(re.compile(r"Expires on \w+, \w+ \d+"))
    expect(card).to_contain_text("Your access at the bank ends on")
    person.go("/connections")
    row = person.page.get_by_role("listitem").filter(has=person.page.get_by_role("heading", name=BANK))
    expect(row).to_contain_text("Access endson")
    expect(person.page.locator(".calendar > li:not(.is-empty)")).to_contain_text(BANK)
    person.check()

    row.get_by_role("button", name=re.compile("^Reconnect")).click()
    person.sign_in_to_bank()
    person.press_in_link("Finish")
    expect(row).to_contain_text("Nothing to do.")
    expect(row).to_contain_text("no end is known")
    person.check()


def test_new_accounts_are_chosen_and_others_forgotten(
    person: Person, server: AppServer, simulator: SimulatorProcess
) -> None:
    person.sign_up()
    card = person.link_bank()
    before = card.locator("[data-account-id]").count()
    play(person, simulator, card, "a_new_account_is_found")
    change(server, card, new_accounts_at=datetime.now(UTC).replace(tzinfo=None).isoformat(" "))
    person.go()
    expect(card).to_contain_text("The bank has accounts that CashView does not see yet")
    expect(card.locator(".badge").first).to_have_text("New accounts found")
    person.check()

    need(card, "Choose accounts").click()
    person.sign_in_to_bank()
    holiday, saving = (
        person.link.get_by_role("checkbox", name=re.compile(name)) for name in ("Holiday", "Plaid Saving")
    )
    expect(holiday).to_be_checked()
    saving.uncheck()
    person.press_in_link("Continue")
    person.press_in_link("Finish")
    expect(card).to_contain_text("Holiday Savings")
    expect(card).to_have_attribute("data-working", "false")
    expect(card).not_to_contain_text("Plaid Saving")
    assert card.locator("[data-account-id]").count() == before
    expect(need(card, "Choose accounts")).to_have_count(0)
    assert "closed at the bank" not in card.inner_text()


def test_withdrawn_access_leaves_a_card_that_says_so(
    person: Person, server: AppServer, simulator: SimulatorProcess
) -> None:
    person.sign_up()
    card = person.link_bank()
    track(person, card)
    play(person, simulator, card, "access_withdrawn_at_the_bank")
    refresh(person, server, card)
    expect(card).to_contain_text("Access ended")
    expect(card).to_contain_text("everything it had given is deleted here")
    assert card.locator("[data-account-id]").count() == 0
    expect(need(card, "Link it anew")).to_be_visible()
    expect(card).to_contain_text("your budget tracker of $400.00 a month on Plaid Checking")
    person.check()
    card.locator("[data-key=more]").click()
    card.get_by_role("button", name="Delete institution…").click()
    dialog = person.page.get_by_role("dialog")
    expect(dialog).to_contain_text("What is left of it will go from CashView.")
    dialog.get_by_role("button", name="Keep it").click()
    person.go("/connections")
    expect(person.page.get_by_text("it has ended")).to_be_visible()
    expect(person.page.get_by_text("Nothing is known to end in the coming twelve months.")).to_be_visible()
    person.check()


def test_linked_anew_the_tracker_moves_over(
    person: Person, server: AppServer, simulator: SimulatorProcess
) -> None:
    """A bank that refuses to renew a connection: linked anew, every account has another id."""
    person.sign_up()
    card = person.link_bank()
    old = card.get_attribute("data-institution-id")
    track(person, card)
    play(person, simulator, card, "bank_wants_a_new_link")
    refresh(person, server, card)  # real-time numbers are not asked for again within the minute
    need(card, "Reconnect").click()
    person.sign_in_to_bank()
    expect(person.link.get_by_role("heading", name="This connection can't be renewed")).to_be_visible()
    person.page.keyboard.press("Escape")
    person.press_in_link("Leave")
    expect(need(card, "Link it anew")).to_be_visible()

    person.refused.add(409)
    need(card, "Link it anew").click()
    person.press_in_link("Continue")
    person.choose_in_link(BANK)
    person.sign_in_to_bank()
    person.finish_link()
    dialog = person.page.get_by_role("dialog", name="Is this the same login")
    expect(dialog).to_contain_text("can move over")
    person.check()
    dialog.get_by_role("button", name="Link it anew").click()
    cards = person.page.locator("article[data-institution-id]")
    expect(cards).to_have_count(2)
    fresh = cards.filter(has_not=person.page.locator(f"#institution-{old}-name"))
    expect(fresh).to_have_attribute("data-working", "false")
    refresh(person, server, fresh)  # its history is complete by now
    twice = person.page.locator("[data-slot=twice]")
    expect(twice).to_contain_text(f"{BANK} is linked twice")
    person.check()
    person.page.locator(f"#institution-{old}").get_by_role("link", name=re.compile("^Move over")).click()
    person.check()
    expect(person.page.get_by_label("Is now (for Plaid Checking)")).not_to_have_value("")
    person.button("Yes, move over").click()
    expect(person.page.get_by_role("status").first).to_contain_text("has moved over")
    person.check()
    person.go()
    expect(cards).to_have_count(1)
    expect(twice).to_have_count(0)
    expect(cards.get_by_role("group", name="Budget tracker of Plaid Checking")).to_contain_text("$400.00")
    assert cards.get_attribute("data-institution-id") != old


def test_an_oauth_bank_is_linked_by_its_own_page(person: Person) -> None:
    person.sign_up()
    person.open_link()
    person.choose_in_link(OAUTH_BANK)
    expect(person.page).to_have_url(re.compile("/link/oauth/bank"))
    expect(person.page.get_by_role("heading")).to_contain_text("Share your accounts with CashView?")
    person.check()
    person.page.get_by_role("button", name="Allow", exact=True).click()
    expect(person.page).to_have_url(re.compile(r"/oauth-return\?oauth_state_id=[0-9a-f-]+$"))
    person.finish_link()
    card = person.card(OAUTH_BANK)
    expect(card).to_have_attribute("data-working", "false")
    expect(card).to_contain_text("Plaid Checking")
    person.check()


def test_an_oauth_bank_is_reconnected_by_its_own_page(
    people: Callable[..., Person], server: AppServer
) -> None:
    person = people()
    person.sign_up()
    person.open_link()
    person.choose_in_link(OAUTH_BANK)
    person.page.get_by_role("button", name="Allow", exact=True).click()
    person.finish_link()
    card = person.card(OAUTH_BANK)
    expect(card).to_have_attribute("data-working", "false")
    change(server, card, state="needs_login", error_code="ITEM_LOGIN_REQUIRED")
    person.go()
    need(card, "Reconnect").click()
    person.page.get_by_role("button", name="Allow", exact=True).click()
    person.press_in_link("Finish")
    expect(card.get_by_text("Healthy", exact=True)).to_be_visible()
    assert person.page.locator("article[data-institution-id]").count() == 1


def test_an_oauth_bank_that_renews_nothing_asks_for_a_new_link(
    person: Person, server: AppServer, simulator: SimulatorProcess
) -> None:
    person.sign_up()
    person.open_link()
    person.choose_in_link(OAUTH_BANK)
    person.page.get_by_role("button", name="Allow", exact=True).click()
    person.finish_link()
    card = person.card(OAUTH_BANK)
    expect(card).to_have_attribute("data-working", "false")
    play(person, simulator, card, "bank_wants_a_new_link")
    refresh(person, server, card)
    need(card, "Reconnect").click()
    person.page.get_by_role("button", name="Allow", exact=True).click()
    expect(person.link.get_by_role("heading", name="This connection can't be renewed")).to_be_visible()
    with person.page.expect_response(lambda answer: answer.url.endswith("/reconnected")):
        person.press_in_link("Exit")
    expect(person.page.get_by_role("status").first).to_contain_text("does not renew this connection")
    person.check()
    person.page.get_by_role("link", name="To the overview").click()
    expect(need(card, "Link it anew")).to_be_visible()


def test_no_at_the_bank_changes_nothing(people: Callable[..., Person]) -> None:
    person = people()
    person.sign_up()
    person.open_link()
    person.choose_in_link(OAUTH_BANK)
    person.button("Don't allow").click()
    person.press_in_link("Exit")
    expect(person.page.get_by_role("status").first).to_contain_text("Nothing was changed")
    person.page.get_by_role("link", name="To the overview").click()
    assert person.page.locator("article[data-institution-id]").count() == 0


def test_back_in_another_browser_it_says_what_to_do(people: Callable[..., Person], width: str) -> None:
    person = people(width)
    person.refused.add(400)
    person.go("/oauth-return?oauth_state_id=0d5c7b6e")
    expect(person.page.get_by_role("heading", level=1)).to_have_text("This sign-in cannot go on here")
    person.check()
