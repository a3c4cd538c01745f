"""The form for a switch: what its fields mean, as the JSON object that simulator.control reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.control import Wrong
from simulator.switches import WEBHOOKS

_OWN_FIELDS = {
    "error": ("code",),
    "latency": ("milliseconds",),
    "hang": ("seconds",),
    "webhook_retry": ("milliseconds",),
}
"""By kind, the fields that belong to it alone; those of other kinds are passed over."""
_CALLS = frozenset({"error", "http_500", "html", "truncated", "hang", "drop", "latency"})
"""The kinds that meet a call, and so may hold for some endpoints only and for some calls only."""
_LOSES_THE_ANSWER = frozenset({"error", "http_500", "html", "hang", "drop"})


def switch_body(form: Mapping[str, str]) -> dict[str, Any]:
    """The JSON object of a switch. Wrong when a number is none."""
    kind = form.get("kind", "")
    body: dict[str, Any] = {"kind": kind, **_where(form.get("where", "")), **_lasts(form, kind)}
    if kind in _CALLS and form.get("endpoint"):
        body["endpoint"] = form["endpoint"]
    if kind in _LOSES_THE_ANSWER and form.get("after"):
        body["after"] = True
    for name in _OWN_FIELDS.get(kind, ()):
        if given := form.get(name, "").strip():
            body[name] = given if name == "code" else _number(name, given)
    return body


def _where(where: str) -> dict[str, str]:
    """`item:<id>`, `institution:<id>`, or everybody."""
    what, _, id_ = where.partition(":")
    return {f"{what}_id": id_} if what in {"item", "institution"} and id_ else {}


def _lasts(form: Mapping[str, str], kind: str) -> dict[str, Any]:
    """Once, some times, for a while, or until lifted. What a bank shows of accounts is not counted in calls."""
    lasts = form.get("lasts", "")
    if lasts == "minutes":
        return {"for_seconds": 60 * _number("minutes", form.get("minutes", ""))}
    if kind not in _CALLS | WEBHOOKS | {"mutation"}:
        return {}
    if lasts == "times":
        return {"times": _number("times", form.get("times", ""))}
    return {"times": 1} if lasts == "once" else {}


def _number(name: str, text: str) -> int | float:
    try:
        value = float(text)
    except ValueError:
        raise Wrong(f"{name} must be a number") from None
    return int(value) if value.is_integer() else value
