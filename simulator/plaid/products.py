"""Which products may be asked for."""

from __future__ import annotations

from simulator.errors import PlaidError
from simulator.plaid.fields import Fields

PRODUCTS = frozenset(
    {
        "assets", "auth", "employment", "identity", "income_verification", "investments", "investments_auth",
        "liabilities", "payment_initiation", "signal", "standing_orders", "statements", "transactions", "transfer",
    }
)  # fmt: skip
ADDED_BY_PLAID = frozenset({"balance", "recurring_transactions", "transactions_refresh"})
"""Nothing can be initialised with these: they come with others."""
COUNTRIES = frozenset(
    {
        "AT", "BE", "CA", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "IE", "IT", "LT", "LV", "NL", "NO", "PL", "PT",
        "SE", "US",
    }
)  # fmt: skip


def products(fields: Fields, name: str) -> list[str]:
    """A list of products; INVALID_PRODUCT for those that can't be asked for."""
    asked = fields.texts(name)
    if wrong := [each for each in asked if each in ADDED_BY_PLAID]:
        raise PlaidError("INVALID_PRODUCT", f"{name}: products that cannot be requested: {', '.join(wrong)}")
    if unknown := [each for each in asked if each not in PRODUCTS]:
        raise PlaidError("INVALID_PRODUCT", f"{name}: unknown products: {', '.join(unknown)[:80]}")
    return asked


def countries(fields: Fields) -> list[str]:
    codes = fields.texts("country_codes")
    if not codes or any(code not in COUNTRIES for code in codes):
        raise fields.invalid("country_codes", "must be a list of supported ISO 3166-1 alpha-2 codes")
    return codes
