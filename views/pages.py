"""The pages anybody may read, the dashboard, and its figures."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, render_template
from flask_login import current_user, login_required

from services.reporting import dashboard
from views import pieces
from views.headers import allow_link
from views.http import person
from views.serialize import dashboard_json

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> str | Response:
    """The welcome page, or the dashboard of who is signed in."""
    if not current_user.is_authenticated:
        return render_template("pages/welcome.html")
    allow_link()
    script = current_app.config["SETTINGS"].plaid_link_script_url
    return Response(pieces.whole_page(dashboard(person()), script))


@blueprint.get("/dashboard.json")
@login_required
def figures() -> Response:
    return jsonify(dashboard_json(dashboard(person())))


@blueprint.get("/about")
def about() -> str:
    return render_template("pages/about.html")


@blueprint.get("/privacy")
def privacy() -> str:
    return render_template("pages/privacy.html")


@blueprint.get("/terms")
def terms() -> str:
    return render_template("pages/terms.html")
