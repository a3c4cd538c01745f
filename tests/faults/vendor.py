"""A scripted vendor that can also break its connections, and gateways whose calls can be turned away."""

from __future__ import annotations

import json
import socket
import struct
import threading
from enum import Enum
from typing import Any

from providers.plaid import PlaidGateway, PlaidOptions
from tests.support.scripted_plaid import ScriptedPlaid, failure


class Break(Enum):
    """What happens to a connection in place of an answer."""

    HANG = "hangs past the time-out"
    RESET = "reset"
    DROPPED = "dropped after the headers"
    SILENT = "closed without a byte"


class FaultyPlaid(ScriptedPlaid):
    """ScriptedPlaid whose answers may be a Break: (200, Break.RESET)."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()
        script, usual = self, self._server.RequestHandlerClass

        class Handler(usual):  # type: ignore[misc, valid-type]
            def do_POST(self) -> None:  # noqa: N802 - the library's name
                length = int(self.headers.get("Content-Length", 0))
                status, payload = script._answer(self.path, json.loads(self.rfile.read(length) or b"{}"))
                if isinstance(payload, Break):
                    self._break(payload)
                    return
                data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                kind = "text/html" if data[:1] == b"<" else "application/json"
                head = f"HTTP/1.1 {status} Scripted\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}"
                self.wfile.write(head.encode() + b"\r\n\r\n" + data)

            def _break(self, how: Break) -> None:
                if how is Break.HANG:
                    script.over.wait(5)
                elif how is Break.RESET:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                elif how is Break.DROPPED:
                    self.wfile.write(b"HTTP/1.1 200 Scripted\r\nContent-Length: 500\r\n\r\n" + b'{"accounts"')
                self.wfile.flush()
                self.close_connection = True

        self._server.RequestHandlerClass = Handler

    def forget(self) -> None:
        """Nothing asked, nothing queued: the next test's script begins."""
        self.requests.clear()
        self._queued.clear()

    def __exit__(self, *about: object) -> None:
        self.over.set()
        super().__exit__(*about)


class Refusing(PlaidGateway):
    """The real gateway; while `refused` is set, calls of that method go to a port where nobody listens.

    `only` limits it to requests that carry this access token (or none), `after` to those after so many.
    """

    def __init__(self, url: str) -> None:
        super().__init__(_options(url))
        self._nobody = PlaidGateway(_options("http://127.0.0.1:9"))  # the discard port
        self.refused: str | None = None
        self.only: str | None = None
        self.after = 0

    def _call(self, method: str, request: Any, timeout: tuple[float, float]) -> dict[str, Any]:
        token = request.to_dict().get("access_token")
        if method == self.refused and token in (self.only, None):
            if self.after == 0:
                return self._nobody._call(method, request, timeout)
            self.after -= 1
        return super()._call(method, request, timeout)


def _options(url: str) -> PlaidOptions:
    return PlaidOptions(
        host=url, client_id="id", secret="secret", products=["transactions"], country_codes=["US"]
    )


REFUSED = object()
"""A transport failure that needs the gateway's help: nobody listens."""

TRANSPORT: dict[str, Any] = {
    "refused": REFUSED,
    "reset": (200, Break.RESET),
    "closed silently": (200, Break.SILENT),
    "hangs": (200, Break.HANG),
    "dropped after the headers": (200, Break.DROPPED),
    "500 empty": (500, b""),
    "502 HTML": (502, b"<html><h1>Bad gateway</h1></html>"),
    "503 HTML": (503, b"<html>busy</html>"),
    "200 HTML": (200, b"<html>Welcome</html>"),
    "200 truncated JSON": (200, b'{"accounts": [{"account_id": "a'),
    "200 empty": (200, b""),
    "200 a list": (200, b"[]"),
    "200 null": (200, b"null"),
    "200 a missing field": (200, b'{"request_id": "x"}'),
}

__all__ = ["REFUSED", "TRANSPORT", "Break", "FaultyPlaid", "Refusing", "failure"]
