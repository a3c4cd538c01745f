"""Budget trackers in a browser: create, edit, delete in place; words, bar and keyboard; small and dark."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Person
from tests.browser.test_dashboard import is_same_page, mark
from tests.browser.test_demo import enter_demo


@pytest.fixture
def checking(person: Person) -> Locator:
    """The row of Plaid Checking of somebody whose First Platypus Bank is linked."""
    person.sign_up()
    person.link_bank()
    return row_of(person, "Plaid Checking")


def row_of(person: Person, name: str) -> Locator:
    named = person.page.locator("b", has_text=re.compile(f"^{name}$"))
    return person.page.locator("[data-account-id]").filter(has=named)


def create(person: Person, row: Locator, budget: str, days: str) -> None:
    row.get_by_role("link", name="Create budget tracker").click()
    person.page.get_by_label("Monthly budget").fill(budget)
    person.page.get_by_label("Days between texts").fill(days)
    person.button("Create budget tracker").click()


def test_create_edit_and_delete_a_tracker(person: Person, checking: Locator) -> None:
    expect(row_of(person, "Plaid Saving").get_by_role("link")).to_have_count(0)
    create(person, checking, "$10,000.00", "3")
    expect(person.page).to_have_url(re.compile(r"/#account-\d+$"))
    tracker = checking.get_by_role("group", name="Budget tracker of Plaid Checking")
    expect(tracker).to_be_in_viewport()
    expect(tracker).to_contain_text("of $10,000.00 spent this month")
    expect(tracker).to_contain_text(" left")
    expect(tracker).to_contain_text(
        "Sandbox account: not eligible for texts. A text every 3 days would be next"
    )
    expect(tracker.get_by_role("meter")).to_have_attribute("aria-valuetext", re.compile(r"left$"))
    person.check()

    tracker.get_by_role("link", name="Edit").click()
    expect(person.page.get_by_label("Monthly budget")).to_have_value("10000.00")
    person.check()
    person.page.get_by_label("Monthly budget").fill("12,500")
    person.button("Save changes").click()
    expect(tracker).to_contain_text("of $12,500.00 spent this month")

    mark(person)
    person.page.wait_for_load_state("load")
    tracker.get_by_role("button", name="Delete").click()
    dialog = person.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Delete the budget tracker of Plaid Checking?")
    expect(dialog).to_contain_text("The budget of $12,500.00 a month will go")
    person.check()
    person.button("Keep it").click()
    expect(tracker).to_be_visible()
    tracker.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete tracker").click()
    expect(tracker).to_have_count(0)
    expect(checking.get_by_role("link", name="Create budget tracker")).to_be_focused()
    assert is_same_page(person)


def test_what_cannot_be_a_budget_is_said_beside_its_field(person: Person, checking: Locator) -> None:
    person.refused = {400}
    create(person, checking, "lots", "3.0")
    budget, days = person.page.get_by_label("Monthly budget"), person.page.get_by_label("Days between texts")
    expect(budget).to_have_value("lots")
    expect(budget).to_be_focused()
    expect(budget).to_have_accessible_description(re.compile("amount in digits, such as 400"))
    expect(days).to_have_value("3.0")
    expect(days).to_have_accessible_description(re.compile("whole number of days from 1 to 15"))
    person.check()
    person.page.get_by_role("link", name="Cancel").click()
    expect(checking.get_by_role("link", name="Create budget tracker")).to_be_visible()


def test_the_demo_has_two_trackers(person: Person) -> None:
    enter_demo(person)
    for name in ("Everyday Checking", "Rewards Card"):
        tracker = row_of(person, name).get_by_role("group", name=f"Budget tracker of {name}")
        expect(tracker).to_contain_text("Demo: no text leaves.")
    person.check()


def test_a_budget_that_is_overspent_says_so_in_the_dark_too(person: Person) -> None:
    person.page.emulate_media(color_scheme="dark")
    enter_demo(person)
    card = row_of(person, "Everyday Checking")
    card.get_by_role("link", name="Edit").click()
    person.page.get_by_label("Monthly budget").fill("0.01")
    person.button("Save changes").click()
    tracker = card.get_by_role("group", name="Budget tracker of Everyday Checking")
    words = tracker.text_content() or ""
    if "$0.00 of" not in words:  # at the start of a month the demo may not have spent anything yet
        expect(tracker).to_contain_text(re.compile(r"\$[\d,.]+ over"))
        expect(tracker.get_by_role("meter")).to_have_attribute("aria-valuetext", re.compile(r" over budget$"))
    person.check()
