"""What every view needs of HTTP: JSON or a page, a checked JSON body, the gateways, pieces of the page."""

from __future__ import annotations

import secrets
from typing import IO, Any, cast

from flask import Request, current_app, request
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.formparser import FormDataParser

from domain.errors import BadInput, TooSoon
from models import User
from services.linking import Banks


class NamedFields(FormDataParser):
    """Drops the parts of a multipart body that have no name: they belong to no field, and readers of forms expect
    every name to be text."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], MultiDict[str, Any], MultiDict[str, Any]]:
        stream, form, files = super().parse(stream, mimetype, content_length, options)
        return stream, self._named(form), self._named(files)

    def _named(self, fields: MultiDict[str, Any]) -> MultiDict[str, Any]:
        return self.cls([(name, value) for name, value in fields.items(multi=True) if name is not None])


class TidyRequest(Request):
    """The request of every page."""

    form_data_parser_class = NamedFields


def wants_json(incoming: Request) -> bool:
    """JSON is what *.json, the JSON endpoints, webhooks, every PATCH and DELETE answer; elsewhere Accept decides."""
    path = incoming.path
    if path.endswith(".json") or path == "/create_link_token":
        return True
    if path.startswith(("/financial-institutions", "/webhooks/")):
        return True
    if incoming.method in ("PATCH", "DELETE"):
        return True
    best = incoming.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def request_id() -> str:
    """This request's random id, the same however often it is asked for: in the header, in errors, in the log."""
    return request.environ.setdefault("cashview.request_id", secrets.token_hex(8))


def json_body() -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty object. 415 for another type, 400 for bad JSON."""
    body_was_read = bool(request.content_length)  # a form's, when its CSRF token was looked for
    if not request.get_data(cache=True) and (request.is_json or not body_was_read):
        return {}
    if not request.is_json:
        raise UnsupportedMediaType("Please send JSON with Content-Type application/json.")
    try:
        body = request.get_json()
    except (BadRequest, RecursionError, ValueError):
        raise BadInput("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise BadInput("The body must be a JSON object.")
    return body


def flag(body: dict[str, Any], name: str) -> bool:
    """An optional true or false of a JSON body; BadInput for anything else."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadInput(f"{name} must be true or false.")
    return value


def whole_number(body: dict[str, Any], name: str) -> int:
    """A whole number of a JSON body; BadInput for anything else."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInput(f"{name} must be a whole number.")
    return value


def too_soon(form: FlaskForm, error: TooSoon) -> None:
    """Say at the top of the form when its password may be tried again; `form_answer` gives it the status."""
    form.form_errors.append(error.message)
    form.retry_after = error.retry_after  # type: ignore[attr-defined]


def form_answer(page: str, form: FlaskForm) -> str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """A page with its form: as it is when read; 400, or 429 with Retry-After, when it was sent and did not do."""
    if request.method != "POST":
        return page
    wait = getattr(form, "retry_after", 0)
    return (page, 429, {"Retry-After": str(wait)}) if wait else (page, 400)


def banks() -> Banks:
    return current_app.extensions["banks"]


def person() -> User:
    """The signed-in user (only behind login_required)."""
    return cast(User, current_user._get_current_object())  # noqa: SLF001 - flask-login's own way to the real object
