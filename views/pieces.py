"""Pieces of the dashboard, rendered alone: the page is made of them, and JSON answers carry them to be swapped in.

A card is rendered once for the same values: between two looks most cards have not changed, and a page of fifty
institutions is nearly all made of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from flask import current_app, render_template
from markupsafe import Markup

from domain import wording
from domain.balances import TotalLine
from services.doubles import Double
from services.reporting import Dashboard, InstitutionView
from services.shares import Share
from views import kept
from views.http import person

KEPT = 400
"""Cards a process keeps: those of the pages looked at last, some 15 MB at the most."""
OPEN_AT_MOST = 6
"""More institutions start closed, so that the page stays an overview; a person's own choice is remembered."""
_CARDS_HERE = Markup("<!-- cards -->")
"""Where whole_page puts the cards. No text of anybody's can be this: there, a < would be escaped."""


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
    """Kept apart from other pieces (views/kept.py), as bytes."""
    template = kept.environment().get_template("dashboard/_institution.html")
    return template.render(institution=view, ages=ages, collapsed=collapsed, texts_on=texts_on).encode()


def whole_page(dashboard: Dashboard, link_script_url: str) -> bytes:
    """The dashboard's page. The cards are put in at its end, as bytes: a thousand accounts are a megabyte and a
    half, which templates would copy from one to the next and then encode again."""
    page = render_template(
        "dashboard/index.html",
        dashboard=dashboard,
        zone=person().timezone,
        front=_over_cards(dashboard),
        link_script_url=link_script_url,
        cards_here=_CARDS_HERE,
    )
    before, _, after = page.partition(_CARDS_HERE)
    inner = cards(dashboard.institutions, collapsed=len(dashboard.institutions) > OPEN_AT_MOST)
    return b"".join([before.encode(), *inner, after.encode()])


class _Front(NamedTuple):
    """What stands over the cards shows of a dashboard. Its ages are words of now and of the person's time zone."""

    main: TotalLine | None
    totals: tuple[TotalLine, ...]
    shares: tuple[Share, ...]
    doubles: tuple[Double, ...]
    ages: tuple[str, str] | None
    linked: int
    working: int
    updated_today: int
    ready_in: int | None
    is_empty: bool
    sandbox: bool


def totals(dashboard: Dashboard) -> str:
    """Everything outside the cards that figures of a card change, as text to join with cards (a Markup would
    escape them)."""
    return str(_over_cards(dashboard))


def _over_cards(dashboard: Dashboard) -> Markup:
    user = person()
    return kept.front(_front(dashboard, user.timezone, user.account_type))


def _front(dashboard: Dashboard, zone: str, account_type: str) -> _Front:
    return _Front(
        main=dashboard.main,
        totals=tuple(dashboard.totals),
        shares=tuple(dashboard.shares),
        doubles=tuple(dashboard.doubles),
        ages=age_words(dashboard.ages, zone),
        linked=len(dashboard.institutions),
        working=dashboard.working,
        updated_today=dashboard.updated_today,
        ready_in=dashboard.ready_in,
        is_empty=dashboard.is_empty,
        sandbox=account_type == "sandbox",
    )


def age_words(ages: tuple[datetime, datetime] | None, zone: str) -> tuple[str, str] | None:
    """The oldest and the newest age of a total's numbers, in words of now and of a time zone."""
    if ages is None:
        return None
    now = datetime.now(UTC)
    return wording.local_moment(ages[0], now, zone), wording.local_moment(ages[1], now, zone)
