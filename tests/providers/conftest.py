"""A gateway over the unmodified plaid-python client, pointed at a vendor of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from providers.plaid import PlaidGateway, PlaidOptions
from tests.support.scripted_plaid import ScriptedPlaid

CLIENT_ID = "client-id-of-the-test"
SECRET = "secret-of-the-test-0f9e8d"
ACCESS_TOKEN = "access-sandbox-5c2a-of-the-test"
PUBLIC_TOKEN = "public-sandbox-77aa-of-the-test"


def make_gateway(host: str, **changes: object) -> PlaidGateway:
    options = {
        "host": host,
        "client_id": CLIENT_ID,
        "secret": SECRET,
        "products": ["transactions"],
        "country_codes": ["US", "CA"],
        "pool_size": 2,
    }
    return PlaidGateway(PlaidOptions(**{**options, **changes}))  # type: ignore[arg-type]


@pytest.fixture
def vendor() -> Iterator[ScriptedPlaid]:
    with ScriptedPlaid() as server:
        yield server


@pytest.fixture
def gateway(vendor: ScriptedPlaid) -> PlaidGateway:
    return make_gateway(vendor.url)


@pytest.fixture
def gateway_with(vendor: ScriptedPlaid) -> Callable[..., PlaidGateway]:
    return lambda **changes: make_gateway(vendor.url, **changes)
