"""A person at CashView in a real Chromium, against the real server and the real simulator.

Whatever the page complains about fails the test: a console error, a page error, a violation of the policy, a
network answer of 5xx. `check` runs axe (WCAG 2.2 AA) and looks for sideways scrolling.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, FrameLocator, Locator, Page, Playwright, expect

from scripts.browser import find_chromium
from tests.support.server import AppServer
from tests.support.simulator import SimulatorProcess
from tests.support.visitor import PASSWORD

WIDTHS = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 320, "height": 720}}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PATIENCE_MS = 15_000
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
_WATCH = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`);
});
"""
_WIDEST = """
[...document.querySelectorAll('body *')]
  .filter((element) => element.getBoundingClientRect().right > innerWidth || element.getBoundingClientRect().left < 0)
  .slice(-3)
  .map((element) => `${element.tagName}.${element.className} ${element.textContent.trim().slice(0, 30)}`)
  .join(' | ')
"""
_names = itertools.count(1)


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(ready_ms=700) as process:
        yield process


@pytest.fixture(scope="session")
def server(simulator: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with AppServer(simulator.url, tmp_path_factory.mktemp("browser")) as process:
        yield process


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium if there is one, else Playwright's own."""
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
    yield browser
    browser.close()


@dataclass
class Person:
    """Somebody at a browser. `refused` are statuses of 4xx that the test provokes on purpose."""

    page: Page
    server: AppServer
    refused: set[int] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    username: str = ""

    def watch(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.add_init_script(_WATCH)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _note(self, line: ConsoleMessage) -> None:
        if line.type != "error":
            return
        status = _REFUSED.search(line.text)
        if status is None or int(status[1]) not in self.refused:
            self.problems.append(line.text)

    def check(self) -> None:
        """axe finds nothing, and nothing is wider than the window."""
        found = Axe().run(self.page, options=RULES)
        assert found.violations_count == 0, found.generate_report()
        sideways = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert sideways <= 0, f"{sideways} px sideways: {self.page.evaluate(_WIDEST)}"

    def go(self, path: str = "/") -> None:
        self.page.goto(self.server.url + path)

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def sign_up(self, account_type: str = "sandbox") -> None:
        """Through the form, as a new person."""
        self.username = f"person{next(_names)}"
        self.go("/signup")
        self.fill_sign_up(account_type=account_type)
        self.page.get_by_role("button", name="Sign up").click()
        expect(self.page.get_by_role("heading", name="Overview", level=1)).to_be_attached()
        self.page.wait_for_load_state("load")  # its scripts have run: buttons do what they say

    def fill_sign_up(self, account_type: str = "sandbox") -> None:
        self.page.get_by_label("First name").fill("Ada")
        self.page.get_by_label("Last name").fill("Lovelace")
        self.page.get_by_label("Username").fill(self.username)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_label("Phone number").fill("(415) 555-2671")
        self.page.get_by_label("Account type").select_option(account_type)

    @property
    def link(self) -> FrameLocator:
        """Inside Link's frame."""
        return self.page.frame_locator("dialog iframe")

    def press_in_link(self, name: str) -> None:
        self.link.get_by_role("button", name=name, exact=True).click()

    def open_link(self) -> None:
        """Press Link institution, consent, and see the list of institutions."""
        self.page.get_by_role("button", name="Link institution").first.click()
        self.press_in_link("Continue")
        self.link.get_by_role("list", name="Institutions").get_by_role("button").first.wait_for()

    def choose_in_link(self, institution: str) -> None:
        with self.page.expect_response("**/link/api/institutions"):
            self.link.get_by_role("searchbox").fill(institution)
        self.link.get_by_text(re.compile(r"^\d+ institutions?$")).wait_for()
        shown = self.link.get_by_role("list", name="Institutions").get_by_role("button")
        shown.filter(has=self.link.get_by_text(institution, exact=True)).first.click()

    def sign_in_to_bank(self, password: str = "pass_good") -> None:
        self.link.get_by_label("Username").fill("user_good")
        self.link.get_by_label("Password", exact=True).fill(password)
        self.press_in_link("Submit")

    def link_bank(self, institution: str = "First Platypus Bank") -> Locator:
        """All of Link, to a card whose reading is done."""
        self.open_link()
        self.choose_in_link(institution)
        self.sign_in_to_bank()
        self.finish_link()
        card = self.card(institution)
        expect(card).to_have_attribute("data-working", "false", timeout=PATIENCE_MS)
        return card

    def finish_link(self) -> None:
        """From the choice of accounts to the end."""
        self.press_in_link("Continue")
        self.press_in_link("Finish")

    def card(self, institution: str) -> Locator:
        return self.page.locator("article[data-institution-id]").filter(
            has=self.page.get_by_role("heading", name=institution)
        )

    def open_menu(self, institution: str = "First Platypus Bank") -> None:
        """The card's "more" menu."""
        self.card(institution).locator("summary", has_text="More for").click()

    def figure(self, which: str) -> str:
        """'net_worth' or 'holdings' of the hero, as its words, the drawn sign after the spoken one."""
        return " ".join((self.page.locator(f'[data-total="{which}"]').text_content() or "").split())


@pytest.fixture(params=list(WIDTHS))
def width(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def people(chromium: Browser, server: AppServer) -> Iterator[Callable[..., Person]]:
    """Makes people, each with a browser of their own; fails the test for what any of their pages complained of."""
    made: list[Person] = []

    def make(width: str = "desktop", **context: object) -> Person:
        browser_context = chromium.new_context(
            viewport=WIDTHS[width], timezone_id="America/Chicago", reduced_motion="reduce", **context
        )
        person = Person(browser_context.new_page(), server)
        person.watch()
        made.append(person)
        return person

    yield make
    problems = [problem for person in made for problem in person.problems]
    for person in made:
        person.page.context.close()
    assert problems == []


@pytest.fixture
def person(people: Callable[..., Person], width: str) -> Person:
    """One person, at desktop width and again at 320 px."""
    return people(width)
