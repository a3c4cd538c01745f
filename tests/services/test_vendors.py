"""The breaker the fleet shares: opens, lets one probe through, closes; costs nothing in good times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from database import utcnow
from extensions import db
from models import FinancialInstitution, VendorState
from services import vendors
from services.refreshing import Outcome, refresh
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_user
from tests.support.statements import StatementCounter

pytestmark = pytest.mark.usefixtures("context")
KEY = "plaid:sandbox"
BANK_KEY = "plaid:sandbox:ins_1"


def fail(times: int, key: str = KEY) -> None:
    for _ in range(times):
        vendors.failed(key, "INTERNAL_SERVER_ERROR")


def let_time_pass() -> None:
    past = utcnow() - timedelta(seconds=1)
    db.session.execute(update(VendorState).where(VendorState.retry_at.is_not(None)).values(retry_at=past))
    db.session.execute(
        update(VendorState).where(VendorState.probe_until.is_not(None)).values(probe_until=past)
    )
    db.session.commit()


def test_a_few_failures_stop_nothing():
    fail(7)
    assert vendors.wait_until([KEY]) is None
    assert vendors.troubles() == []


def test_many_in_a_row_stop_everybody_also_in_other_processes():
    fail(8)
    assert vendors.wait_until([KEY]) is not None
    vendors.forget()  # another process
    assert vendors.wait_until([KEY]) is None  # has not looked yet
    vendors.look()
    until = vendors.wait_until([KEY])
    assert until is not None
    assert timedelta(0) < until - utcnow() <= timedelta(seconds=30)
    (trouble,) = vendors.troubles()
    assert (trouble.key, trouble.error_code) == (KEY, "INTERNAL_SERVER_ERROR")


def test_one_success_closes_it_and_the_count_starts_anew():
    fail(7)
    vendors.succeeded([KEY])
    fail(7)
    assert vendors.wait_until([KEY]) is None


def test_one_probe_goes_and_the_others_wait(app: Flask):
    fail(8)
    let_time_pass()

    def ask(_number: int) -> bool:
        with app.app_context():
            return vendors.wait_until([KEY]) is None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1


def test_a_failed_probe_doubles_the_pause_and_a_good_one_closes():
    fail(8)
    let_time_pass()
    assert vendors.wait_until([KEY]) is None
    vendors.failed(KEY, "PLANNED_MAINTENANCE")
    until = vendors.wait_until([KEY])
    assert until is not None
    assert timedelta(seconds=50) < until - utcnow() <= timedelta(seconds=60)
    let_time_pass()
    assert vendors.wait_until([KEY]) is None
    vendors.succeeded([KEY])
    assert vendors.wait_until([KEY]) is None
    assert vendors.troubles() == []


def test_a_probe_that_died_is_replaced():
    fail(8)
    let_time_pass()
    assert vendors.wait_until([KEY]) is None
    assert vendors.wait_until([KEY]) is not None
    let_time_pass()
    assert vendors.wait_until([KEY]) is None


def test_calls_that_were_under_way_do_not_lengthen_the_pause():
    fail(30)
    until = vendors.wait_until([KEY])
    assert until is not None
    assert until - utcnow() <= timedelta(seconds=30)


def test_in_good_times_it_costs_no_statement():
    vendors.look()
    with StatementCounter(db.engine) as counter:
        assert vendors.wait_until([KEY, BANK_KEY]) is None
        vendors.succeeded([KEY, BANK_KEY])
    assert counter.statements == []


def linked(**changes) -> FinancialInstitution:
    return make_institution(make_user(), plaid_institution_id="ins_1", transactions_cursor="c0", **changes)


def test_row_22_a_bank_that_is_down_is_asked_three_times_and_others_are_not_held_up(bank, banks):
    bank.always("/accounts/get", plaid.failure("INSTITUTION_DOWN", "INSTITUTION_ERROR"))
    outcomes = [refresh(linked().id, banks, 60) for _ in range(6)]
    assert outcomes == [Outcome.FAILED] * 3 + [Outcome.PUT_OFF] * 3
    assert len(bank.asked("/accounts/get")) == 3
    other = make_institution(make_user(), plaid_institution_id="ins_2", transactions_cursor="c0")
    bank.always("/accounts/get", plaid.accounts(plaid.account()))
    assert refresh(other.id, banks, 60) is Outcome.DONE


def test_row_22_rate_limits_on_many_users_slow_everybody_down_and_the_run_ends(bank, banks):
    bank.always("/accounts/get", plaid.failure("ACCOUNTS_LIMIT", "RATE_LIMIT_EXCEEDED", 429))
    ids = [make_institution(make_user(), transactions_cursor="c0").id for _ in range(40)]
    outcomes = [refresh(number, banks, 60) for number in ids]
    assert outcomes.count(Outcome.FAILED) == 8
    assert len(bank.asked("/accounts/get")) == 8
    let_time_pass()
    bank.always("/accounts/get", plaid.accounts(plaid.account()))
    again = [refresh(number, banks, 60) for number in ids]
    assert again == [Outcome.DONE] * 40


def test_what_is_put_off_keeps_its_state_and_numbers_and_comes_back_by_itself(bank, banks):
    fail(8)
    institution = linked()
    assert refresh(institution.id, banks, 60) is Outcome.PUT_OFF
    db.session.expire_all()
    row = db.session.get_one(FinancialInstitution, institution.id)
    assert (row.state, row.error_code, row.lease_id) == ("healthy", None, None)
    assert row.scheduled_at <= utcnow() + timedelta(seconds=30)
    assert bank.requests == []


def test_a_person_who_asks_is_told_what_is_wrong(bank, banks):
    fail(8)
    institution = linked(due_at=utcnow(), realtime_wanted=True)
    assert refresh(institution.id, banks, 60) is Outcome.PUT_OFF
    db.session.expire_all()
    row = db.session.get_one(FinancialInstitution, institution.id)
    assert (row.state, row.error_code, row.due_at) == ("error", "INTERNAL_SERVER_ERROR", None)


def test_an_items_own_trouble_shows_that_the_vendor_is_well(bank, banks):
    fail(7)
    bank.always("/accounts/get", plaid.failure("ITEM_LOGIN_REQUIRED"))
    refresh(linked().id, banks, 60)
    fail(7)
    assert vendors.wait_until([KEY]) is None
