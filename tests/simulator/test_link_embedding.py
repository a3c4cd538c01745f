"""SimLink as a guest in a page: the API of window.Plaid, the keyboard, and who is believed."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.simulator.link_harness import Simulator, launch, running_host, visiting

pytestmark = pytest.mark.slow


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


@pytest.fixture
def visitor(chromium, simulator, host):
    with visiting(chromium, simulator, host) as person:
        yield person


def consent(visitor, client="CashView"):
    visitor.heading(f"{client} uses SimLink to connect your account")


def test_the_handler_has_the_documented_surface(visitor):
    visitor.visit()

    assert visitor.page.evaluate("Object.keys(handler).sort()") == ["destroy", "exit", "open", "submit"]
    assert visitor.page.evaluate("typeof Plaid.version") == "string"
    assert visitor.page.evaluate("(() => { try { Plaid.create({}); } catch (e) { return e.message; } })()")


def test_open_before_the_frame_has_loaded_is_done_when_it_has(visitor):
    visitor.visit()
    token = visitor.simulator.link_token()

    was_loaded = visitor.page.evaluate(
        """(token) => {
          calls.length = 0;
          window.early = make(token);
          early.open();
          return calls.some((call) => call.name === 'onLoad');
        }""",
        token,
    )

    assert not was_loaded
    visitor.wait_for_call("onLoad")
    frame = visitor.page.frame_locator("dialog[open] iframe")
    frame.get_by_role("heading", name="CashView uses SimLink to connect your account").wait_for()


def test_exit_asks_and_forced_exit_does_not(visitor):
    visitor.open()
    consent(visitor)
    visitor.page.evaluate("handler.exit()")
    visitor.link.get_by_role("dialog", name="Leave without connecting?").wait_for()
    assert visitor.calls("onExit") == []

    visitor.page.evaluate("handler.exit({ force: true })")
    error, _ = visitor.wait_for_call("onExit")
    assert error is None
    assert not visitor.overlay_shown()


def test_a_handler_can_be_opened_again_as_a_new_session(visitor):
    visitor.open()
    consent(visitor)
    visitor.page.evaluate("handler.exit({ force: true })")
    visitor.wait_for_call("onExit")
    visitor.page.get_by_role("button", name="Link institution").click()
    consent(visitor)

    sessions = [metadata["link_session_id"] for name, metadata in visitor.events() if name == "OPEN"]
    assert len(set(sessions)) == 2


def test_destroy_takes_the_overlay_away_and_calls_nobody(visitor):
    visitor.open()
    consent(visitor)
    before = len(visitor.page.evaluate("calls"))
    visitor.page.evaluate("handler.destroy()")

    assert visitor.page.locator("iframe").count() == 0
    assert visitor.page.evaluate("document.documentElement.style.overflow") == ""
    visitor.page.evaluate("handler.open(); handler.exit({ force: true })")
    assert len(visitor.page.evaluate("calls")) == before
    visitor.page.get_by_role("link", name="A link behind").click()  # the page is usable again


def test_an_error_in_a_callback_does_not_keep_the_overlay(visitor):
    visitor.visit()
    visitor.page.evaluate(
        "(token) => make(token, { onExit() { throw new Error('host bug'); } }).open()",
        visitor.simulator.link_token(),
    )
    frame = visitor.page.frame_locator("dialog[open] iframe")
    frame.get_by_role("button", name="Close").click()
    frame.get_by_role("button", name="Leave").click()

    # (Not wait_for_function: where it has to wait it needs eval, which the page's policy forbids.)
    expect(visitor.page.locator("dialog[open]")).to_have_count(0)
    expect(visitor.page.locator("html")).not_to_have_attribute("style", re.compile("overflow"))
    assert visitor.problems == ["host bug"]
    visitor.problems.clear()


def test_the_page_behind_is_inert_and_does_not_scroll(visitor):
    visitor.open()
    consent(visitor)

    overlay = visitor.page.get_by_role("dialog", name="Connect a bank account")
    assert overlay.get_attribute("aria-modal") == "true"
    assert visitor.page.locator("dialog iframe").get_attribute("title")
    visitor.page.evaluate("document.getElementById('behind').focus()")
    assert visitor.page.evaluate("document.activeElement.id") != "behind"
    assert visitor.page.evaluate("getComputedStyle(document.documentElement).overflowY") == "hidden"


def test_the_whole_way_by_keyboard(visitor):
    visitor.visit()
    keyboard = visitor.page.keyboard
    visitor.page.locator("#opener").focus()
    keyboard.press("Enter")
    consent(visitor)
    _tab_to(visitor, "Continue")
    keyboard.press("Enter")
    visitor.heading("Select your institution")
    visitor.link.get_by_role("button", name="Windowpane Bank").wait_for()
    keyboard.type("windowp")  # the search field has focus
    visitor.link.get_by_text("1 institution", exact=True).wait_for()
    _tab_to(visitor, "Windowpane Bank")
    keyboard.press("Enter")
    visitor.heading("Sign in to Windowpane Bank")
    keyboard.type("user_good")
    keyboard.press("Tab")
    keyboard.type("pass_good")
    keyboard.press("Enter")
    visitor.heading("Select accounts")
    _tab_to(visitor, "Untick all")
    keyboard.press("Tab")
    keyboard.press("Space")
    _tab_to(visitor, "Continue")
    keyboard.press("Enter")
    visitor.heading("Success")
    _tab_to(visitor, "Finish")
    keyboard.press("Enter")

    _, metadata = visitor.wait_for_call("onSuccess")
    assert metadata["institution"]["name"] == "Windowpane Bank"
    assert visitor.page.evaluate("document.activeElement.id") == "opener"


def _focused_name(visitor) -> str:
    return visitor.frame.evaluate(
        "(document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || '').trim()"
    )


def _tab_to(visitor, name: str) -> None:
    for _ in range(60):
        if name in _focused_name(visitor):
            return
        visitor.page.keyboard.press("Tab")
    raise AssertionError(f"{name} can't be reached with Tab")


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_tab_stays_within_the_frame_and_within_the_question(visitor, key):
    visitor.open()
    consent(visitor)
    seen = set()
    for _ in range(8):
        visitor.page.keyboard.press(key)
        assert visitor.frame.evaluate("document.hasFocus()")
        seen.add(_focused_name(visitor))
    assert seen == {"Close", "Continue"}

    visitor.page.keyboard.press("Escape")
    visitor.link.get_by_role("dialog").wait_for()
    seen = set()
    for _ in range(6):
        visitor.page.keyboard.press(key)
        seen.add(_focused_name(visitor))
    assert seen == {"Keep going", "Leave"}


def test_escape_asks_escape_again_stays_and_leaving_returns_focus(visitor):
    visitor.visit()
    visitor.page.locator("#opener").focus()
    visitor.page.keyboard.press("Enter")
    consent(visitor)
    question = visitor.link.get_by_role("dialog", name="Leave without connecting?")

    visitor.page.keyboard.press("Escape")
    question.wait_for()
    visitor.page.keyboard.press("Escape")
    question.wait_for(state="hidden")
    assert visitor.overlay_shown()

    visitor.page.keyboard.press("Escape")
    _tab_to(visitor, "Leave")
    visitor.page.keyboard.press("Enter")
    visitor.wait_for_call("onExit")
    assert visitor.page.evaluate("document.activeElement.id") == "opener"


def test_focus_returns_to_an_opener_that_was_disabled_meanwhile(visitor):
    """Apps disable their button while Link is open, and enable it in the callback."""
    visitor.visit()
    visitor.page.evaluate(
        """(token) => {
          const opener = document.getElementById('opener');
          const handler = make(token, { onExit() { opener.disabled = false; window.left = true; } });
          opener.addEventListener('click', (event) => {
            event.stopImmediatePropagation();
            handler.open();
            opener.disabled = true;
          }, { capture: true });
        }""",
        visitor.simulator.link_token(),
    )
    visitor.page.get_by_role("button", name="Link institution").click()
    frame = visitor.page.frame_locator("dialog[open] iframe")
    frame.get_by_role("button", name="Close").click()
    frame.get_by_role("button", name="Leave").click()

    visitor.page.wait_for_function("window.left")
    assert visitor.page.evaluate("document.activeElement.id") == "opener"


def test_escape_works_after_a_click_on_the_dimmed_page(visitor):
    visitor.open()
    consent(visitor)
    visitor.page.mouse.click(5, 5)
    assert visitor.frame.evaluate("document.hasFocus()")
    visitor.page.keyboard.press("Escape")
    visitor.link.get_by_role("dialog", name="Leave without connecting?").wait_for()


FORGED_SUCCESS = "({ simlink: 'success', publicToken: 'public-forged', metadata: {} })"


def test_the_page_believes_only_its_frame(visitor):
    visitor.open()
    consent(visitor)
    visitor.page.evaluate(f"window.postMessage({FORGED_SUCCESS}, '*')")  # neither that window nor that origin
    other = _add_frame(visitor, visitor.frame.url)  # that origin, but another window
    other.evaluate(f"window.parent.postMessage({FORGED_SUCCESS}, '*')")

    _let_messages_arrive(visitor)
    assert visitor.calls("onSuccess") == []
    assert visitor.overlay_shown()


def test_the_frame_obeys_only_the_page_that_embeds_it(visitor):
    visitor.open()
    consent(visitor)
    visitor.frame.evaluate(
        "window.postMessage({ simlink: 'leave' }, '*')"
    )  # neither that window nor that origin
    other = _add_frame(visitor, "about:blank")  # the page's origin, but another window
    other.evaluate("window.parent.frames[0].postMessage({ simlink: 'leave' }, '*')")

    _let_messages_arrive(visitor)
    assert visitor.calls("onExit") == []
    assert visitor.overlay_shown()
    visitor.page.evaluate("window.frames[0].postMessage({ simlink: 'leave' }, '*')")
    visitor.wait_for_call("onExit")  # the same message from the page itself is obeyed


def _add_frame(visitor, address: str):
    """Another frame in the page, loaded."""
    before = set(visitor.page.frames)
    visitor.page.evaluate(
        """(address) => new Promise((loaded) => {
          const frame = document.createElement('iframe');
          frame.title = 'another';
          frame.onload = loaded;
          frame.src = address;
          document.body.append(frame);
        })""",
        address,
    )
    return (set(visitor.page.frames) - before).pop()


def _let_messages_arrive(visitor) -> None:
    """Messages are delivered in order: when one more has gone to and fro, the forged ones have been read."""
    visitor.page.evaluate(
        """() => new Promise((done) => {
          window.addEventListener('message', (message) => message.data === 'mark' && done());
          setTimeout(() => window.postMessage('mark', '*'), 100);
        })"""
    )


def test_names_are_shown_as_text(visitor, simulator):
    visitor.open(simulator.link_token(client_name="<img src=x onerror=alert(1)>"))
    consent(visitor, "<img src=x onerror=alert(1)>")
    assert visitor.link.locator("main img").count() == 0


def test_a_client_s_late_answer_does_not_reach_the_next_session(visitor):
    visitor.to_sign_in()
    held = []
    visitor.page.route("**/link/api/credentials", lambda route: held.append(route))
    visitor.sign_in()
    visitor.heading("Connecting to First Platypus Bank…")
    visitor.press("Close")
    visitor.press("Leave")
    visitor.wait_for_call("onExit")
    visitor.page.get_by_role("button", name="Link institution").click()
    consent(visitor)
    with visitor.page.expect_response("**/link/api/credentials"):
        held[0].continue_()
    visitor.page.wait_for_timeout(1000)  # longer than the least time of the waiting pane

    consent(visitor)


def test_without_an_answer_the_person_is_told_and_can_leave(visitor):
    visitor.to_sign_in()
    visitor.page.route("**/link/api/credentials", lambda route: route.abort())
    visitor.sign_in()
    visitor.heading("The simulator is not answering")
    visitor.press("Exit")

    error, _ = visitor.wait_for_call("onExit")
    assert error["error_code"] == "INTERNAL_SERVER_ERROR"
    assert [line for line in visitor.problems if "ERR_FAILED" not in line] == []
    visitor.problems.clear()


def test_motion_is_left_out_when_it_is_unwanted(chromium, simulator, host):
    with visiting(chromium, simulator, host, reduced_motion="reduce") as visitor:
        visitor.open()
        consent(visitor)
        assert visitor.page.evaluate("document.getAnimations().length") == 0
        assert visitor.frame.evaluate("document.getAnimations().length") == 0


def test_only_a_loopback_page_may_frame_it_and_each_frame_only_its_own_page(simulator):
    address = f"{simulator.url}/link/v2/stable/link.html?origin="
    with urllib.request.urlopen(address + urllib.parse.quote("http://localhost:5000")) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors http://localhost:5000" in policy.split("; ")
    assert "unsafe" not in policy
    for stranger in (
        "https://evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost:5 *",
        "",
        "*",
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address + urllib.parse.quote(stranger))
        assert refused.value.code == 403
        refused.value.close()


def test_the_steps_can_not_be_skipped(simulator):
    """The frame is not trusted: without a sign-in there is no public token, whatever is posted."""
    _, started = simulator.post("/link/api/start", {"link_token": simulator.link_token()})
    visit = {"session": started["session"]}
    _, refused = simulator.post("/link/api/finish", visit | {"accounts": ["x"]})
    assert refused["error"]["error_code"] == "INVALID_FIELD"
    simulator.post("/link/api/select", visit | {"institution_id": "ins_109508"})
    login = {"username": "user_good", "password": "mfa_device"}
    _, asked = simulator.post("/link/api/credentials", visit | login)
    assert asked["step"] == "mfa"
    _, refused = simulator.post("/link/api/finish", visit | {"accounts": ["x"]})
    assert refused["error"]["error_code"] == "NO_ACCOUNTS"
    _, refused = simulator.post("/link/api/oauth", visit | {"granted": True})
    assert "error" in refused
    assert "public_token" not in refused


def test_the_watch_of_these_tests_sees_what_it_should(visitor):
    visitor.visit()
    visitor.page.evaluate("document.body.setAttribute('style', 'color: red')")
    visitor.page.wait_for_function("true")
    visitor.page.evaluate("console.error('an error')")

    assert any("policy violation: style-src" in line for line in visitor.problems)
    assert "an error" in visitor.problems
    visitor.problems.clear()
