"""Why this number? A month of an account's transactions, each counted, refunded or left out with the reason."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from flask_login import login_required

from domain.errors import BadInput
from domain.money import plain
from domain.periods import Month, parse_month
from services.ownership import owned_account
from services.spending_explained import SpendingRow, SpendingWhy, explain_spending
from views.http import person, wants_json

blueprint = Blueprint("spending", __name__)


@blueprint.get("/accounts/<int:account_id>/spending")
@login_required
def explain(account_id: int) -> str | Response:
    """The month of ?month=2026-11, else this one. 400 for anything else that stands there."""
    user = person()
    account = owned_account(user, account_id)
    answer = explain_spending(user, account, _month(request.args.get("month")))
    if wants_json(request):
        return jsonify(_figures(answer))
    return render_template("spending/explain.html", why=answer)


def _month(text: str | None) -> Month | None:
    if text is None:
        return None
    month = parse_month(text)
    if month is None:
        raise BadInput("A month is written like 2026-11.")
    return month


def _figures(why: SpendingWhy) -> dict[str, Any]:
    return {
        "account_id": why.account_id,
        "month": str(why.month),
        "currency": why.currency,
        "spent": plain(why.spent.spent),
        "pending": plain(why.spent.pending),
        "raw": plain(why.spent.raw),
        "threshold": plain(why.threshold),
        "left": None if why.threshold is None else plain(why.spent.left(why.threshold)),
        "transactions": [_transaction(row) for row in why.rows],
    }


def _transaction(row: SpendingRow) -> dict[str, Any]:
    return {
        "date": row.date.isoformat(),
        "name": row.name,
        "category": row.detail,
        "amount": plain(row.amount),
        "currency": row.currency,
        "pending": row.pending,
        "effect": plain(row.effect),
        "why": row.verdict,
    }
