"""The page of all connections, and moving over to one that was linked anew."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import login_required
from werkzeug.wrappers import Response as AnyResponse

from domain.errors import BadInput
from domain.text import isolated
from services.connections import connections_of
from services.relinking import MovePlan, OldAccount, move, plan_move
from views.headers import allow_link
from views.http import person, wants_json

blueprint = Blueprint("connections", __name__)

LEAVE = "none"
"""In place of an account: this one is left behind. Nothing that matters is lost by an empty field."""


@blueprint.get("/connections")
@login_required
def index() -> str | Response:
    """Every connection, what is wrong with it and what ends when. JSON carries the piece of the page."""
    connections = connections_of(person())
    if wants_json(request):
        html = render_template("connections/_connections.html", connections=connections)
        return jsonify(html=html, working=connections.working)
    allow_link()
    script = current_app.config["SETTINGS"].plaid_link_script_url
    return render_template("connections/index.html", connections=connections, link_script_url=script)


@blueprint.get("/connections/<int:institution_id>/move")
@login_required
def show_move(institution_id: int) -> str:
    """Is this the same login? What would move where."""
    return _page(plan_move(person(), institution_id))


@blueprint.post("/connections/<int:institution_id>/move")
@login_required
def do_move(institution_id: int) -> AnyResponse | tuple[str, int]:
    """Move over, and let the old connection go."""
    user = person()
    plan = plan_move(user, institution_id)
    try:
        choices = _choices(plan)
        name = isolated(move(user, institution_id, choices))
    except BadInput as error:
        return _page(plan, error.message), 400
    if any(row.matters and choices[row.face.id] for row in plan.accounts):
        flash(f"What you chose of {name} has moved over to its new connection.", "success")
    else:
        flash(f"The old connection to {name} is gone.", "success")
    return redirect(url_for("connections.index"), 303)


def _choices(plan: MovePlan) -> dict[int, int | None]:
    """Old account id -> new one, as the form says; None leaves the account behind. One of which the page does not
    ask goes where it belongs, unless another one was put there."""
    chosen = {row.face.id: _chosen(row) for row in plan.accounts if row.matters}
    taken = set(chosen.values())
    unasked = {row.face.id: row.suggested for row in plan.accounts if not row.matters}
    return chosen | {old: None if new in taken else new for old, new in unasked.items()}


def _chosen(row: OldAccount) -> int | None:
    text = request.form.get(f"account-{row.face.id}", "")
    if text == LEAVE:
        return None
    if text == "":
        raise BadInput("Please choose for every account whether it moves, and where to.")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadInput("Please choose among the accounts shown.")
    return int(text)


def _shown(plan: MovePlan, row: OldAccount) -> str:
    """The choice that the page shows as made: what was sent, or what is suggested; none that cannot be made (any
    more), or the browser would show the first one there is."""
    suggested = str(row.suggested or "")
    value = request.form.get(f"account-{row.face.id}", "") if request.method == "POST" else suggested
    return value if value in {LEAVE, *(str(face.id) for face in plan.options(row))} else ""


def _page(plan: MovePlan, trouble: str | None = None) -> str:
    chosen = {row.face.id: _shown(plan, row) for row in plan.accounts}
    return render_template("connections/move.html", plan=plan, chosen=chosen, trouble=trouble)
