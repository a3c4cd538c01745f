"""Agreeing to texts with the simulator's phone in the other hand: the code arrives there, replies go out from there."""

from __future__ import annotations

import itertools
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.support.server import AppServer
from tests.support.simulator import TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_NUM, SimulatorProcess

_numbers = itertools.count(2610)
CODE = re.compile(r"your code is (\d{6})")
SECONDS = 15


@pytest.fixture(scope="module")
def server(simulator: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """CashView that texts through the simulator; its callbacks and replies find the way back."""
    process = AppServer(
        simulator.url,
        tmp_path_factory.mktemp("texts"),
        TWILIO_BASE_URL=simulator.url,
        TWILIO_ACCOUNT_SID=TWILIO_ACCOUNT_SID,
        TWILIO_AUTH_TOKEN=TWILIO_AUTH_TOKEN,
        TWILIO_NUM=TWILIO_NUM,
    )
    process.environ["PUBLIC_BASE_URL"] = process.url
    replies = json.dumps({"url": f"{process.url}/webhooks/twilio/inbound"}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{simulator.url}/phone/inbound", replies, headers, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()
    with process:
        yield process


def sign_up(person: Person, account_type: str = "development") -> str:
    """A new person with a number of their own; the number in E.164."""
    line = next(_numbers)
    person.username = f"texted{line}"
    person.go("/signup")
    person.fill_sign_up(account_type=account_type)
    person.page.get_by_label("Phone number").fill(f"(415) 555-{line}")
    person.button("Sign up").click()
    expect(person.page.get_by_role("heading", name="Overview", level=1)).to_be_attached()
    return f"+1415555{line}"


@pytest.fixture
def phone(person: Person, simulator: SimulatorProcess) -> Callable[[str], Page]:
    """The phone of a number, in a tab of its own."""

    def pick_up(number: str) -> Page:
        tab = person.page.context.new_page()
        tab.set_default_timeout(SECONDS * 1000)
        tab.goto(f"{simulator.url}/phone?to=%2B{number[1:]}")
        return tab

    return pick_up


def code_on(tab: Page) -> str:
    shown = tab.get_by_text(CODE).last
    found = CODE.search(shown.inner_text())
    assert found
    return found[1]


def reply(tab: Page, words: str) -> None:
    tab.get_by_role("textbox").last.fill(words)
    tab.get_by_role("button", name=re.compile("send|reply", re.IGNORECASE)).click()


def reload_until(person: Person, words: str | re.Pattern[str]) -> None:
    """What a program told the server a moment ago is on the page of the next moment."""
    deadline = time.monotonic() + SECONDS
    while person.page.locator("main").get_by_text(words).count() == 0:
        assert time.monotonic() < deadline, f"{words} never appeared"
        person.page.reload()


def verified(person: Person, phone: Callable[[str], Page]) -> str:
    number = sign_up(person)
    person.go("/users/texts")
    person.page.get_by_role("checkbox").check()
    person.button("Agree and text me a code").click()
    person.page.get_by_label("Code from the text").fill(code_on(phone(number)))
    person.button("Verify my number").click()
    expect(person.page.get_by_text("Your number is verified.")).to_be_visible()
    return number


def test_agree_then_the_code_from_the_phone_then_on(person: Person, phone: Callable[[str], Page]) -> None:
    person.refused = {400}
    number = sign_up(person)
    person.page.locator("summary.who").click()
    person.page.locator(".menu-list").get_by_role("link", name="Texts").click()
    expect(person.page.get_by_role("checkbox")).not_to_be_checked()
    person.check()

    person.button("Agree and text me a code").click()
    expect(person.page.get_by_role("checkbox")).to_be_focused()
    expect(person.page.get_by_text("Please tick the box if you agree to texts.")).to_be_visible()
    person.check()

    person.page.get_by_text("Yes, text me").click()  # the words are the box's label
    person.button("Agree and text me a code").click()
    field = person.page.get_by_label("Code from the text")
    expect(field).to_be_visible()
    person.check()

    code = code_on(phone(number))
    field.fill("000000" if code != "000000" else "000001")
    person.button("Verify my number").click()
    expect(person.page.get_by_label("Code from the text")).to_be_focused()
    expect(person.page.get_by_text("You have 4 tries left.")).to_be_visible()
    person.check()

    person.page.get_by_label("Code from the text").fill(f"{code[:3]} {code[3:]}")
    person.button("Verify my number").click()
    expect(person.page.get_by_text("Your number is verified.")).to_be_visible()
    expect(person.page.locator(".texts-head .badge")).to_have_text("On")
    person.check()
    reload_until(person, "It reached your phone.")


def test_stop_from_the_phone_is_heeded_and_start_resumes(
    person: Person, phone: Callable[[str], Page]
) -> None:
    number = verified(person, phone)
    tab = phone(number)
    reply(tab, "Please stop texting me")
    reload_until(person, "This number has replied STOP,")
    expect(person.page.locator(".texts-head .badge")).to_have_text("Off")
    person.check()
    reply(tab, "START")
    reload_until(person, re.compile("Each of your trackers texts"))
    expect(person.page.locator(".texts-head .badge")).to_have_text("On")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_turned_off_and_on_again(person: Person, phone: Callable[[str], Page], scheme: str) -> None:
    person.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    verified(person, phone)
    person.check()
    person.button("Turn texts off").click()
    expect(person.page.get_by_text("Texts are off. No more budget texts are sent to you.")).to_be_visible()
    person.check()
    person.page.get_by_role("checkbox").press("Space")
    person.button("Agree").press("Enter")
    expect(person.page.get_by_text("Texts are on.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_sandbox_account_sees_what_it_would_be_like(person: Person, scheme: str) -> None:
    person.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    sign_up(person, "sandbox")
    person.go("/users/texts")
    expect(person.page.get_by_text("Sandbox account: not eligible for texts.")).to_be_visible()
    expect(person.page.get_by_text("Reply STOP to opt out")).to_be_visible()
    expect(person.page.get_by_role("checkbox")).to_have_count(0)
    person.check()


def test_another_code_too_soon_says_when(person: Person, phone: Callable[[str], Page]) -> None:
    person.refused = {429}
    number = sign_up(person)
    person.go("/users/texts")
    person.page.get_by_role("checkbox").check()
    person.button("Agree and text me a code").click()
    person.button("Text me another code").click()
    expect(person.page.locator("main").get_by_role("alert")).to_contain_text("You can ask for another one in")
    person.check()
    person.page.get_by_label("Code from the text").fill(code_on(phone(number)))
    person.button("Verify my number").click()
    expect(person.page.get_by_text("Your number is verified.")).to_be_visible()
