"""The connection a call came by."""

from __future__ import annotations

import socket

from flask import Response, request


def hang_up() -> Response:
    """Ends the connection without a byte. The answer goes nowhere; only a server that keeps its socket from us
    would send it.
    """
    connection = request.environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    return Response("", 502, headers={"Connection": "close"})
