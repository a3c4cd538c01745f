"""What the tests of SimLink share: the real simulator, a strict host page of another origin, a watched tab.

The host page's policy is the one CashView sends for its page with Link. Every console error, page error and
policy violation, in the host or in the frame, fails the test that saw it.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Frame, FrameLocator, Page, Playwright

from scripts.browser import find_chromium
from tests.support.simulator import CLIENT_ID, SANDBOX_SECRET, SimulatorProcess

WAIT_MS = 10_000

HOST_HTML = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Host page</title><link rel="icon" href="data:,"></head>
<body>
<main><h1>Host page</h1><button id="opener" type="button">Link institution</button>
<p><a id="behind" href="#behind">A link behind</a></p></main>
<script src="{simulator}/link/v2/stable/link-initialize.js"></script>
<script src="/host.js"></script>
</body></html>"""
HOST_JS = """
window.calls = [];
window.make = (token, more = {}) => Plaid.create({
  token,
  onSuccess: (...args) => calls.push({ name: 'onSuccess', args }),
  onExit: (...args) => calls.push({ name: 'onExit', args }),
  onEvent: (...args) => calls.push({ name: 'onEvent', args }),
  onLoad: (...args) => calls.push({ name: 'onLoad', args }),
  ...more,
});
const token = new URLSearchParams(location.search).get('token');
if (token) {
  window.handler = make(token);
  document.getElementById('opener').addEventListener('click', () => handler.open());
}
"""
WATCH_JS = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI} at ${location.origin}`);
});
"""


class Simulator(SimulatorProcess):
    """The running program, spoken to over HTTP only."""

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Plaid-Version": "2020-09-14"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read() or b"{}")

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        """A call of Plaid's API that must succeed."""
        status, answer = self.post(path, {"client_id": CLIENT_ID, "secret": SANDBOX_SECRET} | body)
        assert status == 200, f"{path}: {status} {answer.get('error_code')} {answer.get('error_message')}"
        return answer

    def link_token(self, **changes: Any) -> str:
        """A new link token; a change to None leaves the key out."""
        body: dict[str, Any] = {
            "client_name": "CashView",
            "language": "en",
            "country_codes": ["US", "CA"],
            "user": {"client_user_id": "someone"},
            "products": ["transactions"],
        }
        sent = {key: value for key, value in (body | changes).items() if value is not None}
        return self.call("/link/token/create", **sent)["link_token"]

    def accounts_of(self, public_token: str) -> list[dict[str, Any]]:
        """Exchanges the token and gives the Item's accounts as Plaid's API has them."""
        access_token = self.call("/item/public_token/exchange", public_token=public_token)["access_token"]
        return self.call("/accounts/get", access_token=access_token)["accounts"]


@contextmanager
def running_host(simulator: str) -> Iterator[str]:
    """Serves the host page, with CashView's policy for the page with Link; gives its origin."""
    policy = (
        f"default-src 'self'; script-src 'self' {simulator}; style-src 'self'; img-src 'self' data:; "
        f"frame-src {simulator}; connect-src 'self' {simulator}; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script = self.path.startswith("/host.js")
            body = (HOST_JS if script else HOST_HTML.format(simulator=simulator)).encode()
            self.send_response(200)
            self.send_header("Content-Type", f"text/{'javascript' if script else 'html'}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium if there is one, else Playwright's own."""
    return playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])


@dataclass
class Visitor:
    """A person at the host page."""

    page: Page
    simulator: Simulator
    host: str
    problems: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Collects every console error, page error and policy violation of the host and the frame."""
        self.page.set_default_timeout(WAIT_MS)
        self.page.add_init_script(WATCH_JS)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _note(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.problems.append(line.text)

    @property
    def link(self) -> FrameLocator:
        return self.page.frame_locator("dialog iframe")

    @property
    def frame(self) -> Frame:
        return next(frame for frame in self.page.frames if frame.url.startswith(self.simulator.url))

    def visit(self, token: str | None = None) -> None:
        self.page.goto(f"{self.host}/?token={token or self.simulator.link_token()}")

    def open(self, token: str | None = None) -> None:
        self.visit(token)
        self.page.get_by_role("button", name="Link institution").click()

    def press(self, name: str) -> None:
        self.link.get_by_role("button", name=name, exact=True).click()

    def heading(self, text: str) -> None:
        """Waits until the pane with this heading is shown."""
        self.link.get_by_role("heading", name=text, level=1).wait_for()

    def to_list(self) -> None:
        self.press("Continue")
        self.heading("Select your institution")
        self.link.get_by_role("list", name="Institutions").get_by_role("button").first.wait_for()

    def choose(self, institution: str) -> None:
        with self.page.expect_response("**/link/api/institutions"):
            self.link.get_by_role("searchbox").fill(institution)
        self.link.get_by_text(re.compile(r"^\d+ institutions?$")).wait_for()
        buttons = self.link.get_by_role("list", name="Institutions").get_by_role("button")
        buttons.filter(has=self.link.get_by_text(institution, exact=True)).first.click()

    def sign_in(
        self, password: str = "pass_good", username: str = "user_good", pin: str | None = None
    ) -> None:
        self.link.get_by_label("Username").fill(username)
        self.link.get_by_label("Password", exact=True).fill(password)
        if pin is not None:
            self.link.get_by_label("PIN", exact=True).fill(pin)
        self.press("Submit")

    def to_sign_in(self, institution: str = "First Platypus Bank") -> None:
        self.open()
        self.to_list()
        self.choose(institution)
        self.heading(f"Sign in to {institution}")

    def to_accounts(self, institution: str = "First Platypus Bank") -> None:
        self.to_sign_in(institution)
        self.sign_in()
        self.heading("Select accounts")

    def complete(self) -> tuple[str, dict[str, Any]]:
        """From the accounts to the end; gives onSuccess' arguments."""
        self.heading("Select accounts")
        self.press("Continue")
        return self.end_happily()

    def end_happily(self) -> tuple[str, dict[str, Any]]:
        self.heading("Success")
        self.press("Finish")
        public_token, metadata = self.wait_for_call("onSuccess")
        return public_token, metadata

    def wait_for_call(self, name: str) -> list[Any]:
        found = self.page.wait_for_function("(name) => calls.find((call) => call.name === name)", arg=name)
        return found.json_value()["args"]

    def calls(self, name: str) -> list[list[Any]]:
        return [call["args"] for call in self.page.evaluate("calls") if call["name"] == name]

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        return [(name, metadata) for name, metadata in self.calls("onEvent")]

    def overlay_shown(self) -> bool:
        return self.page.locator("dialog[data-simlink]").is_visible()


@contextmanager
def visiting(browser: Browser, simulator: Simulator, host: str, **context_options: Any) -> Iterator[Visitor]:
    """A watched visitor in a context of their own; what the watch saw fails the test."""
    context = browser.new_context(**context_options)
    visitor = Visitor(context.new_page(), simulator, host)
    visitor.watch()
    try:
        yield visitor
    finally:
        context.close()
    assert visitor.problems == []
