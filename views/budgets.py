"""Budget trackers: a page to create one, a page to edit it, and deletion in place."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response as AnyResponse

from domain.errors import BadInput
from domain.money import plain
from domain.text import isolated
from forms import BudgetForm
from models import Account, BudgetTracker
from services import budgets
from services.ownership import owned_account, owned_tracker
from services.reporting import dashboard
from views import pieces
from views.http import person, wants_json
from views.serialize import dashboard_json

blueprint = Blueprint("budgets", __name__, url_prefix="/accounts/<int:account_id>/budget-tracker")

Answer = str | AnyResponse | tuple[str, int]


@blueprint.route("/create", methods=["GET", "POST"])
@login_required
def create(account_id: int) -> Answer:
    user = person()
    account = owned_account(user, account_id)
    budgets.refuse_if_impossible(account)
    form = BudgetForm(currency=account.currency)
    if request.method == "POST" and form.validate_on_submit():
        budgets.create(account, form.threshold, form.frequency, user, datetime.now(UTC))
        flash(f"The budget tracker of {isolated(account.name)} is created.", "success")
        return _back_to(account)
    return _page("budgets/create.html", form, account)


@blueprint.route("/update", methods=["GET", "POST"])
@login_required
def update(account_id: int) -> Answer:
    user = person()
    tracker = owned_tracker(user, account_id)
    account = owned_account(user, account_id)
    # What is there is shown, never filled in for a field that was not sent.
    form = BudgetForm(
        currency=account.currency, data=_current(tracker) if request.method in ("GET", "HEAD") else None
    )
    if request.method == "POST" and form.validate_on_submit():
        budgets.update(tracker, form.threshold, form.frequency, user, datetime.now(UTC))
        flash(f"The budget tracker of {isolated(account.name)} is saved.", "success")
        return _back_to(account)
    return _page("budgets/update.html", form, account)


@blueprint.delete("")
@login_required
def delete(account_id: int) -> Response:
    """200 with the card as it is without the tracker."""
    user = person()
    tracker = owned_tracker(user, account_id)
    institution_id = owned_account(user, account_id).financial_institution_id
    budgets.delete(tracker)
    left = dashboard(user)
    cards = [pieces.card(view) for view in left.institutions if view.id == institution_id]
    return jsonify(html="".join(cards), dashboard=dashboard_json(left))


def _current(tracker: BudgetTracker) -> dict[str, str | None]:
    return {
        "budget_threshold": plain(tracker.threshold),
        "notification_frequency": str(tracker.notification_frequency),
    }


def _back_to(account: Account) -> AnyResponse:
    return redirect(url_for("pages.home", _anchor=f"account-{account.id}"), code=303)


def _page(template: str, form: BudgetForm, account: Account) -> Answer:
    """The form; after bad input with what was typed, as 400. Programs get the first of the sentences beside it."""
    if request.method == "POST" and wants_json(request):
        raise BadInput(next((str(field.errors[0]) for field in form if field.errors), None))
    page = render_template(template, form=form, account=account)
    return (page, 400) if request.method == "POST" else page
