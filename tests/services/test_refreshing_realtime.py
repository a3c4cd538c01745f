"""Real-time balances: asked only when a person wants them; refused, the cached numbers with their own age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from extensions import db
from models import FinancialInstitution
from services import failures, leases
from services.institutions import refresh_now
from services.refreshing import Outcome, refresh
from services.waiting import due_now
from tests.support import scripted_plaid as plaid
from tests.support.reading import balances, read
from tests.support.together import meanwhile

CACHED = plaid.accounts(plaid.account("a1", available=100))
REAL = plaid.accounts(plaid.account("a1", available=93.5))
DOWN = plaid.failure("INSTITUTION_DOWN", "INSTITUTION_ERROR")
NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
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


def ask(number: int):
    """A person who presses Refresh."""
    return lambda: refresh_now(db.session.get_one(FinancialInstitution, number))


FAILURES = [
    plaid.failure("ITEM_LOGIN_REQUIRED"),
    DOWN,
    plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500),
    plaid.failure("INSTITUTION_NO_LONGER_SUPPORTED", "INSTITUTION_ERROR"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda answer: answer[1]["error_code"])
def test_who_asks_during_a_cached_refresh_that_fails_still_gets_real_time_balances(
    app, known, bank, banks, engine, failure
):
    bank.always("/accounts/balance/get", REAL)
    number = known.id
    bank.next("/accounts/get", meanwhile(app, ask(number), failure))

    assert read(known, banks) is Outcome.FAILED
    assert (known.realtime_wanted, known.stage) == (True, "accounts")
    assert due_now(datetime.now(UTC)) == [(number, True)]
    assert engine.tasks[-1] == ("refresh_now", {"institution_id": number}, 0.0)

    assert refresh(number, banks, 60, only_wanted=True) is Outcome.DONE
    db.session.expire_all()
    assert balances()["a1"][0] == Decimal("93.5")
    assert (known.realtime_wanted, known.due_at, known.stage) == (False, None, "done")


def test_who_asks_while_the_vendor_slows_us_down_gets_them_after_the_pause(app, known, bank, banks, engine):
    limit = plaid.failure("ACCOUNTS_LIMIT", "RATE_LIMIT_EXCEEDED", 429)
    with time_machine.travel(NOW, tick=False):
        bank.next("/accounts/get", meanwhile(app, ask(known.id), limit))
        assert read(known, banks) is Outcome.FAILED
    assert (known.realtime_wanted, known.stage, known.state) == (True, "accounts", "healthy")
    assert known.due_at == NOW + timedelta(seconds=60)
    assert engine.tasks[-1] == ("refresh_now", {"institution_id": known.id}, 60.0)


def test_nobody_waits_for_access_that_has_ended(app, known, bank, banks):
    bank.next("/accounts/get", meanwhile(app, ask(known.id), plaid.failure("ITEM_NOT_FOUND")))
    assert read(known, banks) is Outcome.FAILED
    assert (known.state, known.due_at, known.realtime_wanted) == ("revoked", None, False)
    assert not known.working(datetime.now(UTC))


def leave(claim, how: str) -> None:
    if how == "put off":
        failures.put_off(claim, datetime.now(UTC) + timedelta(minutes=5))
    else:
        failures.broken(claim)


@pytest.mark.parametrize("state", ["healthy", "new"])
@pytest.mark.parametrize("how", ["put off", "broken"])
def test_what_is_asked_for_meanwhile_is_not_dropped_when_work_stops_at_our_end(known, engine, how, state):
    known.state = state
    db.session.commit()
    claim = leases.claim(known.id, 60, None, only_wanted=False)
    assert claim
    refresh_now(known)
    leave(claim, how)
    db.session.expire_all()
    assert (known.realtime_wanted, known.stage, known.lease_id) == (True, "accounts", None)
    assert due_now(datetime.now(UTC)) == [(known.id, True)]


@pytest.mark.parametrize("how", ["put off", "broken"])
def test_what_was_asked_for_before_ends_with_its_failure(known, how):
    refresh_now(known)
    claim = leases.claim(known.id, 60, None, only_wanted=True)
    assert claim
    leave(claim, how)
    db.session.expire_all()
    assert (known.realtime_wanted, known.due_at, known.stage) == (False, None, "done")
    assert known.state == "error"


def test_asked_for_again_during_a_real_time_refresh_that_fails(app, known, bank, banks, engine):
    """A minute later a person may ask anew; a webhook asks too, but not for what is billed."""
    bank.always("/accounts/balance/get", REAL)
    for asking, realtime in ((ask(known.id), True), (lambda: want_cached(known.id), False)):
        with time_machine.travel(NOW, tick=False):
            known.realtime_at = None
            db.session.commit()
            refresh_now(known)
        login = plaid.failure("ITEM_LOGIN_REQUIRED")
        bank.next("/accounts/balance/get", meanwhile(app, asking, login))
        assert read(known, banks) is Outcome.FAILED
        assert (known.due_at is not None, known.realtime_wanted) == (True, realtime)


def want_cached(number: int) -> None:
    db.session.get_one(FinancialInstitution, number).due_at = datetime.now(UTC)
    db.session.commit()


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
