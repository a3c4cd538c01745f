"""The phone page: what it shows, how it keeps up, how a person replies; in Chromium, with axe."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.simulator.controls import ask, lift_all
from tests.simulator.link_harness import WATCH_JS, launch
from tests.simulator.phone import ADA, BOB, Phone, running_hook
from tests.support.simulator import SimulatorProcess

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SIZES = {"wide": {"width": 1200, "height": 900}, "narrow": {"width": 320, "height": 640}}
BUDGET = "CashView: you have spent $212.40 of your $400.00 budget for Plaid Checking this month."
SMALL = """() => [...document.querySelectorAll('button, input:not([type=hidden]), #conversations a')]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 44)
  .map((each) => each.innerText || each.id)"""


@pytest.fixture(scope="module")
def chromium(playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def phone() -> Iterator[Phone]:
    """A simulator of its own: nobody has been texted yet."""
    with SimulatorProcess() as process:
        yield Phone(process)


@contextmanager
def looking(browser: Browser, size: str = "wide", scheme: str = "light", **more) -> Iterator[Page]:
    """A tab in which the page may complain about nothing: no error, no violation of its policy."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme, **more)
    page, problems = context.new_page(), []
    page.set_default_timeout(10_000)
    page.add_init_script(WATCH_JS)
    page.on("console", lambda line: problems.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def check(page: Page) -> None:
    found = Axe().run(page, options={"runOnly": TAGS}).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
    root = "document.scrollingElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0
    assert page.evaluate(SMALL) == []


def texts(page: Page):
    return page.get_by_role("log", name="Texts").get_by_role("listitem")


def test_texts_arrive_by_themselves_newest_conversation_first(chromium, phone):
    with looking(chromium) as page:
        page.goto(phone.process.url)
        page.get_by_role("link", name="The phone").click()
        expect(page.get_by_role("heading", name="No texts yet")).to_be_visible()
        phone.send(Body=BUDGET)
        expect(texts(page)).to_have_count(1)
        expect(texts(page).first).to_contain_text(BUDGET)
        expect(texts(page).first).to_contain_text("Delivered")
        phone.send(To=BOB, Body="Another")
        people = page.get_by_role("navigation", name="Conversations").get_by_role("link")
        expect(people).to_have_count(2)
        expect(people.first).to_contain_text("+1 415 555 2672")
        expect(texts(page)).to_have_count(1)
        people.first.click()
        expect(page.get_by_role("heading", name="+1 415 555 2672")).to_be_visible()
        expect(texts(page)).to_contain_text(["Another"])


def test_a_person_stops_starts_asks_for_help_and_writes(chromium, phone):
    with running_hook() as hook, looking(chromium) as page:
        phone.listen_at(hook.url)
        phone.send(Body=BUDGET)
        page.goto(f"{phone.process.url}/phone")
        page.get_by_role("button", name="STOP").click()
        expect(page.get_by_text("This number has opted out.")).to_be_visible()
        expect(page.get_by_role("link", name="Opted out")).to_be_visible()
        assert hook.next()[0]["Body"] == "STOP"
        assert phone.create()[1]["code"] == 21610
        page.get_by_role("button", name="START").click()
        expect(page.get_by_text("This number has opted out.")).to_have_count(0)
        page.get_by_role("button", name="HELP").click()
        expect(texts(page).last).to_contain_text("Reply STOP to end texts")
        page.get_by_label("Reply").fill("How much is <b>left</b>?")
        page.keyboard.press("Enter")
        expect(texts(page).last).to_contain_text("How much is <b>left</b>?")
        expect(texts(page).last).to_contain_text("the app has it")
        expect(page.get_by_label("Reply")).to_have_value("")
        assert [hook.next()[0]["Body"] for _ in range(3)] == ["START", "HELP", "How much is <b>left</b>?"]


def test_what_is_typed_and_where_one_is_stays_when_news_come(chromium, phone):
    with looking(chromium) as page:
        phone.send(Body=BUDGET)
        page.goto(f"{phone.process.url}/phone")
        box = page.get_by_label("Reply")
        box.press_sequentially("half a sen")
        phone.send(Body="Another")
        expect(texts(page)).to_have_count(2)
        expect(box).to_have_value("half a sen")
        expect(box).to_be_focused()
        page.get_by_role("link", name=re.compile("2671")).focus()
        phone.send(Body="A third")
        expect(texts(page)).to_have_count(3)
        expect(page.get_by_role("link", name=re.compile("A third"))).to_be_focused()


def test_what_did_not_arrive_says_so_without_a_code(chromium, phone):
    phone.switch("outcome", code=30007, times=1)
    phone.until(phone.send(), "undelivered")
    with looking(chromium) as page:
        page.goto(f"{phone.process.url}/phone")
        expect(texts(page).first).to_contain_text("Did not arrive: Message filtered")
        assert "30007" not in page.content()


def test_it_works_without_its_script(chromium, phone):
    phone.until(phone.send(Body=BUDGET), "delivered")
    with looking(chromium, java_script_enabled=False) as page:
        page.goto(f"{phone.process.url}/phone")
        page.get_by_label("Reply").fill("thanks")
        page.get_by_role("button", name="Send").click()
        expect(texts(page).last).to_contain_text("thanks")


def test_it_says_when_the_simulator_is_gone_and_goes_on_when_it_is_back(chromium, phone):
    context = chromium.new_context()
    page = context.new_page()
    phone.send()
    page.goto(f"{phone.process.url}/phone")
    phone.process.kill()
    expect(page.get_by_text("The simulator is not answering.")).to_be_visible(timeout=10_000)
    phone.process.start()
    expect(page.get_by_text("The simulator is not answering.")).to_be_hidden(timeout=10_000)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_everybody_can_use_it(chromium, phone, size, scheme):
    """axe, reflow and target sizes in every state, by keyboard from the list to a sent reply."""
    with looking(chromium, size, scheme) as page:
        page.goto(f"{phone.process.url}/phone")
        check(page)
        phone.send(Body=BUDGET)
        phone.until(
            phone.send(To=BOB, Body="x" * 300), "delivered"
        )  # or it would take the next one's outcome
        phone.switch("outcome", code=30003, times=1, to=BOB)
        phone.until(phone.send(To=BOB), "undelivered")
        phone.switch("hold", to=BOB)
        phone.send(To=BOB, Body="https://example.com/" + "long" * 40)
        phone.reply("STOP", BOB)
        page.goto(f"{phone.process.url}/phone")
        check(page)
        person = page.get_by_role("link", name=re.compile("2672"))
        person.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/phone?to=*")
        expect(page.get_by_text("This number has opted out.")).to_be_visible()
        expect(page.get_by_role("link", name="All conversations")).to_be_visible(visible=size == "narrow")
        check(page)
        page.get_by_role("button", name="START").focus()
        for _ in range(2):
            page.keyboard.press("Tab")
        page.keyboard.type("by keyboard")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(texts(page).last).to_contain_text("by keyboard")
        check(page)


def test_its_policy_allows_nothing_but_its_own_files(phone):
    phone.send(Body="<script>alert(1)</script>")
    with urllib.request.urlopen(f"{phone.process.url}/phone", timeout=10) as answer:
        page, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "<script>" not in page
    assert "style=" not in page


def test_programs_read_the_same(phone):
    sid = phone.send(Body=BUDGET, ValidityPeriod=600)
    phone.until(sid, "delivered")
    phone.reply("thanks")
    mine = ask(phone.process, "GET", "/phone/messages.json?to=%2B14155552671")[1]
    assert mine["opted_out"] is False
    assert [(each["direction"], each["body"]) for each in mine["messages"]] == [
        ("outbound-api", BUDGET),
        ("inbound", "thanks"),
    ]
    first = mine["messages"][0]
    assert (first["sid"], first["status"], first["validity_period"], first["num_segments"]) == (
        sid,
        "delivered",
        600,
        1,
    )
    phone.reply("STOP")
    assert ask(phone.process, "GET", "/phone/messages.json?to=4155552671")[1]["opted_out"] is True
    assert ask(phone.process, "GET", f"/phone/messages.json?to={BOB}")[1]["messages"] == []
    assert len(ask(phone.process, "GET", "/phone/messages.json")[1]["messages"]) == 4


@pytest.mark.parametrize("wrong", [{}, {"url": ""}, {"url": "nowhere"}, {"url": 5}, []])
def test_a_wrong_address_for_replies_is_refused(phone, wrong):
    assert ask(phone.process, "PUT", "/phone/inbound", wrong)[0] == 400


def test_the_program_is_told_where_replies_go():
    with running_hook() as hook, SimulatorProcess(inbound_url=hook.url) as process:
        lift_all(process)
        Phone(process).reply("hello", ADA)
        assert hook.next()[0]["Body"] == "hello"
