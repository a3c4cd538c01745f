"""A vendor as raw bytes on a socket: for answers no HTTP server would give, and for the request's own bytes."""

from __future__ import annotations

import socket
import struct
import threading
from types import TracebackType

HANG = b"<hang>"
RESET = b"<reset>"


def http(
    status: int,
    body: bytes,
    content_type: str = "application/json",
    length: int | None = None,
    headers: str = "",
) -> bytes:
    """An HTTP/1.1 answer that closes; `length` may lie about the body. `headers` are whole lines."""
    count = len(body) if length is None else length
    head = f"HTTP/1.1 {status} Raw\r\nContent-Type: {content_type}\r\nContent-Length: {count}\r\nConnection: close\r\n"
    return (head + headers).encode() + b"\r\n" + body


class RawVendor:
    """Answers every connection with the same bytes, or hangs, or resets it. `heads` and `bodies` are the requests'."""

    def __init__(self, answer: bytes) -> None:
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self._answer = answer
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = []

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._over.is_set():
                connection.close()
                return
            self._threads.append(threading.Thread(target=self._talk, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            head, body = _read_request(connection)
            self.heads.append(head)
            self.bodies.append(body)
            if self._answer == HANG:
                self._over.wait(30)
            elif self._answer == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.sendall(self._answer)

    def __enter__(self) -> RawVendor:
        self._threads.append(threading.Thread(target=self._serve, daemon=True))
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        socket.create_connection(self._listener.getsockname(), timeout=5).close()
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


def _read_request(connection: socket.socket) -> tuple[str, bytes]:
    """The request's head and body (closing with unread bytes would reset the connection)."""
    data = b""
    while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    text = head.decode()
    length = next(
        (int(line[15:]) for line in text.split("\r\n") if line.lower().startswith("content-length:")), 0
    )
    while len(body) < length and (more := connection.recv(65536)):
        body += more
    return text, body
