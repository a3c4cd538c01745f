"""What a call meets instead of its answer when a switch says so."""

from __future__ import annotations

import time

from flask import Response

from simulator.connection import hang_up
from simulator.errors import PlaidError
from simulator.switches import Switch

_PAGE = (
    "<!doctype html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>\n"
)


def meet(switch: Switch, answer: Response | None) -> Response:
    """The fault. `answer` is what the call would have been told, when its work is done already."""
    if switch.kind == "error":
        raise PlaidError(switch.code or "INTERNAL_SERVER_ERROR")
    if switch.kind == "http_500":
        return Response("Internal Server Error\n", 500, mimetype="text/plain")
    if switch.kind == "html":
        return Response(_PAGE, mimetype="text/html")
    if switch.kind == "truncated" and answer is not None:
        return Response(answer.get_data()[:-7], mimetype="application/json")
    time.sleep(switch.seconds)
    return hang_up()


def comes_after(switch: Switch) -> bool:
    """Whether the call does its work first: only what was written can be cut short."""
    return switch.after or switch.kind == "truncated"
