"""The simulator's own pages, for people: what this is and what to try."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template

from simulator.institutions import catalogue
from simulator.logos import bars, draw
from simulator.state import State

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PAGES = (("/", "Home"), ("/switchboard", "Switchboard"), ("/phone", "Phone"))
"""The pages for people, by path; one that is not there is not shown."""

LOGINS = [
    {"username": username, "password": password, "what": what}
    for username, password, what in (
        ("user_good", "pass_good", "The accounts that belong to the institution; with a PIN: 1234."),
        ("user_transactions_dynamic", "anything", "A checking account and a card with a believable life."),
        ("user_yuppie, user_ewa_user, user_small_business", "anything", "The same for other ways of living."),
        ("user_custom", "{...}", "The accounts and transactions of a JSON object, as Plaid documents it."),
        ("user_good", "mfa_device", "Sends a code: 1234. Also mfa_questions_1_2, mfa_selections."),
        ("user_good", "error_ITEM_LOCKED", "Fails with that error; every error code of Plaid works."),
    )
]


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
            logins=LOGINS,
            today=state.clock.today(),
        )
        headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(
            page, headers=headers | {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        )

    @blueprint.app_context_processor
    def navigation() -> dict[str, list[tuple[str, str]]]:
        there = {rule.rule for rule in current_app.url_map.iter_rules()}
        return {"simulator_pages": [page for page in PAGES if page[0] in there]}

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @blueprint.get("/favicon.ico")
    def icon() -> Response:
        return Response(
            draw("#0d3b34", bars), mimetype="image/png", headers={"Cache-Control": "max-age=86400"}
        )

    return blueprint
