"""Where a bank that signs people in on its own page sends them back: Link goes on with the same token."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from flask_login import current_user

from domain.errors import NotFound
from services.ownership import owned_institution
from views import link_session
from views.headers import allow_link
from views.http import person
from views.link_session import OpenLink

blueprint = Blueprint("institutions_oauth", __name__)

MAX_STATE = 256


@blueprint.get("/oauth-return")
def oauth_return() -> str | tuple[str, int]:
    """Opens Link again by itself. Another browser, or a session that has ended, gets words for what to do (400)."""
    state_id = request.args.get("oauth_state_id", "")
    opened = link_session.current() if current_user.is_authenticated else None
    if opened is None or not 0 < len(state_id) <= MAX_STATE or not _is_theirs(opened):
        return render_template("connections/oauth_return.html", opened=None, link_script_url=None), 400
    allow_link()
    script = current_app.config["SETTINGS"].plaid_link_script_url
    return render_template("connections/oauth_return.html", opened=opened, link_script_url=script)


def _is_theirs(opened: OpenLink) -> bool:
    """The institution may have been deleted in another tab meanwhile."""
    try:
        return opened.institution_id is None or bool(owned_institution(person(), opened.institution_id))
    except NotFound:
        return False
