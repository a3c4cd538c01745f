"""The phone: a page on which a person reads the texts that the simulated Twilio delivered, and replies.

The same in JSON for programs: /phone/messages.json, /phone/requests.json (what was posted to the app),
/phone/calls.json (what the app called), PUT /phone/inbound {"url"} (where replies go).
"""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for

from simulator.control import refuse_other_sites
from simulator.phone import present
from simulator.twilio.numbers import normalised
from simulator.twilio.rules import MOST_LETTERS, postable
from simulator.twilio.service import Twilio

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    # A form's POST must say where it comes from.
    "Referrer-Policy": "same-origin",
}


def create_blueprint(twilio: Twilio) -> Blueprint:
    """Everything under /phone."""
    blueprint = Blueprint(
        "phone",
        __name__,
        url_prefix="/phone",
        template_folder="templates",
        static_folder="static",
        static_url_path="/assets",
    )
    blueprint.before_request(refuse_other_sites)
    _add_page(blueprint, twilio)
    _add_json(blueprint, twilio)
    return blueprint


def _add_page(blueprint: Blueprint, twilio: Twilio) -> None:
    @blueprint.get("")
    def index() -> Response:
        shown = present.screen(twilio, request.args.get("to"))
        page = render_template("phone/index.html", shown=shown, most_letters=MOST_LETTERS)
        return Response(page, headers=_HEADERS)

    @blueprint.get("/updates")
    def updates() -> Response:
        """The parts that change, or 304 when the script has them already."""
        shown = present.screen(twilio, request.args.get("to"))
        parts = {
            name: render_template(f"phone/{name}.html", shown=shown)
            for name in ("conversations", "texts", "notice")
        }
        answer = jsonify(html=parts, number=shown.number)
        answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest())
        answer.headers["Cache-Control"] = "no-cache"
        answer.make_conditional(request)
        return answer

    @blueprint.post("/reply")
    def reply() -> Response:
        number, body = normalised(request.form.get("to", "")), request.form.get("body", "").strip()
        if number is None or not body or len(body) > MOST_LETTERS:
            return Response("A reply needs a phone number and words.\n", 400, mimetype="text/plain")
        twilio.inbound.reply(number, body)
        return Response(headers=redirect(url_for("phone.index", to=number), 303).headers, status=303)


def _add_json(blueprint: Blueprint, twilio: Twilio) -> None:
    @blueprint.get("/messages.json")
    def messages() -> Response:
        """The texts of one number, or all; oldest first."""
        number = request.args.get("to")
        wanted = None if number is None else normalised(number) or number
        found = [each for each in twilio.texts.all() if wanted is None or each.person == wanted]
        return jsonify(
            messages=[present.document(text) for text in found],
            opted_out=wanted is not None and twilio.texts.opted_out(wanted),
        )

    @blueprint.get("/requests.json")
    def requests() -> Response:
        return jsonify(requests=twilio.poster.recent())

    @blueprint.get("/calls.json")
    def calls() -> Response:
        return jsonify(calls=twilio.calls())

    @blueprint.put("/inbound")
    def inbound() -> tuple[Response, int]:
        """Where replies are posted; null posts them nowhere."""
        asked = request.get_json(silent=True)
        url = asked.get("url", "") if isinstance(asked, dict) else ""
        if url is not None and not (isinstance(url, str) and postable(url)):
            return jsonify(error="url must be an http(s) address, or null"), 400
        twilio.texts.set_inbound_url(url)
        return jsonify(url=url), 200
