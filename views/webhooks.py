"""What the text service calls: reports of delivery, and replies to our texts.

No session and no CSRF token: the signature over the address and the form's fields says who is calling. It covers
PUBLIC_BASE_URL, so without that setting nobody is believed. Requests may come late, twice and out of order.
"""

from __future__ import annotations

import logging
import re

from flask import Blueprint, Response, current_app, request, session

from domain import replies
from domain.errors import Forbidden
from domain.replies import Reply
from extensions import csrf
from services import delivery, opt_outs
from services.delivery import Report

log = logging.getLogger(__name__)

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks/twilio")
csrf.exempt(blueprint)

MAX_BODY = 64 * 1024
"""Bytes. A reply of ten segments with everything known about its sender is a few kB."""
SIGNATURE = "X-Twilio-Signature"
NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""The text service answers STOP, START and HELP by itself; words of ours would be a second text."""

_CALLBACK_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}")
_ERROR_CODE = re.compile(r"[1-9][0-9]{0,6}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@blueprint.before_request
def _signed_only() -> None:
    """403 for whoever is not the text service; 413 for a body that is too large to look at."""
    session.unsent = False  # type: ignore[attr-defined] - a program keeps no cookie
    request.max_content_length = MAX_BODY
    settings = current_app.config["SETTINGS"]
    query = request.query_string.decode("latin-1")
    url = f"{settings.public_base_url or ''}{request.path}{'?' if query else ''}{query}"
    valid = current_app.extensions["valid_text_signature"]
    fields = request.form.to_dict(flat=False)
    if not settings.public_base_url or not valid(url, fields, request.headers.get(SIGNATURE)):
        log.warning("%s: a request without a valid signature was refused", request.endpoint)
        raise Forbidden("The signature of this request is missing or wrong.", code="bad_signature")


@blueprint.post("/status")
def status() -> tuple[str, int]:
    """News of a text. Also for a text that is gone (its person was deleted) the answer is that all is well."""
    callback_id, sid = request.args.get("text", ""), request.form.get("MessageSid", "")
    code = request.form.get("ErrorCode", "")
    if _CALLBACK_ID.fullmatch(callback_id) and _SID.fullmatch(sid):
        report = Report(
            sid, request.form.get("MessageStatus", ""), code if _ERROR_CODE.fullmatch(code) else None
        )
        delivery.apply_report(callback_id, report)
    return "", 204


@blueprint.post("/inbound")
def inbound() -> Response:
    """A reply. STOP and START hold for the number it came from; anything else changes nothing."""
    number = request.form.get("From", "")
    if _E164.fullmatch(number):
        _heed(number, replies.read(request.form.get("Body", ""), request.form.get("OptOutType")))
    return Response(NO_REPLY, 200, mimetype="text/xml")


def _heed(number: str, reply: Reply | None) -> None:
    if reply is Reply.STOP:
        opt_outs.record(number, opt_outs.REPLY)
    elif reply is Reply.START:
        opt_outs.lift(number)
