"""Real-time balances: asked only when a person wants them; refused, the cached numbers with their own age."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine

from extensions import db
from models import FinancialInstitution
from services.institutions import refresh_now
from services.leases import due_now
from services.refreshing import Outcome
from tests.support import scripted_plaid as plaid
from tests.support.reading import balances, read
from tests.support.together import meanwhile

CACHED = plaid.accounts(plaid.account("a1", available=100))
REAL = plaid.accounts(plaid.account("a1", available=93.5))
DOWN = plaid.failure("INSTITUTION_DOWN", "INSTITUTION_ERROR")
LAST_NIGHT = "2026-11-22T07:30:00Z"


@pytest.fixture
def known(institution, bank, banks):
    """An institution that was read before, with cached balances."""
    bank.always("/accounts/get", CACHED)
    read(institution, banks)
    bank.requests.clear()
    return institution


def paths(bank) -> list[str]:
    return [path for path, _body in bank.requests]


def test_the_daily_job_never_asks_for_real_time_balances(known, bank, banks):
    read(known, banks)
    assert paths(bank) == ["/accounts/get", "/transactions/sync"]


def test_when_wanted_they_are_asked_once_and_the_next_refresh_is_cached_again(known, bank, banks):
    bank.always("/accounts/balance/get", REAL)
    refresh_now(known)

    assert read(known, banks) is Outcome.DONE

    assert paths(bank) == ["/accounts/balance/get", "/transactions/sync"]
    assert balances()["a1"][0] == Decimal("93.5")
    assert (known.realtime_wanted, known.due_at, known.state) == (False, None, "healthy")
    read(known, banks)
    assert paths(bank)[2:] == ["/accounts/get", "/transactions/sync"]


@pytest.mark.parametrize(
    "refusal",
    [
        DOWN,
        plaid.failure("BALANCE_LIMIT", "RATE_LIMIT_EXCEEDED", 429),
        plaid.failure("PRODUCTS_NOT_SUPPORTED"),
        plaid.failure("PRODUCT_NOT_READY"),
        plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500),
        plaid.failure("INSTITUTION_NO_LONGER_SUPPORTED", "INSTITUTION_ERROR"),
        (200, b"<html></html>"),
        (502, b"<html>Bad gateway</html>"),
    ],
)
def test_a_bank_that_refuses_them_gets_the_cached_numbers_with_their_own_age(known, bank, banks, refusal):
    bank.always("/accounts/balance/get", refusal)
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", available=88)))
    status = {"transactions": {"last_successful_update": LAST_NIGHT, "last_failed_update": None}}
    bank.always("/item/get", {"item": plaid.ITEM, "status": status})
    refresh_now(known)

    assert read(known, banks) is Outcome.DONE

    assert balances()["a1"][0] == Decimal(88)
    assert known.balances_as_of == datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
    assert known.refreshed_at > known.balances_as_of
    assert (known.state, known.error_code) == ("healthy", None)


def test_cached_numbers_whose_age_nobody_knows_keep_the_age_they_had(known, bank, banks):
    before = known.balances_as_of
    bank.always("/accounts/balance/get", DOWN)
    bank.always("/item/get", DOWN)
    refresh_now(known)
    read(known, banks)
    assert (known.state, known.balances_as_of) == ("healthy", before)


@pytest.mark.parametrize(
    "code, state",
    [("ITEM_LOGIN_REQUIRED", "needs_login"), ("ITEM_NOT_FOUND", "revoked"), ("INVALID_API_KEYS", "error")],
)
def test_a_login_an_ended_item_or_refused_keys_are_not_hidden_by_cached_numbers(
    known, bank, banks, code, state
):
    bank.always("/accounts/balance/get", plaid.failure(code))
    before = (known.balances_as_of, known.refreshed_at)
    refresh_now(known)
    assert read(known, banks) is Outcome.FAILED
    assert (known.state, known.error_code) == (state, code)
    assert (known.balances_as_of, known.refreshed_at) == before
    assert "/accounts/get" not in paths(bank)
    assert (known.due_at, known.realtime_wanted) == (None, False)


def test_who_asks_during_a_cached_refresh_gets_real_time_balances_after_it(app, known, bank, banks, engine):
    bank.always("/accounts/balance/get", REAL)
    number = known.id

    def ask() -> None:
        refresh_now(db.session.get_one(FinancialInstitution, number))

    bank.next("/accounts/get", meanwhile(app, ask, CACHED))

    assert read(known, banks) is Outcome.DONE
    assert balances()["a1"][0] == Decimal(100)
    assert known.realtime_wanted is True
    assert due_now(datetime.now(UTC)) == [(number, True)], "the refresh they asked for is still to come"
    assert engine.tasks[-1] == ("refresh_now", {"institution_id": number}, 0.0)

    assert read(known, banks) is Outcome.DONE
    assert balances()["a1"][0] == Decimal("93.5")
    assert (known.realtime_wanted, known.due_at) == (False, None)
    assert len(bank.asked("/accounts/balance/get")) == 1


def test_balances_are_as_old_as_the_moment_they_were_asked_for(known, bank, banks):
    bank.always("/accounts/balance/get", REAL)
    with time_machine.travel(datetime(2026, 11, 23, 15, 0, tzinfo=UTC), tick=False):
        refresh_now(known)
        read(known, banks)
    assert known.balances_as_of == datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def test_who_watches_sees_the_balances_before_the_transactions_are_read(app, known, bank, banks):
    bank.always("/accounts/balance/get", REAL)
    seen = []

    def look() -> None:
        row = db.session.get_one(FinancialInstitution, known.id)
        seen.append((balances()["a1"][0], row.stage, row.working(datetime.now(UTC))))

    bank.next("/transactions/sync", meanwhile(app, look, plaid.page(cursor="c2")))
    refresh_now(known)
    read(known, banks)
    assert seen == [(Decimal("93.5"), "transactions", True)]
    assert (known.stage, known.working(datetime.now(UTC))) == ("done", False)
