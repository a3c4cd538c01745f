"""Linking, seeing, refreshing and deleting: numbers change in place, without a reload."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.conftest import Person


@pytest.fixture
def linked(person: Person) -> Person:
    """A person whose First Platypus Bank is linked with user_good."""
    person.sign_up()
    person.link_bank()
    return person


def mark(person: Person) -> None:
    """Something only a page that is not reloaded keeps."""
    person.page.evaluate("window.samePage = true")


def is_same_page(person: Person) -> bool:
    return person.page.evaluate("window.samePage === true")


def test_linking_shows_institution_accounts_totals_and_chart_without_a_reload(person: Person) -> None:
    person.sign_up()
    mark(person)
    card = person.link_bank()
    assert is_same_page(person)
    assert person.figure("net_worth") == "minus −$77,184.15"
    assert person.figure("holdings") == "plus +$81,091.74"
    expect(card.locator("[data-account-id]")).to_have_count(14)
    expect(card.get_by_text("Healthy")).to_be_visible()
    expect(person.page.locator("canvas[data-behavior=chart]")).to_be_visible()
    share = person.page.locator("table.share-table tbody tr")
    expect(share).to_have_count(1)
    expect(share).to_contain_text("100%")
    person.check()


def test_the_card_shows_every_kind_of_account_in_its_own_words(linked: Person) -> None:
    card = linked.card("First Platypus Bank")
    for label in ("Cash", "Credit cards", "Investments", "Loans"):
        expect(card.get_by_role("heading", name=label)).to_be_visible()
    row = card.locator("[data-account-id]", has_text="Plaid Business Credit Card")
    for words in (
        "9999",
        "$10,000.00",
        "$5,020.00",
        "$4,980.00",
        "Plaid Platinum Small Business Credit Card",
    ):
        expect(row).to_contain_text(words)
    unknown = card.locator("[data-account-id]", has_text="Plaid CD")
    expect(unknown).to_contain_text("unknown")
    expect(unknown).to_contain_text("$1,000.00")


def test_reading_goes_on_after_a_reload(person: Person) -> None:
    person.sign_up()
    person.open_link()
    person.choose_in_link("Tartan Bank")
    person.sign_in_to_bank()
    person.finish_link()
    card = person.card("Tartan Bank")
    expect(card).to_be_visible()
    person.page.reload()
    expect(card).to_have_attribute("data-working", "false")
    expect(card.locator("[data-account-id]")).to_have_count(14)


def test_wrong_credentials_are_said_in_link_and_nothing_is_linked(person: Person) -> None:
    person.sign_up()
    person.open_link()
    person.choose_in_link("First Platypus Bank")
    person.sign_in_to_bank("not the password")
    expect(person.link.get_by_role("alert").filter(has_text="incorrect")).to_be_visible()
    person.sign_in_to_bank()
    person.finish_link()
    expect(person.card("First Platypus Bank")).to_have_attribute("data-working", "false")


def test_a_bank_that_is_down_is_said_and_everything_stays(person: Person) -> None:
    person.sign_up()
    person.open_link()
    person.choose_in_link("First Platypus Bank")
    person.sign_in_to_bank("error_INSTITUTION_DOWN")
    person.press_in_link("Exit")
    expect(person.page.get_by_role("heading", name="Start with one institution")).to_be_visible()
    expect(person.page.locator("article[data-institution-id]")).to_have_count(0)
    person.check()


def test_closing_link_early_leaves_everything_as_it_was(person: Person) -> None:
    person.sign_up()
    person.open_link()
    person.press_in_link("Close")
    person.press_in_link("Leave")
    expect(person.page.get_by_role("heading", name="Start with one institution")).to_be_visible()
    expect(person.button("Link institution").first).to_be_focused()


def test_an_institution_already_linked_is_asked_about(linked: Person) -> None:
    linked.refused = {409}
    linked.open_link()
    linked.choose_in_link("First Platypus Bank")
    linked.sign_in_to_bank()
    linked.finish_link()
    expect(linked.page.get_by_role("heading", name="First Platypus Bank is already linked")).to_be_visible()
    linked.check()
    linked.button("Leave it as it is").click()
    expect(linked.page.locator("article[data-institution-id]")).to_have_count(1)


def test_refresh_brings_new_numbers_and_says_when_it_may_be_asked_again(linked: Person) -> None:
    card = linked.card("First Platypus Bank")
    mark(linked)
    card.get_by_role("button", name="Refresh").click()
    expect(card).to_have_attribute("data-working", "true")
    expect(card).to_have_attribute("data-working", "false")
    assert is_same_page(linked)
    linked.refused = {429}
    card.get_by_role("button", name="Refresh").click()
    expect(linked.page.get_by_text(re.compile("refreshed a moment ago"))).to_be_visible()
    expect(card.locator("[data-refresh]")).to_have_text(re.compile(r"Again in \d+ s"))
    expect(card.locator("[data-refresh]")).to_have_attribute("aria-disabled", "true")


def test_one_bank_needs_no_scrolling_in_its_table(linked: Person) -> None:
    box = linked.page.locator(".share-scroll")
    assert box.evaluate("each => getComputedStyle(each).overflowY") == "visible"
    linked.page.mouse.wheel(0, 400)
    linked.page.wait_for_timeout(200)
    after = box.locator("thead th").first.bounding_box(), box.locator("tbody tr").first.bounding_box()
    assert after[0]
    assert after[1]
    hidden = linked.page.viewport_size["width"] < 600  # on a phone each row names its own figures
    assert hidden or after[0]["y"] < after[1]["y"], (
        "the heading stays over its rows when the page is scrolled"
    )


def test_a_deleted_account_changes_the_numbers_and_stays_deleted_until_restored(linked: Person) -> None:
    card = linked.card("First Platypus Bank")
    mark(linked)
    card.get_by_role("button", name="Delete Plaid Mortgage").click()
    expect(linked.page.get_by_role("heading", name="Delete Plaid Mortgage?")).to_be_visible()
    linked.check()
    linked.button("Keep it").click()
    expect(card.locator("[data-account-id]")).to_have_count(14)

    card.get_by_role("button", name="Delete Plaid Mortgage").click()
    linked.button("Delete account").click()
    expect(card.locator("[data-account-id]")).to_have_count(13)
    assert linked.figure("net_worth") == "minus −$20,882.09"  # -77,184.1495 + 56,302.06
    assert linked.figure("holdings") == "plus +$81,091.74"
    assert is_same_page(linked)

    card.get_by_role("button", name="Refresh").click()
    expect(card).to_have_attribute("data-working", "true")
    expect(card).to_have_attribute("data-working", "false")
    expect(card.locator("[data-account-id]")).to_have_count(13)

    linked.open_menu()
    card.get_by_role("button", name="Restore 1 deleted account").click()
    expect(card.locator("[data-account-id]")).to_have_count(14)
    expect(card).to_have_attribute("data-working", "false")
    assert linked.figure("net_worth") == "minus −$77,184.15"


def test_a_deleted_institution_is_gone_here_and_at_the_vendor(linked: Person, simulator) -> None:
    card = linked.card("First Platypus Bank")
    mark(linked)
    linked.open_menu()
    card.get_by_role("button", name="Delete institution").click()
    dialog = linked.page.get_by_role("dialog")
    expect(dialog).to_contain_text("14 accounts")
    linked.check()
    dialog.get_by_role("button", name="Delete institution").click()
    expect(linked.page.locator("article[data-institution-id]")).to_have_count(0)
    expect(linked.page.get_by_role("heading", name="Start with one institution")).to_be_visible()
    assert is_same_page(linked)
    linked.page.reload()
    expect(linked.page.get_by_role("heading", name="Start with one institution")).to_be_visible()
    assert requests.get(f"{simulator.url}/healthz", timeout=5).ok


def test_a_card_folds_and_remembers_it(linked: Person) -> None:
    card = linked.card("First Platypus Bank")
    card.get_by_text("14 accounts").click()
    expect(card.locator("[data-account-id]").first).to_be_hidden()
    linked.page.reload()
    expect(card.locator("[data-account-id]").first).to_be_hidden()


def test_two_institutions_share_the_ring_and_currencies_are_not_added(people: Callable[..., Person]) -> None:
    person = people()
    person.sign_up()
    person.link_bank("First Platypus Bank")
    person.open_link()
    person.choose_in_link("Tartan-Dominion Bank of Canada")
    person.sign_in_to_bank()
    person.finish_link()
    expect(person.card("Tartan-Dominion Bank of Canada")).to_have_attribute("data-working", "false")
    expect(person.page.locator("table.share-table")).to_contain_text("First Platypus Bank")
    person.check()


def test_linking_by_keyboard_alone(people: Callable[..., Person]) -> None:
    person = people()
    person.sign_up()
    keys = person.page.keyboard
    person.button("Link institution").first.focus()
    keys.press("Enter")
    person.link.get_by_role("button", name="Continue").wait_for()
    person.link.get_by_role("button", name="Continue").focus()
    keys.press("Enter")
    person.link.get_by_role("searchbox").focus()
    keys.type("Houndstooth")
    expect(person.link.get_by_role("list", name="Institutions").get_by_role("button")).to_have_count(1)
    keys.press("Tab")
    keys.press("Enter")
    person.link.get_by_label("Username").wait_for()
    person.link.get_by_label("Username").focus()
    keys.type("user_good")
    person.link.get_by_label("Password", exact=True).focus()
    keys.type("pass_good")
    keys.press("Enter")
    person.link.get_by_role("checkbox").first.wait_for()
    person.link.get_by_role("button", name="Continue", exact=True).focus()
    keys.press("Enter")
    person.link.get_by_role("button", name="Finish", exact=True).focus()
    keys.press("Enter")
    card = person.card("Houndstooth")
    expect(card).to_have_attribute("data-working", "false")
    expect(card.get_by_role("heading", level=3)).to_be_visible()


def test_a_sign_in_at_the_bank_is_not_lost_when_keeping_it_fails_once(people: Callable[..., Person]) -> None:
    person = people()
    person.sign_up()
    person.refused = {503}
    failing = {"left": 1}

    def fail_once(route) -> None:
        if route.request.method == "POST" and failing["left"]:
            failing["left"] -= 1
            words = "The bank connection service is not answering right now."
            route.fulfill(
                status=503,
                json={"error": {"code": "vendor_unavailable", "message": words, "request_id": "x"}},
            )
        else:
            route.continue_()

    person.page.route("**/financial-institutions", fail_once)
    person.open_link()
    person.choose_in_link("First Platypus Bank")
    person.sign_in_to_bank()
    person.finish_link()
    expect(person.page.get_by_role("heading", name="First Platypus Bank is not linked yet")).to_be_visible()
    person.check()
    person.button("Try again").click()
    expect(person.card("First Platypus Bank")).to_have_attribute("data-working", "false")


def test_every_total_says_how_it_is_made_up(linked: Person) -> None:
    linked.page.get_by_role("link", name="How is this made up?").first.click()
    dialog = linked.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="How is this made up?")).to_be_focused()
    expect(dialog.get_by_role("row")).to_have_count(16)  # a head, 14 accounts, the sum
    for words in ("$81,091.7405", "$77,184.1495", "Subtracts what is owed.", "a loan"):
        expect(dialog).to_contain_text(words)
    linked.check()
    linked.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    linked.open_menu()
    menu = linked.card("First Platypus Bank").get_by_role("link", name="How is this made up?")
    linked.go(menu.get_attribute("href") or "")
    expect(linked.page.get_by_text("The totals of First Platypus Bank")).to_be_visible()
    linked.check()
