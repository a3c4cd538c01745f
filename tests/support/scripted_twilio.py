"""A vendor of texts over real HTTP: takes every text unless told otherwise, remembers them, and signs as Twilio does.

with ScriptedTwilio() as twilio:
    app_with(**twilio.settings)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

from flask import Flask
from werkzeug.test import TestResponse

ACCOUNT_SID, AUTH_TOKEN = "AC" + "0a" * 16, "token-of-the-test-55e1"
SENDER = "+15005550006"
PUBLIC = "https://cashview.example"


class ScriptedTwilio:
    """`refuse_next(400, 21211)` makes the next request fail so. `texts` are the forms of every request."""

    def __init__(self) -> None:
        self.texts: list[dict[str, str]] = []
        self._failures: deque[tuple[int, int | None]] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def settings(self) -> dict[str, Any]:
        """Settings (fields of config.Settings) of an application that texts through this vendor."""
        return {
            "twilio_account_sid": ACCOUNT_SID,
            "twilio_auth_token": AUTH_TOKEN,
            "twilio_num": SENDER,
            "twilio_base_url": self.url,
            "public_base_url": PUBLIC,
            "trusted_hosts": ("localhost", "127.0.0.1", "cashview.example"),
        }

    @property
    def environ(self) -> dict[str, str]:
        """The same as the environment of a process (without a public address)."""
        return {
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_NUM": SENDER,
            "TWILIO_BASE_URL": self.url,
        }

    def refuse_next(self, status: int, code: int | None) -> None:
        self._failures.append((status, code))

    def code(self) -> str:
        """The code in the newest text."""
        found = re.search(r"\b(\d{6})\b", self.texts[-1]["Body"])
        assert found, "the newest text carries no code"
        return found[1]

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.texts.append(form)
        if self._failures:
            status, code = self._failures.popleft()
            return status, {"code": code, "message": "no", "more_info": "", "status": status}
        return 201, {
            "sid": f"SM{len(self.texts):032x}",
            "status": "queued",
            "to": form["To"],
            "body": form["Body"],
        }

    def __enter__(self) -> ScriptedTwilio:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _handler(vendor: ScriptedTwilio) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, body = vendor.answer({name: values[-1] for name, values in parse_qs(raw).items()})
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


def signature(url: str, fields: dict[str, str], token: str = AUTH_TOKEN) -> str:
    """Twilio's documented algorithm, written here a second time."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def post(
    app: Flask, path: str, fields: dict[str, str], *, signed: str | None = "", **options: Any
) -> TestResponse:
    """A webhook as Twilio calls it; `signed` replaces the right signature, None leaves it out."""
    mark = signature(PUBLIC + path, fields) if signed == "" else signed
    headers = {} if mark is None else {"X-Twilio-Signature": mark}
    return app.test_client().post(path, data=fields, headers=headers, base_url=PUBLIC, **options)
