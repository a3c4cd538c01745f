"""Names that attack: nothing runs, nothing is wider than the window, no name turns its neighbours around."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Person
from tests.browser.scenes import HOSTILE, build, hostile_names

CUSTOM = [name for name in HOSTILE.values() if len(name) < 2_000]

# A figure, a word or a sign of ours that follows or leads a name: its letters must run from left to right on screen.
IN_ORDER = """
() => {
  const turned = [];
  const ours = "[data-account-id], .share-row, .inst-top, .why-table tr, .spending-table tr, .trk, .toast";
  for (const element of document.querySelectorAll(ours)) {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest("bdi, .name, b, .share-name, [aria-hidden], .visually-hidden")) continue;
      for (const found of node.data.matchAll(/[A-Za-z]{4,}|[0-9]{3,}/g)) {
        const range = document.createRange();
        range.setStart(node, found.index);
        range.setEnd(node, found.index + 1);
        const first = range.getBoundingClientRect();
        range.setStart(node, found.index + found[0].length - 1);
        range.setEnd(node, found.index + found[0].length);
        const last = range.getBoundingClientRect();
        if (first.width && first.top === last.top && last.left < first.left) turned.push(found[0]);
      }
    }
  }
  return turned;
}
"""


def nothing_ran(person: Person) -> None:
    assert person.page.evaluate("window.hacked") is None
    assert person.page.title().endswith("CashView")
    assert person.page.evaluate("document.querySelectorAll('main script, main img[onerror]').length") == 0
    assert person.page.evaluate(IN_ORDER) == []


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_hostile_names_on_every_piece_of_the_dashboard(people: Callable[..., Person], width: str) -> None:
    person = people(width)
    person.sign_up()
    build(person.server, person.username, hostile_names)
    person.go("/")
    person.page.wait_for_load_state("load")
    cards = person.page.locator("article[data-institution-id]")
    expect(cards).to_have_count(len(HOSTILE) + 1)
    for index in range(len(HOSTILE) + 1):
        cards.nth(index).locator("details.accts > summary").click()
    expect(cards.locator("details.accts:not([open])")).to_have_count(0)
    nothing_ran(person)
    person.check()

    person.page.get_by_role("link", name="How is this made up?").first.click()
    expect(person.page.get_by_role("dialog")).to_be_visible()
    nothing_ran(person)
    person.check()
    person.page.keyboard.press("Escape")

    explanation = person.page.locator(".trk a", has_text="Why this number?").get_attribute("href")
    person.go(explanation or "")
    expect(person.page.locator(".spending-table tbody tr")).to_have_count(len(HOSTILE))
    nothing_ran(person)
    person.check()
    person.go("/")
    person.page.wait_for_load_state("load")

    # Every kind of name once through the question, the deletion, the re-rendered card and the toast.
    for index in range(len(HOSTILE)):
        row = cards.nth(index).locator("[data-account-id]").first
        row.get_by_role("button", name="Delete").click()
        dialog = person.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        assert dialog.evaluate("e => e.scrollWidth <= e.clientWidth"), "the question fits its window"
        dialog.get_by_role("button", name="Delete account").click()
        expect(cards.nth(index).locator("[data-account-id]")).to_have_count(4)
        expect(person.page.locator(".toast")).to_be_visible()
        nothing_ran(person)
    person.check()


@pytest.mark.parametrize("name", ["script", "hebrew", "override", "quotes"])
def test_hostile_names_of_people(people: Callable[..., Person], name: str) -> None:
    person = people("phone")
    person.username = f"u{len(name)}{abs(hash(name)) % 10_000}"
    person.go("/signup")
    person.fill_sign_up()
    person.page.get_by_label("First name").fill(HOSTILE[name])
    person.page.get_by_label("Last name").fill("م" * 60)
    person.refused = {400}
    person.button("Sign up").click()
    if name == "override":
        expect(person.page.get_by_text("Please use plain text on one line.")).to_be_visible()
    else:
        expect(person.page.get_by_role("heading", name="Overview", level=1)).to_be_attached()
        person.page.locator("summary.who").click()
        expect(person.page.locator(".menu-note").first).to_contain_text(HOSTILE[name])
        nothing_ran(person)
        person.check()
        person.go("/users/update-profile")
        expect(person.page.get_by_label("First name")).to_have_value(HOSTILE[name])
    nothing_ran(person)
    person.check()


def test_names_of_a_bank_are_cleaned_on_their_way_in(people: Callable[..., Person]) -> None:
    """user_custom of the simulator: through Link, the background and the progress to the card."""
    person = people("phone")
    person.sign_up()
    accounts = [
        {
            "type": "depository",
            "subtype": "checking",
            "starting_balance": 10,
            "meta": {"name": text, "official_name": text},
        }
        for text in CUSTOM[:10]
    ]
    person.open_link()
    person.choose_in_link("First Platypus Bank")
    person.link.get_by_label("Username").fill("user_custom")
    person.link.get_by_label("Password", exact=True).fill(json.dumps({"override_accounts": accounts}))
    person.press_in_link("Submit")
    person.finish_link()
    card = person.card("First Platypus Bank")
    expect(card).to_have_attribute("data-working", "false", timeout=PATIENCE_MS)
    expect(card.locator("[data-account-id]")).to_have_count(len(accounts))
    expect(card.get_by_text("evil gnp.exe", exact=True).first).to_be_visible()
    expect(card.get_by_text("line break and more tabs\\n", exact=True).first).to_be_visible()
    nothing_ran(person)
    person.check()
