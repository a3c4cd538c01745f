"""Gateways for tests: the real ones, pointed at a vendor on this machine."""

from __future__ import annotations

from providers.registry import LazyBanks


def banks_at(url: str, *environments: str) -> LazyBanks:
    """Plaid's gateway for these environments (both unless said otherwise) at this base URL."""
    options = {
        "host": url,
        "client_id": "id",
        "secret": "secret",
        "products": ["transactions"],
        "country_codes": ["US"],
    }
    return LazyBanks(dict.fromkeys(environments or ("sandbox", "production"), options))
