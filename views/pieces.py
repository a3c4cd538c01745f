"""Pieces of the dashboard, rendered alone: what JSON answers carry for the page to swap in.

A card is rendered once for the same values: between two looks most cards have not changed, and a page of fifty
institutions is nearly all made of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from flask import Flask, current_app, render_template
from markupsafe import Markup

from domain import wording
from domain.balances import TotalLine
from services.reporting import Dashboard, InstitutionView
from services.shares import Share
from views.http import person

KEPT = 400
"""Cards a process keeps: those of the pages looked at last, some 15 MB at the most."""
OPEN_AT_MOST = 6
"""More institutions start closed, so that the page stays an overview; a person's own choice is remembered."""
_CARDS_HERE = Markup("<!-- cards -->")
"""Where whole_page puts the cards. No text of anybody's can be this: there, a < would be escaped."""


def register(app: Flask) -> None:
    app.jinja_env.globals["shares"] = shares


@dataclass(frozen=True, slots=True)
class _Ages:
    """What a card says about moments, in words of now and of the person's time zone; None for unknown ones."""

    updated: str | None
    numbers: str | None


def card(view: InstitutionView) -> str:
    """One institution's card."""
    return cards([view], collapsed=False)[0].decode()


def cards(views: Iterable[InstitutionView], *, collapsed: bool) -> list[bytes]:
    """Their cards, as they travel; `collapsed`: the accounts start closed."""
    now, zone = datetime.now(UTC), person().timezone
    texts_on = current_app.config["SETTINGS"].texting_enabled
    return [_card(view, _ages(view, now, zone), collapsed, texts_on) for view in views]


def _ages(view: InstitutionView, now: datetime, zone: str) -> _Ages:
    updated, numbers = view.refreshed_at, view.balances_as_of
    return _Ages(
        updated and wording.ago(updated, now),
        numbers and wording.local_moment(numbers, now, zone),
    )


@lru_cache(maxsize=KEPT)
def _card(view: InstitutionView, ages: _Ages, collapsed: bool, texts_on: bool) -> bytes:
    """The template is given nothing but these values: no person, no request, no clock. So the same values make
    the same card, and one that asks for more fails at once (undefined names are errors)."""
    template = current_app.jinja_env.get_template("dashboard/_institution.html")
    return template.render(institution=view, ages=ages, collapsed=collapsed, texts_on=texts_on).encode()


def whole_page(dashboard: Dashboard, link_script_url: str) -> bytes:
    """The dashboard's page. The cards are put in at its end, as bytes: a thousand accounts are a megabyte and a
    half, which templates would copy from one to the next and then encode again."""
    page = render_template(
        "dashboard/index.html", dashboard=dashboard, link_script_url=link_script_url, cards_here=_CARDS_HERE
    )
    before, _, after = page.partition(_CARDS_HERE)
    inner = cards(dashboard.institutions, collapsed=len(dashboard.institutions) > OPEN_AT_MOST)
    return b"".join([before.encode(), *inner, after.encode()])


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the shares show of a dashboard."""

    main: TotalLine | None
    totals: tuple[TotalLine, ...]
    shares: tuple[Share, ...]


def shares(dashboard: Dashboard) -> Markup:
    """The ring of shares with its table, kept like a card."""
    return _shares(_Shared(dashboard.main, tuple(dashboard.totals), tuple(dashboard.shares)))


@lru_cache(maxsize=KEPT)
def _shares(shared: _Shared) -> Markup:
    template = current_app.jinja_env.get_template("dashboard/_shares.html")
    return Markup(template.render(dashboard=shared))  # noqa: S704 - a template's own output: it has escaped what it was given


def totals(dashboard: Dashboard) -> str:
    """Everything outside the cards that figures of a card change."""
    names = ("_summary", "_institutions_head", "_empty")
    return "".join(render_template(f"dashboard/{name}.html", dashboard=dashboard) for name in names)
