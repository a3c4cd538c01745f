"""Pieces of pages that are rendered once for the same values.

A kept template is given its values and nothing else: it stands in an environment without person, request, session,
token or clock, and undefined names are errors. So the same values make the same piece, nobody sees what was made of
another's, and nothing kept is ever out of date: it is thrown out by age alone.
"""

from __future__ import annotations

import weakref
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from flask import Flask, current_app
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from jinja2 import Environment
from markupsafe import Markup

from views.http import person

PIECES = 1000
"""Pieces a process keeps: those asked for last, some 5 MB at the most."""
FRONTS = 200
"""Of what stands over the cards, some 4 MB at the most."""
BOUND = frozenset(
    {"request", "session", "g", "config", "csrf_token", "get_flashed_messages", "signed_in", "kept_form"}
)
"""Globals that say something else at every request."""
TELLING_TIME = frozenset({"ago", "local"})
"""Filters that look at the clock: their words are passed in instead."""


_TOKEN_HERE = Markup("<!-- token -->")
"""Where kept_form puts the token. No text of anybody's can be this: there, a < would be escaped."""


def register(app: Flask) -> None:
    app.extensions["kept"] = _Kept(app)
    app.jinja_env.globals["kept"] = kept
    app.jinja_env.globals["kept_form"] = kept_form
    app.jinja_env.globals["signed_in"] = signed_in


class Viewer(NamedTuple):
    """A signed-in person as far as the frame of a page shows them."""

    username: str
    first_name: str
    last_name: str
    account_type: str
    is_demo: bool


def signed_in() -> Viewer | None:
    """Who looks at this page; None for nobody known."""
    if not current_user.is_authenticated:
        return None
    user = person()
    return Viewer(user.username, user.first_name, user.last_name, user.account_type, user.is_demo)


def kept(name: str, **values: Any) -> Markup:
    """The template's output for these values, which must be hashable and equal only when they show the same."""
    return _here().piece(name, tuple(values.items()))


def kept_form(name: str, **values: Any) -> Markup:
    """The same for a template with forms: `token` in it becomes this browser's, which no piece may be kept with."""
    piece = kept(name, **values, token=_TOKEN_HERE)
    return Markup(str(piece).replace(_TOKEN_HERE, generate_csrf()))  # noqa: S704 - as in _Kept; a token is letters


def front(values: Any) -> Markup:
    """What stands over the cards of the overview: apart from other pieces, for where banks are being read it lives a
    second."""
    return _here().front(values)


def environment() -> Environment:
    """Where kept templates are rendered: this application's, without what is different at every request."""
    return _here().templates


class _Kept:
    """The pieces of one application; they go when it goes."""

    def __init__(self, app: Flask) -> None:
        self._app = weakref.ref(app)
        self.piece = lru_cache(maxsize=PIECES)(self._piece)
        self.front = lru_cache(maxsize=FRONTS)(self._front)

    @cached_property
    def templates(self) -> Environment:
        """Made on first use, when all globals and filters are there."""
        app = self._app()
        if app is None:
            raise RuntimeError("the application is gone")
        made = app.jinja_env.overlay()
        made.globals = {name: value for name, value in made.globals.items() if name not in BOUND}
        made.filters = {name: value for name, value in made.filters.items() if name not in TELLING_TIME}
        return made

    def _piece(self, name: str, values: tuple[tuple[str, Any], ...]) -> Markup:
        return Markup(self.templates.get_template(name).render(values))  # noqa: S704 - a template's own output: it has escaped what it was given

    def _front(self, values: Any) -> Markup:
        return self._piece("dashboard/_front.html", (("front", values),))


def _here() -> _Kept:
    return current_app.extensions["kept"]
