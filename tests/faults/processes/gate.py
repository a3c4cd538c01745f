"""A gate between CashView's processes and the simulator: a call can be held there, before or after its work is done.

So a test knows where a process stands, and which process it is, and does the worst at that very moment.
"""

from __future__ import annotations

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

PATIENCE_SECONDS = 60.0
PASSED_ON = ("Content-Type", "Authorization", "PLAID-CLIENT-ID", "PLAID-SECRET", "Plaid-Version")


class Stop:
    """One call that is to be held. `after`: the bank has done its work, and only the answer is held."""

    def __init__(self, path: str, *, after: bool) -> None:
        self.path, self.after = path, after
        self.lost = False
        self.port = 0
        """The port the caller called from: it tells which process that is."""
        self._reached, self._open = threading.Event(), threading.Event()

    def wait(self) -> Self:
        """Until a call stands at the gate."""
        assert self._reached.wait(PATIENCE_SECONDS), f"nobody called {self.path}"
        return self

    def release(self) -> None:
        self._open.set()

    def lose(self) -> None:
        """Let the call go nowhere: the bank never hears of it."""
        self.lost = True
        self._open.set()

    def hold(self, port: int) -> None:
        self.port = port
        self._reached.set()
        self._open.wait(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Gate:
    """Passes every call on to the simulator. `answers` keeps (path, body, status, answer) of each."""

    def __init__(self, simulator_url: str) -> None:
        self._upstream = urlsplit(simulator_url).netloc
        self._stops: list[Stop] = []
        self._lock = threading.Condition()
        self.answers: list[tuple[str, dict[str, Any], int, dict[str, Any]]] = []
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # Twilio's look-ups, which nothing holds
                self.pass_on()

            def do_POST(self) -> None:
                self.pass_on()

            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
                status, kind, answer = gate.pass_on(self, body, headers)
                head = f"HTTP/1.1 {status} Passed\r\nContent-Type: {kind}\r\nContent-Length: {len(answer)}"
                self.wfile.write(head.encode() + b"\r\n\r\n" + answer)

            def log_message(self, *_args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_args: object) -> None:
                """A caller that was killed does not wait for its answer."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def stop(self, path: str, *, after: bool = False) -> Stop:
        """Hold the next call of this path. Use it as a context manager: leaving it lets the call go on."""
        stop = Stop(path, after=after)
        with self._lock:
            self._stops.append(stop)
        return stop

    def forget(self) -> None:
        """Let everything pass again."""
        with self._lock:
            for stop in self._stops:
                stop.release()
            self._stops.clear()
            self.answers.clear()

    def answered(self, path: str) -> list[dict[str, Any]]:
        with self._lock:
            return [answer for asked, _, _, answer in self.answers if asked == path]

    def wait_for_answers(self, path: str, number: int) -> None:
        """Until the simulator has answered this path so often."""
        with self._lock:
            enough = lambda: sum(asked == path for asked, *_ in self.answers) >= number  # noqa: E731
            assert self._lock.wait_for(enough, PATIENCE_SECONDS), f"{path} was not called {number} times"

    def pass_on(
        self, call: BaseHTTPRequestHandler, body: bytes, headers: dict[str, str]
    ) -> tuple[int, str, bytes]:
        """One call: status, content type and body of the answer."""
        path, port = call.path, call.client_address[1]
        with self._lock:
            stop = next((each for each in self._stops if each.path == path), None)
            if stop is not None:
                self._stops.remove(stop)
        if stop is not None and not stop.after:
            stop.hold(port)
            if stop.lost:
                raise ConnectionAbortedError
        status, kind, answer = self._ask(call.command, path, body, headers)
        with self._lock:
            self.answers.append((path, _object(body), status, _object(answer)))
            self._lock.notify_all()
        if stop is not None and stop.after:
            stop.hold(port)
        return status, kind, answer

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(self._upstream, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.headers.get("Content-Type", ""), response.read()
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.forget()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _object(data: bytes) -> dict[str, Any]:
    try:
        return json.loads(data)
    except ValueError:
        return {}
