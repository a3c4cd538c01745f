"""SimLink: the simulator's stand-in for Plaid Link.

`create_blueprint(state)` gives everything under /link: the script that defines window.Plaid, the framed page,
and the JSON that the page asks for. The framed page may be embedded by loopback origins only; its address
names its embedder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request

from simulator import institutions
from simulator.link import oauth, steps
from simulator.link.flow import Visit, Visits, new_request_id
from simulator.state import State

__all__ = ["create_blueprint"]

# Who may embed the panes: pages of this machine. The match is also what is put into frame-ancestors.
_LOOPBACK_ORIGIN = re.compile(r"https?://(127\.0\.0\.1|localhost)(:\d{1,5})?")


def create_blueprint(state: State) -> Blueprint:
    """The blueprint for `state`; running visits are kept with it."""
    blueprint = Blueprint(
        "simlink",
        __name__,
        url_prefix="/link",
        template_folder="templates",
        static_folder="static",
        static_url_path="/assets",
    )
    _add_pages(blueprint)
    visits = Visits()
    _add_steps(blueprint, state, visits)
    oauth.add_bank_page(blueprint, visits)
    return blueprint


def _add_pages(blueprint: Blueprint) -> None:
    @blueprint.get("/v2/stable/link-initialize.js")
    def script() -> Response:
        response = blueprint.send_static_file("link-initialize.js")
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @blueprint.get("/v2/stable/link.html")
    def frame() -> Response:
        embedder = request.args.get("origin", "")
        if not _LOOPBACK_ORIGIN.fullmatch(embedder):
            abort(403)
        response = Response(render_template("simlink/frame.html", embedder=embedder))
        response.headers["Content-Security-Policy"] = _policy(embedder)
        return response

    @blueprint.get("/institutions/<institution_id>/logo.png")
    def logo(institution_id: str) -> Response:
        chosen = institutions.catalogue.get(institution_id)
        if chosen is None or not chosen.logo_png:
            abort(404)
        return Response(chosen.logo_png, mimetype="image/png", headers={"Cache-Control": "max-age=3600"})

    @blueprint.after_request
    def harden(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        return response


def _policy(embedder: str) -> str:
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {embedder}"
    )


def _add_steps(blueprint: Blueprint, state: State, visits: Visits) -> None:
    def step(name: str, take: Callable[[Visit, dict[str, Any]], steps.Answer]) -> None:
        """A POST that needs a running visit; a forgotten one is answered like an expired link token."""

        def view() -> Response:
            body = _body()
            visit = visits.get(body.get("session"))
            return _answer(take(visit, body) if visit else steps.invalid_link_token())

        blueprint.add_url_rule(f"/api/{name}", f"api_{name}", view, methods=["POST"])

    @blueprint.post("/api/start")
    def start() -> Response:
        body = _body()
        return _answer(steps.start(state, visits, body.get("link_token"), body.get("received_redirect_uri")))

    def at_institution(take: Callable[[Visit, dict[str, Any]], steps.Answer]) -> Callable[..., steps.Answer]:
        """For the steps that come after an institution was chosen."""
        return lambda visit, body: take(visit, body) if visit.institution else steps.out_of_order(visit)

    step("institutions", lambda visit, body: steps.search(visit, _text(body, "query")))
    step("select", lambda visit, body: steps.select(state, visit, body.get("institution_id")))
    step("credentials", at_institution(lambda visit, body: steps.sign_in(state, visit, *_credentials(body))))
    step("oauth", at_institution(lambda visit, body: steps.grant(state, visit, body.get("granted") is True)))
    step("mfa", at_institution(lambda visit, body: steps.answer_mfa(state, visit, _texts(body, "answers"))))
    step("finish", at_institution(lambda visit, body: steps.finish(state, visit, _texts(body, "accounts"))))


def _answer(answer: steps.Answer) -> Response:
    return jsonify(answer | {"request_id": new_request_id()})


def _body() -> dict[str, Any]:
    """The JSON object that was posted. Another site's page can't send JSON without asking first (CORS)."""
    body = request.get_json() if request.is_json else None
    if not isinstance(body, dict):
        abort(415)
    return body


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key, "")
    return value if isinstance(value, str) else ""


def _credentials(body: dict[str, Any]) -> tuple[str, str, str]:
    return _text(body, "username"), _text(body, "password"), _text(body, "pin")


def _texts(body: dict[str, Any], key: str) -> list[str]:
    value = body.get(key)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
