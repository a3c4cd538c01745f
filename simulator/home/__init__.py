"""The simulator's own pages, for people: what this is and what to try."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from simulator.institutions import catalogue
from simulator.state import State

_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def create_blueprint(state: State) -> Blueprint:
    """The home page and /healthz."""
    blueprint = Blueprint(
        "home", __name__, template_folder="templates", static_folder="static", static_url_path="/home-assets"
    )

    @blueprint.get("/")
    def index() -> Response:
        page = render_template(
            "home/index.html",
            institutions=catalogue.all(),
            items=len(state.live_items()),
            today=state.clock.today(),
        )
        headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(
            page, headers=headers | {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        )

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    return blueprint
