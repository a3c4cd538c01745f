"""Is the process up, and can it serve?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from extensions import csrf
from services.health import ready

blueprint = Blueprint("health", __name__)
csrf.exempt(blueprint)


@blueprint.get("/healthz")
def healthz() -> Response:
    return jsonify(status="up")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when the database answers and its schema is the code's; 503 with the reason otherwise."""
    problem = ready()
    return (
        (jsonify(status="ready"), 200)
        if problem is None
        else (jsonify(status="not ready", reason=problem), 503)
    )
