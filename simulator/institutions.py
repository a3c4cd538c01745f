"""The catalogue of institutions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_PRODUCTS = ("assets", "auth", "balance", "identity", "investments", "liabilities", "transactions")


@dataclass(frozen=True, kw_only=True)
class Institution:
    """One institution. `primary_color` is `#rrggbb`; `oauth` institutions have no credential pane."""

    institution_id: str
    name: str
    primary_color: str
    url: str
    logo_png: bytes | None = None
    products: Sequence[str] = _PRODUCTS
    country_codes: Sequence[str] = ("US",)
    oauth: bool = False
    asks_pin: bool = False


class Catalogue:
    """Institutions in the order they are shown."""

    def __init__(self, institutions: Iterable[Institution]) -> None:
        self._by_id = {each.institution_id: each for each in institutions}

    def all(self) -> list[Institution]:
        return list(self._by_id.values())

    def get(self, institution_id: str) -> Institution | None:
        return self._by_id.get(institution_id)

    def search(
        self, query: str, country_codes: Sequence[str], products: Sequence[str] | None = None
    ) -> list[Institution]:
        """Institutions of these countries that support every product and match every word of the query."""
        words = query.casefold().split()
        return [
            each
            for each in self._by_id.values()
            if set(each.country_codes) & set(country_codes)
            and set(products or ()) <= set(each.products)
            and all(word in each.name.casefold() for word in words)
        ]


catalogue = Catalogue(
    [
        Institution(
            institution_id="ins_109508",
            name="First Platypus Bank",
            primary_color="#1f6f8b",
            url="https://platypus.example",
        )
    ]
)
