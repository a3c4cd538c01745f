"""What the tests of the simulated Twilio share: the real client, raw calls, and a server that texts report to."""

from __future__ import annotations

import base64
import http.client
import json
import os
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.simulator.controls import ask, switch
from tests.support.simulator import (
    REPOSITORY,
    TWILIO_ACCOUNT_SID,
    TWILIO_AUTH_TOKEN,
    TWILIO_NUM,
    SimulatorProcess,
)

SPEC = (
    Path(os.environ.get("CASHVIEW_SPECS", REPOSITORY.parent / "shared" / "specs"))
    / "twilio-messages-openapi.json"
)
NO_SPEC = f"Twilio's OpenAPI description is not there ({SPEC.name}; CASHVIEW_SPECS names its directory)"
MESSAGES = f"/2010-04-01/Accounts/{TWILIO_ACCOUNT_SID}/Messages"
ADA, BOB = "+14155552671", "+14155552672"


class Phone:
    """The simulated Twilio over plain HTTP."""

    def __init__(self, process: SimulatorProcess) -> None:
        self.process = process

    def call(
        self,
        method: str,
        path: str,
        form: dict[str, Any] | None = None,
        auth: tuple[str, str] | None = (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN),
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and raw body."""
        data = None if form is None else urlencode(form).encode()
        request = urllib.request.Request(self.process.url + path, data=data, method=method)
        if auth is not None:
            given = base64.b64encode(":".join(auth).encode()).decode()
            request.add_header("Authorization", f"Basic {given}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, dict(refused.headers), refused.read()

    def create(self, **changes: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a create call; a field that is None is left out."""
        fields = {"To": ADA, "From": TWILIO_NUM, "Body": "Hello"} | changes
        form = {name: value for name, value in fields.items() if value is not None}
        status, _, body = self.call("POST", f"{MESSAGES}.json", form)
        return status, json.loads(body)

    def send(self, **changes: Any) -> str:
        """The sid of a text that was accepted."""
        status, answer = self.create(**changes)
        assert status == 201, answer
        return answer["sid"]

    def fetch(self, sid: str) -> dict[str, Any]:
        status, _, body = self.call("GET", f"{MESSAGES}/{sid}.json")
        assert status == 200, body
        return json.loads(body)

    def until(self, sid: str, status: str) -> dict[str, Any]:
        """The text once it has a status."""
        return eventually(lambda: self.fetch(sid), lambda text: text["status"] == status)

    def switch(self, kind: str, **more: Any) -> str:
        return switch(self.process, kind, vendor="twilio", **more)

    def reply(self, body: str, number: str = ADA) -> None:
        """A person answers from the phone page."""
        data = urlencode({"to": number, "body": body})
        with closing(http.client.HTTPConnection("127.0.0.1", self.process.port, timeout=20)) as connection:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/phone/reply", data, form)
            assert connection.getresponse().status == 303

    def messages(self, number: str = ADA) -> list[dict[str, Any]]:
        return ask(self.process, "GET", f"/phone/messages.json?to={number.replace('+', '%2B')}")[1][
            "messages"
        ]

    def listen_at(self, url: str | None) -> None:
        """Where replies are posted from now on."""
        assert ask(self.process, "PUT", "/phone/inbound", {"url": url})[0] == 200


def eventually(
    get: Callable[[], Any], right: Callable[[Any], bool], tries: int = 200, pause_s: float = 0.05
) -> Any:
    """Asks again and again until the answer is right; the last answer, if it never is, fails the test."""
    answer = get()
    for _ in range(tries):
        if right(answer):
            return answer
        threading.Event().wait(pause_s)
        answer = get()
    raise AssertionError(f"never right: {answer}")


class Hook:
    """A server that Twilio's requests come to: each as its fields and its signature."""

    def __init__(self) -> None:
        self.received: queue.Queue[tuple[dict[str, str], str]] = queue.Queue()
        self.answer = (200, b"<Response/>")
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
                hook.received.put(
                    (dict(parse_qsl(raw, keep_blank_values=True)), self.headers["X-Twilio-Signature"])
                )
                status, body = hook.answer
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/twilio?id=1%202&x="

    def next(self) -> tuple[dict[str, str], str]:
        return self.received.get(timeout=15)

    def statuses(self, count: int) -> list[str]:
        """The next statuses that were reported, in the order they came."""
        return [self.next()[0]["MessageStatus"] for _ in range(count)]


@contextmanager
def running_hook() -> Iterator[Hook]:
    hook = Hook()
    threading.Thread(target=hook.server.serve_forever, daemon=True).start()
    try:
        yield hook
    finally:
        hook.server.shutdown()
        hook.server.server_close()
