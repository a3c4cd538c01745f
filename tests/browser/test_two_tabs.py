"""A second tab that was left open: what the first one deleted is said, and the numbers are mended."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.scenes import build, ten_institutions

GONE = re.compile("was deleted in another window")


@pytest.fixture
def tabs(people: Callable[..., Person]) -> tuple[Person, Page]:
    """A person with ten institutions, and a second tab of the same browser on the same page."""
    person = people("phone")
    person.sign_up()
    build(person.server, person.username, ten_institutions)
    person.go("/")
    person.page.wait_for_load_state("load")
    stale = person.page.context.new_page()
    stale.goto(person.server.url)
    stale.wait_for_load_state("load")
    return person, stale


def delete_first(page: Page, what: str) -> None:
    card = page.locator("article[data-institution-id]").first
    if what == "institution":
        card.locator("summary", has_text="More for").click()
        card.get_by_role("button", name="Delete institution").click()
    else:
        if card.locator("details.accts:not([open])").count():
            card.locator("details.accts > summary").click()
        card.get_by_role("button", name="Delete Checking").click()
    page.get_by_role("dialog").get_by_role("button", name=f"Delete {what}").click()


@pytest.mark.parametrize("act", ["refresh", "delete institution", "why"])
def test_a_card_that_is_gone_elsewhere_leaves_this_tab_too(tabs: tuple[Person, Page], act: str) -> None:
    person, stale = tabs
    before = stale.locator('[data-total="net_worth"]').text_content()
    delete_first(person.page, "institution")
    expect(person.page.locator("article[data-institution-id]")).to_have_count(9)

    card = stale.locator("article[data-institution-id]").first
    if act == "refresh":
        card.locator("[data-refresh]").click()
    elif act == "why":
        card.locator("summary", has_text="More for").click()
        card.get_by_role("link", name="How is this made up?").click()
    else:
        delete_first(stale, "institution")
    expect(stale.locator(".toast")).to_contain_text(GONE)
    expect(stale.locator("article[data-institution-id]")).to_have_count(9)
    expect(stale.locator('[data-total="net_worth"]')).not_to_have_text(before or "")
    assert (
        stale.locator('[data-total="net_worth"]').text_content()
        == person.page.locator('[data-total="net_worth"]').text_content()
    )


def test_an_account_that_is_gone_elsewhere_leaves_this_tab_too(tabs: tuple[Person, Page]) -> None:
    person, stale = tabs
    delete_first(person.page, "account")
    expect(person.page.locator("[data-account-id]")).to_have_count(11)
    delete_first(stale, "account")
    expect(stale.locator(".toast")).to_contain_text(GONE)
    expect(stale.locator("[data-account-id]")).to_have_count(11)
