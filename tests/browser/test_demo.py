"""The Demo User button: a full dashboard, private to this visitor."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Person


def enter_demo(person: Person) -> None:
    person.go("/login")
    person.page.get_by_role("button", name="Demo User").click()
    expect(person.page.locator("article[data-institution-id]")).to_have_count(4)
    for card in person.page.locator("article[data-institution-id]").all():
        expect(card).to_have_attribute("data-working", "false")


def test_the_demo_is_a_full_dashboard(person: Person) -> None:
    enter_demo(person)
    for name in (
        "First Platypus Bank",
        "Evergreen Card Services",
        "Lighthouse Student Loans",
        "Summit Brokerage",
    ):
        expect(person.page.get_by_role("heading", name=re.compile(name), level=3)).to_be_visible()
    expect(person.page.locator(".inst", has_text="Healthy")).to_have_count(4)
    # About 4,218.37 + 18,650.00 - 1,284.91 + 41,877.23 + 15,320.76, less what is pending today.
    assert person.figure("holdings").startswith("plus +$")
    assert person.figure("net_worth").startswith("plus +$")
    expect(person.page.locator("table.share-table tbody tr")).to_have_count(4)
    person.check()


def test_the_demo_in_the_dark_is_accessible(person: Person) -> None:
    person.page.emulate_media(color_scheme="dark")
    enter_demo(person)
    person.check()


def test_every_visitor_has_a_copy_of_their_own(people: Callable[..., Person]) -> None:
    one, other = people(), people()
    enter_demo(one)
    enter_demo(other)
    ids = [
        {
            card.get_attribute("data-institution-id")
            for card in who.page.locator("article[data-institution-id]").all()
        }
        for who in (one, other)
    ]
    assert ids[0].isdisjoint(ids[1])


def test_the_demos_profile_is_fixed(person: Person) -> None:
    enter_demo(person)
    person.go("/users/update-profile")
    expect(person.page.get_by_text("The demo's profile and password are fixed")).to_be_visible()
    expect(person.page.get_by_role("button", name="Save changes")).to_have_count(0)
    person.check()
