"""A bank that signs people in on its own page: Link sends the browser there, and it comes back to the app's
redirect_uri with an oauth_state_id, where Link goes on with the same link token.
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request

from simulator.link import present
from simulator.link.flow import Visit, Visits
from simulator.records import LinkSession

BANK_PAGE = "/link/oauth/bank"


def leave_for_bank(visit: Visit) -> dict[str, Any]:
    """The step that takes the whole window to the bank."""
    visit.oauth_state_id, visit.granted = str(uuid.uuid4()), None
    return {"step": "redirect", "path": f"{BANK_PAGE}?oauth_state_id={visit.oauth_state_id}"}


def returning(visits: Visits, link: LinkSession | None, received_redirect_uri: object) -> Visit | None:
    """The visit that an address of return belongs to: same link token, same page, said yes or no at the bank."""
    if link is None or not isinstance(received_redirect_uri, str):
        return None
    parts = urlsplit(received_redirect_uri)
    ids = parse_qs(parts.query)
    if set(ids) != {"oauth_state_id"} or received_redirect_uri.partition("?")[0] != link.redirect_uri:
        return None
    visit = visits.back_from_bank(ids["oauth_state_id"][0], link.link_token)
    return visit if visit and visit.granted is not None and visit.institution else None


def add_bank_page(blueprint: Blueprint, visits: Visits) -> None:
    def asked() -> Visit:
        visit = visits.back_from_bank(request.values.get("oauth_state_id"))
        if visit is None or visit.institution is None or not visit.link.redirect_uri:
            abort(404)
        return visit

    @blueprint.get("/oauth/bank")
    def bank() -> Response:
        visit = asked()
        bank = present.institution(visit.institution) if visit.institution else {}
        page = render_template("simlink/bank.html", visit=visit, bank=bank, client=visit.link.client_name)
        response = Response(page)
        back = urlsplit(visit.link.redirect_uri or "")
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {back.scheme}://{back.netloc}"
        )
        return response

    @blueprint.post("/oauth/bank")
    def decide() -> Response:
        visit = asked()
        visit.granted = request.form.get("granted") == "yes"
        address = f"{visit.link.redirect_uri}?oauth_state_id={visit.oauth_state_id}"
        return redirect(address, 303)  # type: ignore[return-value]
