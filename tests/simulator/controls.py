"""The simulator's switches as a test uses them: over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from tests.support.simulator import SimulatorProcess


def ask(
    process: SimulatorProcess, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    """Status and JSON of a request (bytes are sent as they are)."""
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    named = {"Content-Type": "application/json"} | {
        key.replace("_", "-"): value for key, value in headers.items()
    }
    request = urllib.request.Request(process.url + path, data=data, headers=named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            status, raw = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            status, raw = refused.code, refused.read()
    try:
        return status, json.loads(raw)
    except ValueError:
        return status, raw.decode()


def switch(process: SimulatorProcess, kind: str, **more: Any) -> str:
    """Turns a switch on; its id."""
    status, answer = ask(process, "POST", "/switches", {"kind": kind, **more})
    assert status == 201, answer
    return answer["id"]


def switches(process: SimulatorProcess) -> list[dict[str, Any]]:
    return ask(process, "GET", "/switches")[1]["switches"]


def lift_all(process: SimulatorProcess) -> int:
    return ask(process, "DELETE", "/switches")[1]["lifted"]
