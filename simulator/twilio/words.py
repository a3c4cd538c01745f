"""Twilio's switches in words, for the switchboard."""

from __future__ import annotations

from simulator.switches import EVERYWHERE, Switch
from simulator.twilio.errors import KINDS, OUTCOMES
from simulator.twilio.numbers import pretty

_WHAT = {
    "http_500": "Twilio answers HTTP 500",
    "html": "Twilio answers HTML in place of JSON",
    "truncated": "Twilio cuts the JSON short",
    "empty": "Twilio answers with nothing",
    "hang": "Twilio never answers",
    "drop": "Twilio drops the connection",
    "hold": "Texts stay on their way",
    "callback_drop": "News of a text is lost",
    "callback_repeat": "News of a text comes twice",
    "callback_delay": "News of a text comes late",
    "callback_reorder": "News of a text comes in the wrong order",
    "inbound_drop": "A reply is lost on its way to the app",
    "inbound_repeat": "A reply reaches the app twice",
    "inbound_delay": "A reply reaches the app late",
    "advanced_opt_out": "Twilio says which replies mean stop, start or help",
}
_ENDPOINTS = {
    EVERYWHERE: "on every call",
    "create": "on sending",
    "fetch": "on looking at a text",
    "list": "on listing texts",
    "update": "on changing a text",
    "delete": "on deleting a text",
}


def what(switch: Switch) -> str:
    code = int(switch.code or 0)
    if switch.kind in {"error", "problem"}:
        return f"Twilio refuses with {code}: {KINDS[code].message}"
    if switch.kind == "outcome":
        return f"Texts do not arrive, {code}: {OUTCOMES[code].message}"
    if switch.kind == "latency":
        return f"Twilio answers {switch.milliseconds / 1000:g} s late"
    return _WHAT[switch.kind]


def who(switch: Switch) -> str:
    return pretty(switch.to) if switch.to else "Everybody"


def where(switch: Switch) -> str:
    """Empty for what is not about a call."""
    called = switch.kind in {
        "error",
        "problem",
        "latency",
        "http_500",
        "html",
        "truncated",
        "empty",
        "hang",
        "drop",
    }
    return _ENDPOINTS[switch.endpoint] if called else ""
