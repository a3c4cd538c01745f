"""The switches by HTTP, in JSON: /switches and /webhooks."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator.errors import KINDS
from simulator.institutions import catalogue
from simulator.plaid import shown
from simulator.plaid.render import account_id
from simulator.records import Item
from simulator.state import State
from simulator.switches import (
    AT_THE_BANK,
    CHANGES,
    EVERYWHERE,
    KINDS_OF_SWITCH,
    WEBHOOKS,
    Switch,
    described,
    usual_endpoint,
)
from simulator.twilio import faults

MOST_SECONDS = 7 * 24 * 3600
DEFAULT_HANG_S = 90


class Wrong(Exception):
    """What was asked for can't be; the words say why."""


def create_blueprint(state: State) -> Blueprint:
    """GET /switches, POST /switches, DELETE /switches, DELETE /switches/<id>, GET /webhooks."""
    blueprint = Blueprint("control", __name__)

    @blueprint.before_request
    def same_machine() -> Response | None:
        return refuse_other_sites()

    @blueprint.get("/switches")
    def listed() -> Response:
        return jsonify(overview(state))

    @blueprint.post("/switches")
    def add() -> tuple[Response, int]:
        try:
            switch = state.switches.add(_read_any(state, request.get_json(silent=True)))
        except Wrong as wrong:
            return jsonify(error=str(wrong)), 400
        return jsonify(described(switch)), 201

    @blueprint.delete("/switches")
    def lift_all() -> Response:
        return jsonify(lifted=state.switches.lift_all())

    @blueprint.delete("/switches/<id_>")
    def lift(id_: str) -> tuple[Response, int]:
        lifted = state.switches.lift(id_)
        return (jsonify(lifted=1), 200) if lifted else (jsonify(error="no such switch"), 404)

    @blueprint.get("/webhooks")
    def webhooks() -> Response:
        return jsonify(webhooks=state.webhooks.recent())

    return blueprint


def refuse_other_sites() -> Response | None:
    """A page of another site must not play with the simulator: browsers say where a request comes from."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    if request.method in {"GET", "HEAD"} or site in {"same-origin", "none"}:
        return None
    return Response("Only the simulator's own pages and programs may do this.\n", 403, mimetype="text/plain")


def paths() -> frozenset[str]:
    """The endpoints there are."""
    from flask import current_app

    rules = current_app.url_map.iter_rules()
    return frozenset(rule.rule for rule in rules if rule.endpoint.startswith("plaid."))


# Reading a switch


def _read_any(state: State, body: Any) -> Switch:
    """A switch of Plaid's, or with `"vendor": "twilio"` one of Twilio's; Wrong when it makes no sense."""
    if isinstance(body, dict) and body.get("vendor") == faults.VENDOR:
        try:
            return faults.read(body, state.clock)
        except ValueError as wrong:
            raise Wrong(str(wrong)) from None
    return read(state, paths(), body)


def read(state: State, paths: frozenset[str], body: Any) -> Switch:
    """A switch from JSON; Wrong when it makes no sense."""
    if not isinstance(body, dict):
        raise Wrong("a switch is a JSON object")
    known = set(_FIELDS)
    if unknown := sorted(set(body) - known):
        raise Wrong(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    for name, (what, right) in _FIELDS.items():
        if body.get(name) is not None and not right(body[name]):
            raise Wrong(f"{name} must be {what}")
    if body.get("kind") is None:
        raise Wrong(f"kind is missing: one of {', '.join(sorted(KINDS_OF_SWITCH))}")
    item = _item(state, body.get("item_id"))
    _check(body, paths, item)
    return _switch(state, body, item)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _among(names: Container[str]) -> Callable[[Any], bool]:
    return lambda value: _text(value) and value in names


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    )


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "kind": (f"one of {', '.join(sorted(KINDS_OF_SWITCH))}", _among(KINDS_OF_SWITCH)),
    "code": ("one of Plaid's error codes that the simulator knows", _among(KINDS)),
    "endpoint": ("text", _text),
    "institution_id": (
        "an institution of the simulator",
        lambda value: _text(value) and catalogue.get(value) is not None,
    ),
    "item_id": ("text", _text),
    "account_id": ("text", _text),
    "times": ("a whole number from 1", lambda value: type(value) is int and 1 <= value <= 10**9),
    "for_seconds": (f"a number up to {MOST_SECONDS}", _number(0, MOST_SECONDS)),
    "seconds": (f"a number up to {MOST_SECONDS}", _number(0, MOST_SECONDS)),
    "milliseconds": ("a number up to 600000", _number(0, 600_000)),
    "after": ("true or false", lambda value: isinstance(value, bool)),
}


def _item(state: State, item_id: str | None) -> Item | None:
    if item_id is None:
        return None
    found = next((each for each in state.live_items() if each.item_id == item_id), None)
    if found is None:
        raise Wrong("item_id is not that of a linked Item")
    return found


def _check(body: dict[str, Any], paths: frozenset[str], item: Item | None) -> None:
    """What belongs together."""
    kind, endpoint = body["kind"], body.get("endpoint")
    if (kind == "error") != (body.get("code") is not None):
        raise Wrong("code belongs to kind error, which needs one")
    if kind in CHANGES and item is None:
        raise Wrong(f"{kind} needs an item_id")
    if kind in {"latency", "webhook_retry"} and body.get("milliseconds") is None:
        raise Wrong(f"{kind} needs milliseconds")
    if kind in WEBHOOKS and endpoint not in {None, EVERYWHERE}:
        raise Wrong(f"{kind} is about webhooks: no endpoint belongs to it")
    if endpoint is not None and endpoint not in {*paths, EVERYWHERE, AT_THE_BANK}:
        raise Wrong(f"endpoint must be {EVERYWHERE}, {AT_THE_BANK} or one of {', '.join(sorted(paths))}")


def _switch(state: State, body: dict[str, Any], item: Item | None) -> Switch:
    kind, code, lasts = body["kind"], body.get("code"), body.get("for_seconds")
    return Switch(
        kind=kind,
        endpoint=body.get("endpoint") or usual_endpoint(kind, code),
        institution_id=body.get("institution_id"),
        item_id=body.get("item_id"),
        code=code,
        times=body.get("times") or (1 if kind == "mutation" and lasts is None else None),
        until=None if lasts is None else (state.clock.now() + timedelta(seconds=lasts)).isoformat(),
        milliseconds=body.get("milliseconds") or 0,
        seconds=body.get("seconds") or (DEFAULT_HANG_S if kind == "hang" else 0),
        after=bool(body.get("after")),
        account=_account(state, body, item),
    )


def _account(state: State, body: dict[str, Any], item: Item | None) -> str | None:
    """The key of the account that vanishes or whose balance becomes unknown: the first one, if none is named."""
    if item is None or body["kind"] not in CHANGES - {"account_appears"}:
        return None
    keys = {account_id(item, account.key): account.key for account, _ in shown.accounts(state, item)}
    wanted = body.get("account_id")
    if not keys or (wanted is not None and wanted not in keys):
        raise Wrong("account_id is not one that the Item shows")
    return next(iter(keys.values())) if wanted is None else keys[wanted]


# The state of everything


def overview(state: State) -> dict[str, Any]:
    """Every switch that is on, and the linked Items."""
    return {
        "latency_ms": state.switches.latency_ms,
        "switches": [described(each) for each in state.switches.all()],
        "items": [_linked(item) for item in state.live_items()],
    }


def _linked(item: Item) -> dict[str, Any]:
    institution = catalogue.get(item.institution_id)
    return {
        "item_id": item.item_id,
        "institution_id": item.institution_id,
        "institution_name": institution.name if institution else item.institution_id,
        "environment": item.environment,
        "linked_at": item.created_at,
        "error_code": item.error_code,
    }
