"""How is this made up? Every total explains itself, as a page and in place."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from flask_login import login_required

from domain.errors import NotFound
from domain.money import plain
from services.explaining import Why, why
from services.ownership import owned_institution
from views.http import person, wants_json
from views.pieces import age_words
from views.serialize import total

blueprint = Blueprint("totals", __name__)


@blueprint.get("/totals/why")
@login_required
def show() -> str | Response:
    """The totals of everything, or of ?institution=<id>. JSON carries the piece of the page beside its figures."""
    user = person()
    wanted = request.args.get("institution")
    institution_id = None if wanted is None else owned_institution(user, _number(wanted)).id
    answer = why(user, institution_id)
    ages = age_words(answer.ages, user.timezone)
    if wants_json(request):
        return jsonify(html=render_template("totals/_why.html", why=answer, ages=ages), **_figures(answer))
    return render_template("totals/why.html", why=answer, ages=ages)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise NotFound
    return int(text)


def _figures(answer: Why) -> dict[str, Any]:
    return {
        "as_of": answer.as_of.isoformat(),
        "totals": [
            {
                **total(line),
                "accounts": [
                    {
                        "id": row.account.id,
                        "name": row.account.name,
                        "institution": answer.institution_of[row.account.id],
                        "net_worth": plain(row.amount),
                        "holdings": plain(row.held),
                        "why": row.why,
                    }
                    for row in rows
                ],
            }
            for line, rows in answer.explanation.parts
        ],
        "counted_twice": [double.name for double in answer.doubles],
        "left_out": [
            {
                "id": row.account.id,
                "name": row.account.name,
                "institution": answer.institution_of[row.account.id],
                "why": row.why,
            }
            for row in answer.explanation.left_out
        ],
    }
