"""A browser as far as the bench needs one: a cookie, the CSRF token, forms and JSON over real HTTP."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any
from urllib.parse import urlencode

_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


class Visitor:
    """One browser at 127.0.0.1:port. Every answer must be below 400: RuntimeError otherwise."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}
        self._token = ""

    def get(self, path: str) -> str:
        page = self._ask("GET", path, b"", {}).decode()
        if found := _TOKEN.search(page):
            self._token = found[1]
        return page

    def gzipped(self, path: str) -> bytes:
        """The body as it travels to a browser that takes gzip."""
        return self._ask("GET", path, b"", {"Accept-Encoding": "gzip"})

    def form(self, path: str, **fields: str) -> None:
        body = urlencode({"csrf_token": self._token, **fields}).encode()
        self._ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "X-CSRFToken": self._token}
        return json.loads(self._ask("POST", path, json.dumps(body).encode(), headers))

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        try:
            connection.request(method, path, body, {"Cookie": cookie, **headers})
            answer = connection.getresponse()
            for header in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = header.partition(";")[0].partition("=")
                self._cookies[name] = value
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path} answered {answer.status}")
            return answer.read()
        finally:
            connection.close()
