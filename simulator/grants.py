"""What a link token gives to the Item that comes of it."""

from __future__ import annotations

from simulator import feed
from simulator.institutions import catalogue
from simulator.records import LinkSession


def optional_products(session: LinkSession | None, institution_id: str, products: list[str]) -> list[str]:
    """Products that Link adds where the institution has them."""
    institution = catalogue.get(institution_id)
    if session is None or institution is None:
        return []
    return [
        each for each in session.optional_products if each in institution.products and each not in products
    ]


def days_of_history(session: LinkSession | None) -> int | None:
    """Link fixes how much history is kept, if transactions were asked for there."""
    if session is None or "transactions" not in {*session.products, *session.optional_products}:
        return None
    return session.days_requested or feed.DEFAULT_DAYS
