"""A vendor that fails on command, gateways with short time-outs, and two institutions of one person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

import background
from models import FinancialInstitution, User
from services.refreshing import refresh
from tests.faults.vendor import REFUSED, FaultyPlaid, Refusing
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_user
from tests.support.simulator import SimulatorProcess
from tests.support.texters import SimulatedTwilio

BROKEN, SOUND = "access-broken", "access-sound"


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorProcess]:
    """The simulator for texts: they arrive at once."""
    with SimulatorProcess() as process:
        yield process


@pytest.fixture
def twilio(simulator: SimulatorProcess) -> Iterator[SimulatedTwilio]:
    """Twilio where everything works."""
    twilio = SimulatedTwilio(simulator.url)
    yield twilio
    twilio.forget()


@pytest.fixture(scope="session")
def vendor() -> Iterator[FaultyPlaid]:
    with FaultyPlaid() as server:
        yield server


@pytest.fixture
def bank(vendor: FaultyPlaid) -> FaultyPlaid:
    """Where everything works: an account with 100 available, and one transaction before cursor c1."""
    vendor.forget()
    item = {**plaid.ITEM, "institution_id": "ins_1"}
    vendor.always("/item/get", {"item": item, "status": None})
    vendor.always("/item/remove", {})
    vendor.always(
        "/institutions/get_by_id", {"institution": {"institution_id": "ins_1", "name": "Bank of Tests"}}
    )
    vendor.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    vendor.always("/accounts/balance/get", plaid.accounts(plaid.account("a1", available=150)))
    vendor.always(
        "/transactions/sync",
        lambda body: plaid.page([] if body.get("cursor") else [plaid.transaction("t1", 1)], cursor="c1"),
    )
    return vendor


@pytest.fixture(autouse=True)
def short_time_outs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hang is known within a second (a busy machine may need half of one to answer), and a refused token waits
    for its twin only a moment."""
    for name in ("IN_REQUEST", "BACKGROUND", "REALTIME"):
        monkeypatch.setattr(f"providers.plaid.{name}", (1.0, 0.8))
    monkeypatch.setattr("services.linking.TWIN_WAIT_SECONDS", 0.05)
    monkeypatch.setattr("services.linking.TWIN_COMMIT_SECONDS", 0.05)


@pytest.fixture
def gateway(bank: FaultyPlaid) -> Refusing:
    return Refusing(bank.url)


@pytest.fixture
def banks(gateway: Refusing) -> dict[str, Refusing]:
    return {"sandbox": gateway, "production": gateway}


METHOD_OF = {
    "/accounts/get": "accounts_get",
    "/accounts/balance/get": "accounts_balance_get",
    "/transactions/sync": "transactions_sync",
    "/item/get": "item_get",
    "/institutions/get_by_id": "institutions_get_by_id",
    "/item/remove": "item_remove",
    "/item/public_token/exchange": "item_public_token_exchange",
    "/link/token/create": "link_token_create",
}


def go_wrong(bank: FaultyPlaid, gateway: Refusing, path: str, answer: Any, *, page: int = 1) -> None:
    """From now on this path fails for the broken institution alone. `page` 2 of a sync: the first page is fine."""
    usual = bank._standing.get(path)
    if answer is REFUSED:
        gateway.refused, gateway.only, gateway.after = METHOD_OF[path], BROKEN, page - 1

    def respond(body: dict[str, Any]) -> Any:
        broken = body.get("access_token", BROKEN) == BROKEN and body.get("institution_id") != "ins_sound"
        if broken and page == 2 and body.get("cursor") in (None, "c1"):
            return plaid.page([plaid.transaction("half", 5)], cursor="half-way", more=True)
        if broken and answer is not REFUSED:
            return answer
        return usual(body) if callable(usual) else usual

    bank.always(path, respond)


@dataclass
class Two:
    """A person's institutions, both read before: 100 available, transaction t1, cursor c1."""

    person: User
    broken: FinancialInstitution
    sound: FinancialInstitution


@pytest.fixture
def two(context: Flask, banks: dict[str, Refusing]) -> Two:
    background.use(None)
    person = make_user()
    made = [
        make_institution(
            person, access_token=token, plaid_item_id=f"item-{token}", due_at=None, refreshed_at=None
        )
        for token in (BROKEN, SOUND)
    ]
    for institution in made:
        refresh(institution.id, banks, 60)
    return Two(person, made[0], made[1])
