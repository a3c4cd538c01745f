"""Flask's session as a row in the database; the cookie holds a random id and nothing else.

A visitor who has not signed in has an id but no row. The CSRF token is derived from the id, so forms work
before sign-in without keeping anything about anybody, and a form left open for a day still works.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.datastructures import CallbackDict

from services import sessions
from services.health import DATABASE_AWAY

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_CSRF = "csrf_token"


class RowSession(CallbackDict[str, Any], SessionMixin):  # pyright: ignore[reportIncompatibleMethodOverride]
    """The session of one browser. `rotate` gives it a new id: a stolen old one is worth nothing."""

    def __init__(self, token: str, data: dict[str, Any] | None, *, unsent: bool) -> None:
        def mark(session: RowSession) -> None:
            session.modified = True

        super().__init__(data or {}, mark)
        self.token = token
        self.has_row = data is not None
        self.unsent = unsent
        self.ended: list[str] = []
        self.living: sessions.Living | None = None
        """Held, so that the person need not be looked up once more."""
        self.lost = False
        """The database did not answer: nobody knows who this is (views/errors.py says so)."""
        self.modified = False
        self.accessed = False

    def rotate(self) -> None:
        """Take a new id now; the old one ends with this request. Called on sign-in, sign-out and new passwords."""
        if self.has_row:
            self.ended.append(self.token)
        self.token, self.unsent, self.has_row = secrets.token_urlsafe(32), True, False
        self.pop(_CSRF, None)
        self.modified = True

    def __getitem__(self, key: str) -> Any:
        self.accessed = True
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.accessed = True
        return super().__contains__(key)


class RowSessionInterface(SessionInterface):
    """Opens and saves RowSession."""

    def open_session(self, app: Flask, request: Request) -> RowSession:
        token = request.cookies.get(self.get_cookie_name(app), "")
        known = bool(_TOKEN.fullmatch(token))
        lost = False
        try:
            living = sessions.load(token) if known else None
        except DATABASE_AWAY:
            living, lost = None, True
        data = None if living is None else living.data
        session = RowSession(token if known else secrets.token_urlsafe(32), data, unsent=not known)
        session.living, session.lost = living, lost
        _add_csrf(app, session)
        session.modified = session.accessed = False
        return session

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, RowSession):  # Flask's types allow any session; ours opened this one
            return
        response.vary.add("Cookie")
        if session.lost:
            return
        for token in session.ended:
            sessions.end(token)
        if session.modified:
            self._keep(session)
        if session.unsent and (session.accessed or session.modified):
            response.set_cookie(
                self.get_cookie_name(app),
                session.token,
                secure=self.get_cookie_secure(app),
                httponly=True,
                samesite="Lax",
                path="/",
            )

    def _keep(self, session: RowSession) -> None:
        data = {key: value for key, value in session.items() if key != _CSRF}
        if not data and not session.has_row:
            return
        user_id, _, _print = str(data.get("_user_id") or "").partition(":")
        try:
            sessions.save(session.token, int(user_id) if user_id else None, data, create=not session.has_row)
        except sessions.SessionRefusedError:
            session.unsent = False  # the person was deleted meanwhile: no cookie for nobody


def _add_csrf(app: Flask, session: RowSession) -> None:
    secret = str(app.secret_key).encode()
    session[_CSRF] = hmac.new(secret, b"csrf:" + session.token.encode(), "sha256").hexdigest()
