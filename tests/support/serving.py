"""The application over real HTTP in this process, so that a test can count what a request does."""

from __future__ import annotations

import http.client
import secrets
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.serving import make_server

from models import User
from services import sessions


class ServedApp:
    """The application on a free port of 127.0.0.1, several threads, until the `with` ends."""

    def __init__(self, app: Flask) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def get(self, path: str, cookie: str) -> tuple[int, str]:
        """Status and body of one GET on a connection of its own."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request("GET", path, headers={"Cookie": cookie})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


def signed_in(app: Flask, user: User) -> str:
    """The Cookie header of a browser in which this person signed in a moment ago."""
    token = secrets.token_urlsafe(32)
    sessions.save(token, user.id, {"_user_id": user.get_id(), "_fresh": True}, create=True)
    return f"{app.config['SESSION_COOKIE_NAME']}={token}"
