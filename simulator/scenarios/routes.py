"""The scenarios by HTTP, in JSON: GET /scenarios, POST /scenarios/<name>."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator.control import refuse_other_sites
from simulator.scenarios import SCENARIOS, NotPossible, Played, Scenario, Unknown, play
from simulator.state import State
from simulator.switches import described

_KNOWN = frozenset({"item_id", "institution_id"})


def create_blueprint(state: State) -> Blueprint:
    """A body is optional: a JSON object with `item_id` or `institution_id`. 404 for a scenario that is not there,
    400 for a body that makes no sense, 409 where it can't be played.
    """
    blueprint = Blueprint("scenarios", __name__, url_prefix="/scenarios")
    blueprint.before_request(refuse_other_sites)

    @blueprint.get("")
    def listed() -> Response:
        return jsonify(scenarios=[_told(each) for each in SCENARIOS.values()])

    @blueprint.post("/<name>")
    def played(name: str) -> tuple[Response, int]:
        if name not in SCENARIOS:
            return jsonify(error=f"no such scenario; there are {', '.join(SCENARIOS)}"), 404
        try:
            return jsonify(_outcome(play(state, name, **_where()))), 200
        except Unknown as wrong:
            return jsonify(error=str(wrong)), 400
        except NotPossible as wrong:
            return jsonify(error=str(wrong)), 409

    return blueprint


def _where() -> dict[str, str]:
    """What the body names. Unknown when it is no JSON object, or not of known names and text."""
    if not request.get_data():
        return {}
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or set(body) - _KNOWN:
        raise Unknown(f"the body must be a JSON object with nothing but {' or '.join(sorted(_KNOWN))}")
    named = {key: value for key, value in body.items() if value is not None}
    if not all(isinstance(value, str) for value in named.values()):
        raise Unknown("an id must be text")
    return named


def _told(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "does": scenario.does,
        "look": scenario.look,
        "scope": scenario.scope,
    }


def _outcome(played: Played) -> dict[str, Any]:
    return {
        "name": played.scenario.name,
        "happened": played.happened,
        "look": played.scenario.look,
        "item_ids": [each.item_id for each in played.items],
        "switches": [described(each) for each in played.switches],
    }
