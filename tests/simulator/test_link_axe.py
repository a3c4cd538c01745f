"""Every pane of SimLink under axe (WCAG 2.2 A and AA), wide and at 320 px, light and dark.

Plus what axe does not look at: nothing scrolls sideways, and targets are 44 px.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.simulator.link_harness import Simulator, Visitor, launch, running_host, visiting

pytestmark = pytest.mark.slow

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": TAGS}}
SMALL_TARGETS = """() => [...document.querySelectorAll('button, summary, label:has(input), input')]
  .filter((element) => element.checkVisibility() && !element.matches('label input'))
  .map((element) => ({ name: element.innerText || element.id, box: element.getBoundingClientRect() }))
  .filter(({ box }) => box.height < 44 || box.width < 44)
  .map(({ name, box }) => `${name}: ${box.width}x${box.height}`)"""


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def host(simulator):
    with running_host(simulator.url) as origin:
        yield origin


@pytest.fixture(scope="module")
def chromium(playwright):
    browser = launch(playwright)
    yield browser
    browser.close()


def check(visitor: Visitor, pane: str) -> None:
    """axe in the frame (from outside it can't look into a frame of another origin), reflow, target sizes."""
    frame = visitor.frame
    found = Axe().run(frame, options=OPTIONS).response["violations"]
    told = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
    assert told == [], f"{pane}: {told}"
    sideways = frame.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
    pane_sideways = frame.evaluate(
        "(() => { const p = document.querySelector('.pane'); return p.scrollWidth - p.clientWidth; })()"
    )
    assert max(sideways, pane_sideways) <= 0, f"{pane} scrolls sideways"
    assert frame.evaluate(SMALL_TARGETS) == [], pane


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1200, 900), (320, 640)], ids=["wide", "320px"])
def test_every_pane_is_accessible(chromium, simulator, host, scheme, size):
    viewport = {"width": size[0], "height": size[1]}
    settings = {"viewport": viewport, "color_scheme": scheme, "reduced_motion": "reduce"}
    with visiting(chromium, simulator, host, **settings) as visitor:
        _walk(visitor)


def _walk(visitor: Visitor) -> None:
    visitor.open()
    visitor.heading("CashView uses SimLink to connect your account")
    check(visitor, "consent")
    outside = Axe().run(visitor.page, options=OPTIONS).response["violations"]
    assert [rule["id"] for rule in outside] == []
    visitor.press("Close")
    check(visitor, "leave?")
    visitor.press("Keep going")
    visitor.to_list()
    check(visitor, "list")
    visitor.link.get_by_role("searchbox").fill("zzzz")
    visitor.link.get_by_text("Nothing found").wait_for()
    check(visitor, "nothing found")
    visitor.press("My institution isn't listed")
    visitor.heading("Your institution isn't here")
    check(visitor, "not listed")
    visitor.press("Search again")
    visitor.choose("Platypus OAuth Bank")
    visitor.heading("Share your accounts with CashView?")
    check(visitor, "bank's page")
    visitor.press("Back")
    _walk_sign_in(visitor)
    _walk_second_steps(visitor)
    _walk_accounts(visitor)


def _walk_sign_in(visitor: Visitor) -> None:
    visitor.choose("Pin & Pebble Bank")
    visitor.heading("Sign in to Pin & Pebble Bank")
    check(visitor, "sign in with PIN")
    visitor.link.get_by_text("Other test logins").click()
    check(visitor, "other logins")
    visitor.press("Submit")
    visitor.link.get_by_text("Enter your PIN.").wait_for()
    check(visitor, "missing fields")
    held = []
    visitor.page.route("**/link/api/credentials", lambda route: held.append(route))
    visitor.sign_in(password="wrong", pin="1234")
    visitor.heading("Connecting to Pin & Pebble Bank…")
    check(visitor, "connecting")
    held[0].continue_()
    visitor.page.unroute("**/link/api/credentials")
    visitor.link.get_by_role("alert").filter(has_text="incorrect").wait_for()
    check(visitor, "wrong credentials")
    visitor.sign_in(password="error_ITEM_LOCKED", pin="1234")
    visitor.heading("Your account at Pin & Pebble Bank is locked")
    check(visitor, "error")


def _walk_second_steps(visitor: Visitor) -> None:
    visitor.press("Try another institution")
    visitor.choose("First Platypus Bank")
    visitor.sign_in(password="mfa_questions_1_2")
    visitor.heading("Answer a few questions")
    check(visitor, "questions")
    visitor.press("Back")
    visitor.choose("First Platypus Bank")
    visitor.sign_in(password="mfa_selections")
    visitor.heading("Choose your answers")
    visitor.press("Continue")
    check(visitor, "selections, none made")
    visitor.press("Back")
    visitor.choose("First Platypus Bank")
    visitor.sign_in(password="mfa_device")
    visitor.heading("Where should the code go?")
    check(visitor, "device")
    visitor.link.get_by_role("radio").first.check()
    visitor.press("Continue")
    visitor.heading("Enter your code")
    visitor.link.get_by_role("textbox").fill("0")
    visitor.press("Continue")
    visitor.link.get_by_role("alert").filter(has_text="not accepted").wait_for()
    check(visitor, "wrong code")


def _walk_accounts(visitor: Visitor) -> None:
    visitor.link.get_by_role("textbox").fill("1234")
    visitor.press("Continue")
    visitor.heading("Select accounts")
    check(visitor, "accounts")
    visitor.press("Untick all")
    visitor.press("Continue")
    visitor.link.get_by_role("alert").filter(has_text="at least one").wait_for()
    check(visitor, "no account")
    visitor.press("Tick all")
    visitor.press("Continue")
    visitor.heading("Success")
    check(visitor, "success")
