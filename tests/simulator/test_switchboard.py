"""The switchboard in a browser: what a newcomer finds, plays and lifts; wide, at 320 px, light and dark."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.simulator.bank import Bank, Ledger, Refused
from tests.simulator.controls import ask, lift_all, switch, switches
from tests.simulator.link_harness import WAIT_MS, WATCH_JS, launch
from tests.simulator.receiver import Receiver
from tests.simulator.test_link_axe import OPTIONS, SMALL_TARGETS
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.slow
WIDE, NARROW = (1200, 900), (320, 640)


@pytest.fixture(scope="module")
def chromium(playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture
def bank(simulator) -> Iterator[Bank]:
    """With nothing switched on, before and after."""
    yield Bank(simulator)
    assert ask(simulator, "POST", "/scenarios/back_to_normal")[0] == 200


@dataclass
class Board:
    """The page, watched: console errors, page errors and violations of its policy are kept."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.set_default_timeout(WAIT_MS)
        self.page.add_init_script(WATCH_JS)
        self.page.on("console", lambda line: line.type == "error" and self.problems.append(line.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self) -> None:
        self.page.goto(f"{self.url}/switchboard")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def said(self, *words: str) -> None:
        for each in words:
            expect(self.page.get_by_role("status")).to_contain_text(each)

    def section(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name)


@pytest.fixture
def boards(chromium, simulator) -> Iterator[Callable[..., Board]]:
    made: list[Board] = []

    def make(size: tuple[int, int] = WIDE, scheme: str = "light", **more: object) -> Board:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
            **more,
        )
        board = Board(context.new_page(), simulator.url)
        board.watch()
        made.append(board)
        return board

    yield make
    for each in made:
        each.page.context.close()
    assert [problem for each in made for problem in each.problems] == []


@pytest.fixture
def board(boards) -> Board:
    return boards()


def linked(bank: Bank, institution_id: str = "ins_sim_family", **options: object) -> str:
    """The access token of an Item that was read to the end."""
    token = bank.ready(institution_id, **options)
    Ledger(bank, token).sync()
    return token


def code_of(bank: Bank, token: str, path: str = "/accounts/get") -> str | None:
    try:
        bank.call(path, access_token=token)
    except Refused as refused:
        return refused.code
    return None


def test_a_newcomer_finds_it_from_the_home_page(board):
    board.page.goto(board.url)
    board.page.get_by_role("link", name="Open the switchboard").click()
    expect(board.page.get_by_role("heading", name="Switchboard", level=1)).to_be_visible()
    nav = board.page.get_by_role("navigation", name="Simulator")
    expect(nav.get_by_role("link", name="Switchboard")).to_have_attribute("aria-current", "page")
    nav.get_by_role("link", name="Home").click()
    expect(board.page.get_by_role("heading", name="Bank simulator", level=1)).to_be_visible()


def test_with_nothing_linked_it_says_what_to_do(chromium):
    with SimulatorProcess() as empty:
        page = chromium.new_page()
        page.goto(f"{empty.url}/switchboard")
        expect(page.get_by_text("Nothing is linked yet")).to_be_visible()
        page.get_by_role("button", name="Play Tip arrives").click()
        expect(page.get_by_role("status")).to_contain_text("Not done. Nothing is linked there yet")
        page.close()


def test_one_press_plays_a_scenario_and_one_brings_everything_back(board, bank):
    token = linked(bank)
    board.open()
    board.press("Play Bank asks to log in again")
    board.said("Alder & Oak Bank now asks to sign in again.", "Open CashView")
    assert code_of(bank, token) == "ITEM_LOGIN_REQUIRED"
    expect(board.section("Linked Items").get_by_text("Asks to sign in again")).to_be_visible()
    board.press("Back to normal")
    board.said("Everything is back to normal.")
    assert code_of(bank, token) is None


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_it_is_played_at_the_item_that_was_chosen(boards, bank, scripts):
    board = boards(java_script_enabled=scripts)
    older, newer = linked(bank), linked(bank)
    item_id = bank.call("/item/get", access_token=older)["item"]["item_id"]
    board.open()
    board.page.get_by_label("Play it at").select_option(item_id)
    board.press("Play Access withdrawn at the bank")
    board.said("shares nothing any more")
    assert (code_of(bank, older), code_of(bank, newer)) == ("USER_PERMISSION_REVOKED", None)
    expect(board.page.get_by_label("Play it at")).to_have_value(item_id)


def test_a_tip_is_told_in_two_steps(board, bank):
    token = linked(bank)
    board.open()
    board.press("Play Tip arrives")
    board.said("$48.00 is pending")
    expect(board.section("Linked Items").get_by_text("pending now: The Copper Kettle")).to_be_visible()
    board.press("Play Tip arrives")
    board.said("posted at $57.60")
    ledger = Ledger(bank, token)
    ledger.sync()
    assert [str(each["amount"]) for each in ledger.rows.values() if each["name"] == "The Copper Kettle"] == [
        "57.6"
    ]


def test_switches_are_listed_in_words_and_lifted(board, simulator, bank):
    linked(bank, "ins_sim_cards")
    switch(simulator, "error", code="INSTITUTION_DOWN", institution_id="ins_sim_cards", for_seconds=3600)
    switch(simulator, "drop", endpoint="/item/remove", times=1)
    switch(simulator, "latency", milliseconds=1500, times=3)
    board.open()
    rows = board.section("Switched on").get_by_role("listitem")
    expect(rows).to_contain_text(
        [
            re.compile(
                "Refuses with INSTITUTION_DOWN.*Evergreen Card Services.*For 60 minutes more", re.DOTALL
            ),
            re.compile("Drops the connection.*Everybody, on /item/remove.*Once", re.DOTALL),
            re.compile("Answers 1.5 s late.*Everybody, on every endpoint.*3 more times", re.DOTALL),
        ]
    )
    rows.nth(1).get_by_role("button").click()
    board.said("It is lifted.")
    expect(rows).to_have_count(2)
    assert [each["kind"] for each in switches(simulator)] == ["error", "latency"]
    board.press("Lift all")
    expect(board.section("Switched on").get_by_text("No switch is on.")).to_be_visible()
    assert switches(simulator) == []


def test_a_switch_is_added_with_all_that_belongs_to_it(board, simulator, bank):
    board.open()
    form = board.section("Add a switch")
    form.get_by_label("What the bank does").select_option(label="Refuse with an error code")
    form.get_by_label("Error code").select_option("RATE_LIMIT")
    form.get_by_label("For whom").select_option(label="Coinharbor")
    form.get_by_label("On which endpoint").select_option("/accounts/get")
    form.get_by_label("How many times").fill("5")
    board.press("Switch on")
    board.said("Refuses with RATE_LIMIT: Coinharbor, on /accounts/get, 5 more times.")
    (added,) = switches(simulator)
    added.pop("id")
    assert added == {
        "kind": "error",
        "code": "RATE_LIMIT",
        "institution_id": "ins_sim_coins",
        "endpoint": "/accounts/get",
        "times": 5,
    }


@pytest.mark.parametrize(
    "kind, shown, hidden",
    [
        ("error", ["Error code", "On which endpoint"], ["Milliseconds late", "Seconds of silence"]),
        ("latency", ["Milliseconds late", "How many times"], ["Error code", "Seconds of silence"]),
        ("hang", ["Seconds of silence"], ["Error code", "Milliseconds late"]),
        ("mutation", ["How many times"], ["Error code", "On which endpoint"]),
        ("account_vanishes", ["For whom", "How many minutes"], ["On which endpoint", "How many times"]),
        ("webhook_retry", ["Milliseconds late", "How many times"], ["Error code", "On which endpoint"]),
    ],
)
def test_the_form_shows_what_a_kind_needs(board, bank, kind, shown, hidden):
    board.open()
    form = board.section("Add a switch")
    form.get_by_label("What the bank does").select_option(kind)
    for label in shown:
        expect(form.get_by_label(label)).to_be_visible()
    for label in hidden:
        expect(form.get_by_label(label)).to_be_hidden()


def test_what_a_bank_shows_is_changed_for_an_item_only(board, simulator, bank):
    token = linked(bank)
    before = bank.accounts(token)
    board.open()
    form = board.section("Add a switch")
    form.get_by_label("What the bank does").select_option("account_vanishes")
    assert form.get_by_label("For whom").input_value().startswith("item:")
    form.get_by_label("How many minutes").fill("30")
    board.press("Switch on")
    board.said("Hides an account", "for 30 minutes more")
    assert len(bank.accounts(token)) == len(before) - 1


def test_nonsense_in_the_form_is_said_in_words(board, simulator, bank):
    board.open()
    form = board.section("Add a switch")
    form.get_by_label("What the bank does").select_option("latency")
    form.get_by_label("Milliseconds late").fill("soon")
    board.press("Switch on")
    board.said("Not done.", "Milliseconds must be a number.")
    assert switches(simulator) == []


def test_logins_are_reset_and_webhooks_fired(board, bank):
    with Receiver() as receiver:
        token = linked(bank, webhook=receiver.url)
        assert receiver.next()[0]["webhook_code"] == "SYNC_UPDATES_AVAILABLE"
        board.open()
        row = board.section("Linked Items").get_by_role("listitem").first
        row.get_by_label("Webhook for Alder & Oak Bank").select_option("PENDING_DISCONNECT")
        row.get_by_role("button", name="Fire this webhook").click()
        board.said("PENDING_DISCONNECT is on its way")
        codes = [receiver.next()[0]["webhook_code"]]
        row.get_by_role("button", name="Reset login").click()
        board.said("now asks to sign in again")
        codes.append(receiver.next()[0]["webhook_code"])
    assert codes == ["PENDING_DISCONNECT", "ERROR"]
    assert code_of(bank, token) == "ITEM_LOGIN_REQUIRED"
    board.open()
    told = board.section("Last webhooks").get_by_role("listitem")
    expect(told.filter(has_text="ITEM PENDING_DISCONNECT").first).to_contain_text("Alder & Oak Bank")
    bank.call("/item/remove", access_token=token)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "320px"])
def test_it_is_accessible_full_and_empty_and_nothing_goes_sideways(boards, simulator, bank, size, scheme):
    board = boards(size, scheme)
    linked(bank, webhook="http://127.0.0.1:9/webhooks")
    board.page.goto(board.url)
    check(board, "home")
    board.open()
    check(board, "nothing on")
    board.press("Play Slow bank")
    check(board, "slow")
    board.press("Play Access withdrawn at the bank")
    switch(simulator, "drop", endpoint="/webhook_verification_key/get", after=True)
    board.press("Play Tip arrives")
    check(board, "full")
    for kind in ("latency", "account_vanishes"):
        board.section("Add a switch").get_by_label("What the bank does").select_option(kind)
        check(board, kind)


def check(board: Board, what: str) -> None:
    found = Axe().run(board.page, options=OPTIONS).response["violations"]
    told = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
    assert told == [], f"{what}: {told}"
    sideways = board.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert sideways <= 0, f"{what} scrolls sideways"
    assert board.page.evaluate(SMALL_TARGETS) == [], what


def post(process: SimulatorProcess, path: str, **headers: str) -> int:
    data = urllib.parse.urlencode({"kind": "html"}).encode()
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    request = urllib.request.Request(process.url + path, data=data, headers=named, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_its_policy_is_strict_and_other_sites_can_press_nothing(simulator, bank):
    with urllib.request.urlopen(simulator.url + "/switchboard", timeout=10) as answer:
        policy, page = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page)
    for site in ("cross-site", "same-site"):
        assert post(simulator, "/switchboard/add", Sec_Fetch_Site=site) == 403
    assert (
        post(simulator, "/switchboard/play/nothing") == 200
    )  # back on the page, which says that there is none
    assert switches(simulator) == []
    lift_all(simulator)


def test_no_link_puts_words_on_the_page(simulator, board):
    board.page.goto(f"{board.url}/switchboard?note=You%20owe%20me&item=%3Cscript%3E")
    expect(board.page.get_by_role("status")).to_have_count(0)
    expect(board.page.get_by_text("You owe me")).to_have_count(0)
