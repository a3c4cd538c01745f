"""The cookie by which a browser is known again at its person's next log-in (services/devices.py)."""

from __future__ import annotations

import re

from flask import after_this_request, current_app, request
from werkzeug.wrappers import Response

from models import User
from services import devices

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def tokens() -> list[str]:
    """The tokens this browser shows: one for each of the people who last signed in with it."""
    shown = request.cookies.get(_name(), "").split(".")[: devices.PER_BROWSER]
    return [token for token in shown if _TOKEN.fullmatch(token)]


def remember(user: User) -> None:
    """This person has signed in here: the answer to this request carries the cookie that says so next time."""
    kept = devices.remember(user, tokens())

    @after_this_request
    def send(response: Response) -> Response:
        response.set_cookie(
            _name(),
            ".".join(kept),
            max_age=devices.LIFETIME,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
            path="/",
        )
        return response


def _name() -> str:
    return current_app.config["SETTINGS"].device_cookie_name
