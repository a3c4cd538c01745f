"""Twilio's switches: what a call, a text or a callback meets, for everybody or for one number.

POST /switches with `"vendor": "twilio"`. Kinds, beside those that Plaid has too (error, http_500, html, truncated,
hang, drop, latency):

- `problem`: an error in the form of RFC 9457. `empty`: a 201 without a body.
- `outcome`: the text ends with `code` (30003, 30007...). `hold`: texts stay in the status they have.
- `callback_drop`, `callback_repeat`, `callback_delay`, `callback_reorder` (it follows the last one of its text);
  `inbound_drop`, `inbound_repeat`, `inbound_delay` the same for a person's reply.
- `advanced_opt_out`: replies of STOP, START and HELP carry OptOutType.

`seconds` is how long a `hang` lasts, how late a `..._delay` comes, and what Retry-After says beside 20429. `after`
lets the call do its work first: the text is accepted, only the answer is late or lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Response

from simulator.clock import Clock
from simulator.connection import hang_up
from simulator.switches import EVERYWHERE, Switch, Switches, Target
from simulator.twilio.answers import failure, problem
from simulator.twilio.errors import KINDS, OUTCOMES
from simulator.twilio.numbers import normalised

VENDOR = "twilio"
ENDPOINTS = frozenset({"create", "fetch", "list", "update", "delete"})
FAULTS = frozenset({"error", "problem", "http_500", "html", "truncated", "empty", "hang", "drop"})
"""What a call can meet instead of its answer."""
LATER = frozenset({"outcome", "hold", "advanced_opt_out"})
DELIVERY = frozenset(
    {
        *("callback_drop", "callback_repeat", "callback_delay", "callback_reorder"),
        *("inbound_drop", "inbound_repeat", "inbound_delay"),
    }
)
KINDS_OF_SWITCH = FAULTS | LATER | DELIVERY | {"latency"}
MOST_SECONDS = 7 * 24 * 3600
_USUAL_SECONDS = {"hang": 90, "callback_delay": 2, "inbound_delay": 2}
_ACCOUNT_ERRORS = frozenset({20003, 20005})
_ANYWHERE = "anywhere"
_PAGE = "<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


# Meeting them


def target(number: str | None) -> Target:
    return Target(vendor=VENDOR, to=number)


def take(switches: Switches, kind: str, number: str | None) -> Switch | None:
    """The switch of a kind that is not about an endpoint; using it counts."""
    return switches.take({kind}, _ANYWHERE, target(number))


def held(switches: Switches, number: str) -> bool:
    return bool(switches.find({"hold"}, _ANYWHERE, target(number)))


def advanced(switches: Switches, number: str) -> bool:
    return bool(switches.find({"advanced_opt_out"}, _ANYWHERE, target(number)))


def fate(switches: Switches, number: str) -> tuple[int | None, str | None]:
    """The error code and the status that a text is going to end with; None twice when it will be delivered."""
    switch = take(switches, "outcome", number)
    if switch is None or switch.code is None:
        return None, None
    return int(switch.code), switch.status or OUTCOMES[int(switch.code)].status


def around(switches: Switches, endpoint: str, number: str | None, work: Callable[[], Response]) -> Response:
    """A call with what its switches make of it: they come before the work, or after it and spoil the answer."""
    about = target(number)
    slow = switches.take({"latency"}, endpoint, about)
    seconds = slow.milliseconds / 1000 if slow else 0
    late = bool(slow and slow.after)
    fault = switches.take(FAULTS, endpoint, about)
    time.sleep(switches.latency_ms / 1000 + (0 if late else seconds))
    answer = work() if fault is None or _comes_after(fault) else None
    time.sleep(seconds if late else 0)
    if fault is not None:
        return _meet(fault, answer)
    return answer or hang_up()


def _comes_after(fault: Switch) -> bool:
    """Whether the call does its work first: only what was written can be cut short."""
    return fault.after or fault.kind in {"truncated", "empty"}


def _meet(fault: Switch, answer: Response | None) -> Response:
    if fault.kind in {"error", "problem"}:
        kind = KINDS[int(fault.code or 20500)]
        refused = problem(kind) if fault.kind == "problem" else failure(kind)
        if kind.status == 429:
            refused.headers["Retry-After"] = str(round(fault.seconds) or 1)
        return refused
    if fault.kind == "http_500":
        return Response("Internal Server Error\n", 500, mimetype="text/plain")
    if fault.kind == "html":
        return Response(_PAGE, 502, mimetype="text/html")
    if fault.kind in {"truncated", "empty"} and answer is not None:
        kept = answer.get_data()[:-20] if fault.kind == "truncated" else b""
        return Response(kept, answer.status_code, mimetype="application/json")
    if fault.kind == "hang":
        time.sleep(fault.seconds)
    return hang_up()


# Reading one


def read(body: dict[str, Any], clock: Clock) -> Switch:
    """A switch from JSON. ValueError, with words, when it makes no sense."""
    for name, value in body.items():
        what, right = _FIELDS.get(name, ("left out: it is unknown", lambda _: False))
        if value is not None and not right(value):
            raise ValueError(f"{name} must be {what}")
    kind, code = body.get("kind"), body.get("code")
    if kind is None:
        raise ValueError(f"kind is missing: one of {', '.join(sorted(KINDS_OF_SWITCH))}")
    _check(kind, code, body)
    lasts = body.get("for_seconds")
    return Switch(
        vendor=VENDOR,
        kind=kind,
        endpoint=body.get("endpoint") or _usual_endpoint(kind, code),
        to=None if body.get("to") is None else normalised(body["to"]),
        code=None if code is None else str(code),
        status=body.get("status"),
        times=body.get("times"),
        until=None if lasts is None else (clock.now() + timedelta(seconds=lasts)).isoformat(),
        milliseconds=body.get("milliseconds") or 0,
        seconds=body.get("seconds") or _USUAL_SECONDS.get(kind, 0),
        after=bool(body.get("after")),
    )


def _check(kind: str, code: int | str | None, body: dict[str, Any]) -> None:
    """What belongs together."""
    known = {"error": KINDS, "problem": KINDS, "outcome": OUTCOMES}.get(kind)
    if (known is None) != (code is None):
        raise ValueError("code belongs to kind error, problem or outcome, which need one")
    if known is not None and int(code or 0) not in known:
        raise ValueError(f"code of kind {kind} must be one of {', '.join(map(str, sorted(known)))}")
    if body.get("status") is not None and kind != "outcome":
        raise ValueError("status belongs to kind outcome")
    if kind == "latency" and body.get("milliseconds") is None:
        raise ValueError("latency needs milliseconds")
    if body.get("endpoint") is not None and kind not in FAULTS | {"latency"}:
        raise ValueError("endpoint belongs to what a call can meet")


def _usual_endpoint(kind: str, code: int | str | None) -> str:
    """Where a switch holds when nothing is said: what spoils a call spoils sending, unless it is the account's."""
    if kind not in FAULTS or (code is not None and int(code) in _ACCOUNT_ERRORS):
        return EVERYWHERE
    return "create"


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    )


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "vendor": (VENDOR, lambda value: value == VENDOR),
    "kind": (
        f"one of {', '.join(sorted(KINDS_OF_SWITCH))}",
        lambda value: isinstance(value, str) and value in KINDS_OF_SWITCH,
    ),
    "code": (
        "an error code such as 21610",
        lambda value: not isinstance(value, bool) and isinstance(value, int | str) and str(value).isdecimal(),
    ),
    "status": ("undelivered or failed", lambda value: value in ("undelivered", "failed")),
    "to": ("a phone number", lambda value: isinstance(value, str) and normalised(value) is not None),
    "endpoint": (
        f"{EVERYWHERE} or one of {', '.join(sorted(ENDPOINTS))}",
        lambda value: isinstance(value, str) and value in {EVERYWHERE, *ENDPOINTS},
    ),
    "times": ("a whole number from 1", lambda value: type(value) is int and 1 <= value <= 10**9),
    "for_seconds": (f"a number up to {MOST_SECONDS}", _number(0, MOST_SECONDS)),
    "seconds": (f"a number up to {MOST_SECONDS}", _number(0, MOST_SECONDS)),
    "milliseconds": ("a number up to 600000", _number(0, 600_000)),
    "after": ("true or false", lambda value: isinstance(value, bool)),
}
