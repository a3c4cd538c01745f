"""The simulator as a WSGI application: Plaid's and Twilio's endpoints, the stand-in for Link, pages for people."""

from __future__ import annotations

from flask import Flask, Response

from simulator import control, home, link, phone, plaid, switchboard
from simulator.errors import KINDS
from simulator.plaid.call import dumps
from simulator.scenarios import routes as scenarios
from simulator.state import State
from simulator.tokens import request_id
from simulator.twilio import api
from simulator.twilio.service import Twilio

MOST_BYTES = 1_000_000


def create_app(state: State, keys: plaid.Keys, twilio: Twilio) -> Flask:
    """The application for a state of the banks and one of the texts."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.register_blueprint(plaid.create_blueprint(state, keys))
    app.register_blueprint(link.create_blueprint(state))
    app.register_blueprint(api.create_blueprint(twilio))
    app.register_blueprint(phone.create_blueprint(twilio))
    app.register_blueprint(control.create_blueprint(state))
    app.register_blueprint(scenarios.create_blueprint(state))
    app.register_blueprint(switchboard.create_blueprint(state))
    app.register_blueprint(home.create_blueprint(state))
    app.register_error_handler(404, lambda _: _refused("NOT_FOUND", 404))
    app.register_error_handler(405, lambda _: _refused("NOT_FOUND", 404))
    app.register_error_handler(413, lambda _: _refused("INVALID_BODY", 413))
    app.register_error_handler(500, lambda _: _refused("INTERNAL_SERVER_ERROR", 500))
    return app


def _refused(code: str, status: int) -> Response:
    """Plaid's envelope also for what no endpoint answers."""
    return Response(
        dumps(KINDS[code].body() | {"request_id": request_id()}), status, mimetype="application/json"
    )
