"""The worst states, in a real browser: nothing is wider than the window, axe finds nothing, the console is silent.

With WORST_STATES=FOLDER in the environment each is photographed into that folder, to be looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.browser.scenes import SCENES, build

LOOKS = {"desktop": ("desktop", "light"), "phone": ("phone", "light"), "dark": ("desktop", "dark")}


def photograph(person: Person, name: str) -> None:
    if folder := os.environ.get("WORST_STATES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        size = person.page.viewport_size
        # A window as tall as the page: the tab bar of a phone is at its end, not across the middle.
        height = person.page.evaluate("document.documentElement.scrollHeight")
        person.page.set_viewport_size({"width": size["width"], "height": height})
        person.page.screenshot(path=Path(folder) / f"{name}.png")
        person.page.set_viewport_size(size)


def settle(person: Person) -> None:
    """Everything is drawn: the scripts have run and the ring, if there is one, has its share in the middle."""
    person.page.wait_for_load_state("load")
    person.page.evaluate("document.fonts.ready")


@pytest.mark.parametrize("scene", SCENES)
def test_the_worst_states_of_the_dashboard(people: Callable[..., Person], scene: str) -> None:
    first = people()
    first.sign_up()
    build(first.server, first.username, SCENES[scene])
    cookies = first.page.context.cookies()
    for look, (width, scheme) in LOOKS.items():
        person = people(width, color_scheme=scheme)
        person.page.context.add_cookies(cookies)
        person.go("/")
        settle(person)
        photograph(person, f"{scene}-{look}")
        person.check()


@pytest.mark.parametrize("look", LOOKS)
def test_pages_of_errors(people: Callable[..., Person], look: str) -> None:
    width, scheme = LOOKS[look]
    person = people(width, color_scheme=scheme)
    person.refused = {404}
    person.go("/nothing-here")
    expect(person.page.get_by_role("heading", name="Nothing here")).to_be_visible()
    settle(person)
    photograph(person, f"errors-{look}")
    person.check()
