"""What a person does to one account."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from flask_login import login_required

from services.accounts import delete_account
from services.ownership import owned_account
from services.reporting import dashboard
from views import pieces
from views.http import person
from views.serialize import dashboard_json

blueprint = Blueprint("accounts", __name__)


@blueprint.delete("/accounts/<int:account_id>")
@login_required
def delete(account_id: int) -> Response:
    """200 with the card and the totals as they are without the account."""
    user = person()
    account = owned_account(user, account_id)
    institution_id = account.financial_institution_id
    delete_account(account)
    left = dashboard(user)
    cards = [pieces.card(view) for view in left.institutions if view.id == institution_id]
    return jsonify(html="".join(cards) + pieces.totals(left), dashboard=dashboard_json(left))
