"""A server for webhooks, as a client of the simulator has it."""

from __future__ import annotations

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Received = tuple[dict[str, str], bytes]


class Receiver:
    """A server for webhooks on this machine. `statuses` are the next answers; then it is 200."""

    def __init__(self, *statuses: int) -> None:
        left = iter(statuses)
        self.received: queue.Queue[Received] = queue.Queue()
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.put((dict(self.headers), body))
                self.send_response(next(left, 200))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/plaid"

    def next(self) -> tuple[dict[str, Any], str, bytes]:
        """The next webhook: parsed, its signature, its raw body."""
        headers, body = self.received.get(timeout=15)
        return json.loads(body), headers["Plaid-Verification"], body

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
