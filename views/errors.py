"""Every failure as an answer: a page for people, {"error": {code, message, request_id}} for programs.

Never a stack trace, never a secret. What was not expected is logged with the request id a person can quote.
"""

from __future__ import annotations

import logging
import math
import time

from flask import (
    Flask,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response as AnyResponse

from domain.errors import AppError, BadInput, Conflict, Forbidden, NotFound, TooSoon, VendorTrouble
from extensions import db, limiter, login_manager
from services.health import DATABASE_AWAY, roll_back
from views.http import request_id, wants_json

log = logging.getLogger(__name__)

STATUS_OF = {BadInput: 400, Forbidden: 403, NotFound: 404, Conflict: 409, TooSoon: 429, VendorTrouble: 503}

WORDS = {
    400: ("bad_request", "That did not work", "The request could not be understood."),
    401: (
        "unauthorized",
        "Please log in",
        "You are not signed in, or your session has ended. Please log in.",
    ),
    403: ("forbidden", "Not allowed", "That is not allowed here."),
    404: ("not_found", "Nothing here", "There is nothing here, or it is not yours."),
    405: ("method_not_allowed", "Not that way", "This address does not take that kind of request."),
    413: ("too_large", "Too large", "That was more than CashView takes in one request."),
    415: (
        "unsupported_media_type",
        "Wrong kind of content",
        "Please send JSON with Content-Type application/json.",
    ),
    429: (
        "too_many_requests",
        "A moment, please",
        "That was asked too often. Please wait a little and try again.",
    ),
    500: (
        "internal_error",
        "Something went wrong",
        "Something went wrong on our side. Nothing of yours was lost.",
    ),
    503: (
        "unavailable",
        "Not available just now",
        "CashView cannot reach its data just now. Please try again shortly.",
    ),
}


def register(app: Flask) -> None:
    app.register_error_handler(AppError, _app_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(RateLimitExceeded, _rate_limited)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(SecurityError, _foreign_host)
    for kind in DATABASE_AWAY:
        app.register_error_handler(kind, _database_trouble)
    app.before_request(_refuse_lost_sessions)
    app.register_error_handler(Exception, _unexpected)


def unauthorized() -> AnyResponse:
    """401 for programs; people go to the log-in page and come back to where they were."""
    if wants_json(request):
        return answer(401)
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.login", next=target if target != "/" else None), code=303)


def answer(status: int, code: str | None = None, message: str | None = None) -> Response:
    """The error answer in the form the request wants."""
    default_code, title, default_message = WORDS.get(status, WORDS[400 if status < 500 else 500])
    code, message = code or default_code, message or default_message
    if wants_json(request):
        response = jsonify(error={"code": code, "message": message, "request_id": request_id()})
    else:
        response = make_response(
            render_template(
                "errors/error.html", status=status, title=title, message=message, request_id=request_id()
            )
        )
    response.status_code = status
    return response


def _app_error(error: AppError) -> Response:
    status = next((status for kind, status in STATUS_OF.items() if isinstance(error, kind)), 400)
    response = answer(status, error.code, error.message)
    if isinstance(error, TooSoon):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _csrf_error(_error: CSRFError) -> Response:
    message = "This page was open too long or in another window. Please reload it and try again."
    return answer(400, "csrf_failed", message)


def _rate_limited(error: RateLimitExceeded) -> Response:
    response = answer(429)
    response.headers["Retry-After"] = str(_seconds_left(error))
    return response


def _seconds_left(error: RateLimitExceeded) -> int:
    """Until the window that is used up ends; the whole of it when the counters cannot be asked any more."""
    whole = error.limit.limit.get_expiry() if error.limit else 60
    used_up = limiter.current_limit
    try:
        left = used_up.reset_at - time.time() if used_up else whole
    except Exception:  # noqa: BLE001 - whatever the store of the counters raises: this answer is no place for a 500
        left = whole
    return max(1, min(math.ceil(left), whole))


def _http_error(error: HTTPException) -> Response | AnyResponse:
    cause = getattr(error, "original_exception", None)
    if isinstance(cause, DATABASE_AWAY):  # it went away when the answer was ready and the session was kept
        return _database_trouble(cause)
    status = error.code or 500
    if status < 400:
        return error.get_response()
    response = answer(status, message=error.description if status == 415 else None)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _foreign_host(_error: SecurityError) -> Response:
    """A host outside TRUSTED_HOSTS. In words alone: a page has links, and no address of ours may be built on it."""
    if wants_json(request):
        return answer(400)
    return Response("This site is not served under that name.\n", 400, mimetype="text/plain")


def _database_trouble(error: Exception) -> Response:
    """The database is away, busy or read-only: a page that says so, and room for the next request."""
    log.error("database trouble in %s %s: %s", request.method, request.endpoint, type(error).__name__)
    return _database_away()


def _database_away() -> Response:
    roll_back()
    session.lost = True  # type: ignore[attr-defined] - views/session_interface.py: nothing of it is kept
    login_manager._update_request_context_with_user()  # noqa: SLF001 - the page must not ask who this is again
    return answer(503)


def _refuse_lost_sessions() -> Response | None:
    """Without the database nobody knows who is asking; what needs no database still answers."""
    if getattr(session, "lost", False) and request.endpoint not in ("health.healthz", "health.readyz"):
        return _database_away()
    return None


def _unexpected(error: Exception) -> Response:
    db.session.rollback()
    log.error("unexpected error in %s, request %s", request.endpoint, request_id(), exc_info=error)
    return answer(500)
