"""The catalogue: the institutions that Plaid documents for its Sandbox, and the simulator's own (`ins_sim_...`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from simulator import logos

_PRODUCTS = ("assets", "auth", "balance", "identity", "investments", "liabilities", "transactions")


@dataclass(frozen=True, kw_only=True)
class Institution:
    """One institution. `primary_color` is `#rrggbb`; `oauth` ones have no credential pane, `asks_pin` ones want a
    third credential. `login_error` is the code of the error that every login there meets.
    """

    institution_id: str
    name: str
    primary_color: str
    url: str
    emblem: logos.Shape | None = None
    products: Sequence[str] = _PRODUCTS
    country_codes: Sequence[str] = ("US",)
    oauth: bool = False
    asks_pin: bool = False
    login_error: str | None = None
    about: str = ""
    """What it is for, in a few words for the simulator's home page."""

    @cached_property
    def logo_png(self) -> bytes | None:
        """Its logo; many institutions have none."""
        return logos.draw(self.primary_color, self.emblem) if self.emblem else None

    @property
    def health(self) -> str:
        """HEALTHY, DEGRADED or DOWN, as Plaid's institution status has it."""
        if self.login_error == "INSTITUTION_DOWN":
            return "DOWN"
        return "DEGRADED" if "Degraded" in self.name else "HEALTHY"


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


def _sandbox(number: str, name: str, color: str, about: str = "", **more: object) -> Institution:
    fields = {"url": "https://bank.example", "about": about or "Plaid's documented Sandbox data"}
    return Institution(institution_id=f"ins_{number}", name=name, primary_color=color, **(fields | more))  # type: ignore[arg-type]


def _own(number: str, name: str, color: str, about: str, **more: object) -> Institution:
    slug = name.casefold().replace(" ", "").replace("&", "-and-").replace("'", "")
    fields = {"url": f"https://www.{slug}.example", "about": about}
    return Institution(institution_id=f"ins_sim_{number}", name=name, primary_color=color, **(fields | more))  # type: ignore[arg-type]


catalogue = Catalogue(
    [
        _sandbox("109508", "First Platypus Bank", "#1f6f8b", emblem=logos.ring),
        _sandbox("109509", "First Gingham Credit Union", "#a23b4a"),
        _sandbox("109510", "Tattersall Federal Credit Union", "#5b6b2f"),
        _sandbox("109511", "Tartan Bank", "#8a2c2c"),
        _sandbox("109512", "Houndstooth Bank", "#2f3b52", emblem=logos.bars),
        _own(
            "family",
            "Alder & Oak Bank",
            "#2e6b4f",
            "a household's life in a bank, two years of it",
            emblem=logos.leaf,
        ),
        _own("cards", "Evergreen Card Services", "#146356", "cards, one of them overpaid", emblem=logos.ring),
        _own("loans", "Lighthouse Student Loans", "#8a5a12", "student loans and nothing else"),
        _own("brokerage", "Summit Brokerage", "#35478c", "investments", emblem=logos.peaks),
        _own("forty", "Forty Rivers Bank", "#1e5f74", "forty accounts"),
        _own(
            "canada",
            "Aurora Credit Union",
            "#7a2e6a",
            "accounts in Canadian dollars",
            country_codes=("CA",),
            emblem=logos.peaks,
        ),
        _own("coins", "Coinharbor", "#8c5a00", "accounts in bitcoin and ether", emblem=logos.coin),
        _own("unknowns", "Quiet Harbor Bank", "#4a5568", "null balances, limits, masks and names"),
        _own("pin", "Pin & Pebble Bank", "#6b4c9a", "asks for a PIN beside the password", asks_pin=True),
        _sandbox(
            "127287", "Platypus OAuth Bank", "#0b5a7a", "signs in on the bank's own page (OAuth)", oauth=True
        ),
        _sandbox("130016", "First Platypus Balance Bank", "#1f6f8b"),
        _sandbox("135858", "Windowpane Bank", "#3d6e70"),
        _sandbox("43", "Tartan-Dominion Bank of Canada", "#9b1c1c", country_codes=("CA",)),
        _sandbox("132363", "Unhealthy Platypus Bank - Degraded", "#7c6a0a", "has some trouble"),
        _sandbox(
            "132361", "Unhealthy Platypus Bank - Down", "#8a1c1c", "is down", login_error="INSTITUTION_DOWN"
        ),
        _sandbox(
            "133402",
            "Unsupported Platypus Bank",
            "#555555",
            "is not supported any more",
            login_error="INSTITUTION_NO_LONGER_SUPPORTED",
        ),
    ]
)
