"""Link, refresh and delete institutions: small JSON endpoints that carry the re-rendered pieces."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, make_response, url_for
from flask_login import current_user, login_required

from domain.connections import BROKEN
from domain.errors import Conflict, NotFound
from extensions import limiter
from models import FinancialInstitution
from services import institutions, linking, reconnecting
from services.ownership import owned_institution
from services.reporting import Dashboard, InstitutionView, dashboard, institution_view
from views import link_session, pieces
from views.http import banks, flag, json_body, person, whole_number
from views.serialize import dashboard_json, resource

blueprint = Blueprint("institutions", __name__)


def _per_person() -> str:
    return f"user:{current_user.get_id()}"


@blueprint.post("/create_link_token")
@login_required
@limiter.limit("240/hour", key_func=_per_person)
def create_link_token() -> Response:
    """{link_token, expiration} to open Link with; with {institution_id} in update mode, and then `choose_accounts`
    says whether Link shows the list of accounts."""
    body = json_body()
    institution_id, choosing = None, False
    if "institution_id" in body:
        institution_id = whole_number(body, "institution_id")
        institution = owned_institution(person(), institution_id)
        token, choosing = reconnecting.create_update_token(institution, banks())
    else:
        token = linking.create_link_token(person(), banks())
    link_session.remember(token, institution_id, choosing)
    update_mode = {} if institution_id is None else {"choose_accounts": choosing}
    return jsonify(link_token=token.link_token, expiration=token.expiration, **update_mode)


@blueprint.post("/financial-institutions")
@login_required
@limiter.limit("120/hour", key_func=_per_person)
def link() -> Response:
    """202 with the institution that the public token stands for; reading it goes on in the background."""
    body = json_body()
    institution = linking.link(
        person(),
        body.get("public_token"),
        body.get("metadata"),
        confirm_duplicate=flag(body, "confirm_duplicate"),
        banks=banks(),
    )
    link_session.forget()
    return _accepted(institution)


@blueprint.post("/financial-institutions/<int:institution_id>/reconnected")
@login_required
def reconnected(institution_id: int) -> Response:
    """202: Link has renewed the institution, and it is read at once. With {chose_accounts: true} the person has said
    which accounts are shared from now on; with {refused: true} the bank has renewed nothing, and may say why."""
    body = json_body()
    chose, refused = flag(body, "chose_accounts"), flag(body, "refused")
    institution = owned_institution(person(), institution_id)
    if refused:
        _refuse_unopened(institution.id)
        reconnecting.refused(institution)
    else:
        reconnecting.reconnected(institution, chose_accounts=chose)
    link_session.forget()
    return _accepted(institution)


def _refuse_unopened(institution_id: int) -> None:
    """One refusal for each Link that was opened: otherwise this would be a refresh without a pause."""
    opened = link_session.current()
    if opened is None or opened.institution_id != institution_id:
        raise Conflict("Link was not opened on this connection.", code="no_link")


@blueprint.patch("/financial-institutions")
@login_required
def refresh_everything() -> tuple[Response, int]:
    """202: real-time refreshes of everything that may be refreshed are under way. 429 when nothing may be."""
    json_body()
    user = person()
    accepted = institutions.refresh_everything(user)
    now = dashboard(user)
    html = "".join(pieces.card(view) for view in now.institutions) + pieces.totals(now)
    return jsonify(accepted=accepted, working=now.working, html=html), 202


@blueprint.get("/financial-institutions/<int:institution_id>")
@login_required
def show(institution_id: int) -> Response:
    """The resource, with the card and the totals it changes: what the page polls."""
    institution = owned_institution(person(), institution_id)
    return jsonify(_resource(institution.id))


@blueprint.patch("/financial-institutions/<int:institution_id>")
@login_required
def refresh(institution_id: int) -> Response:
    """202: a real-time refresh is under way. 429 within 60 s of the last one."""
    json_body()
    institution = owned_institution(person(), institution_id)
    institutions.refresh_now(institution)
    return _accepted(institution)


@blueprint.delete("/financial-institutions/<int:institution_id>")
@login_required
def delete(institution_id: int) -> Response:
    """200 whatever the vendor does: the Item is ended in the background, and retried until it is."""
    user = person()
    institution = owned_institution(user, institution_id)
    bank_id = institution.plaid_institution_id
    institutions.delete_institution(user, institution)
    left = dashboard(user)
    html = "".join(pieces.card(each) for each in _replaceable(left, bank_id)) + pieces.totals(left)
    return jsonify(html=html, dashboard=dashboard_json(left))


@blueprint.post("/financial-institutions/<int:institution_id>/restore-accounts")
@login_required
def restore_accounts(institution_id: int) -> Response:
    """202: deleted accounts come back with the reading that starts now."""
    json_body()
    institution = owned_institution(person(), institution_id)
    institutions.restore_accounts(institution)
    return _accepted(institution)


@blueprint.get("/financial-institutions/<int:institution_id>/logo")
@login_required
def logo(institution_id: int) -> Response:
    response = make_response(institutions.logo_of(owned_institution(person(), institution_id)))
    response.content_type = "image/png"
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


def _accepted(institution: FinancialInstitution) -> Response:
    response = jsonify(_resource(institution.id))
    response.status_code = 202
    response.headers["Location"] = url_for("institutions.show", institution_id=institution.id)
    return response


def _replaceable(board: Dashboard, bank_id: str | None) -> list[InstitutionView]:
    """Connections to a bank that are broken: whether another one replaces them stands on their own cards."""
    return [
        each for each in board.institutions if bank_id and each.bank_id == bank_id and each.state in BROKEN
    ]


def _resource(institution_id: int) -> dict[str, object]:
    view = institution_view(institution_id)
    if view is None:  # deleted between the two looks
        raise NotFound
    board = dashboard(person())
    cards = [view, *(each for each in _replaceable(board, view.bank_id) if each.id != view.id)]
    html = "".join(pieces.card(each) for each in cards) + pieces.totals(board)
    return {**resource(view), "html": html}
