"""What a failure makes of an institution: DESIGN.md section 4, "States by cause"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import text

from extensions import db
from services.refreshing import Outcome, refresh
from services.waiting import due_now, scheduled_now
from tests.support import scripted_plaid as plaid
from tests.support.banks import banks_at
from tests.support.factories import make_institution, make_user
from tests.support.reading import amounts, balances, read

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # 06:00 in New York

NEEDS_LOGIN = (
    "ITEM_LOGIN_REQUIRED", "ITEM_LOCKED", "PASSWORD_RESET_REQUIRED", "USER_SETUP_REQUIRED", "NO_ACCOUNTS",
    "ACCESS_NOT_GRANTED", "ADDITIONAL_CONSENT_REQUIRED", "INVALID_CREDENTIALS", "INVALID_MFA",
)  # fmt: skip
EXPIRING = ("PENDING_DISCONNECT", "PENDING_EXPIRATION")
REVOKED = ("ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN")
ERRORS = (
    ("INSTITUTION_DOWN", 400), ("INSTITUTION_NOT_RESPONDING", 400), ("INSTITUTION_NOT_AVAILABLE", 400),
    ("INTERNAL_SERVER_ERROR", 500), ("PLANNED_MAINTENANCE", 503), ("INSTITUTION_NO_LONGER_SUPPORTED", 400),
    ("UNSUPPORTED_RESPONSE", 400), ("UNAUTHORIZED_INSTITUTION", 400), ("ITEM_NOT_SUPPORTED", 400),
    ("INSUFFICIENT_CREDENTIALS", 400), ("INVALID_UPDATED_USERNAME", 400), ("INVALID_API_KEYS", 400),
    ("MISSING_FIELDS", 400), ("INVALID_ACCOUNT_ID", 400), ("ITEM_CONCURRENTLY_DELETED", 400),
    ("A_CODE_OF_TOMORROW", 400),
)  # fmt: skip
LIMITS = ("RATE_LIMIT", "ACCOUNTS_LIMIT", "TRANSACTIONS_SYNC_LIMIT", "INSTITUTION_RATE_LIMIT", "NEW_LIMIT")
CASES = [
    *((code, 400, "needs_login") for code in NEEDS_LOGIN),
    *((code, 400, "expiring") for code in EXPIRING),
    *((code, 400, "revoked") for code in REVOKED),
    *((code, status, "error") for code, status in ERRORS),
]


@pytest.fixture
def known(institution, bank, banks):
    """Healthy, read before: 100 available, one transaction."""
    with time_machine.travel(NOW, tick=False):
        bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
        bank.next("/transactions/sync", plaid.page([plaid.transaction("t1", 1)], cursor="c1"))
        read(institution, banks)
        yield institution


@pytest.mark.parametrize("path", ["/accounts/get", "/transactions/sync"])
@pytest.mark.parametrize("code, status, state", CASES, ids=[case[0] for case in CASES])
def test_a_failure_sets_the_state_and_keeps_the_numbers_and_their_age(
    known, bank, banks, path, code, status, state
):
    before = (known.refreshed_at, balances(), amounts())
    bank.always(path, plaid.failure(code, status=status))

    assert read(known, banks) is Outcome.FAILED

    assert (known.state, known.error_code) == (state, code)
    assert (known.refreshed_at, balances(), amounts()) == before
    assert known.transactions_cursor == "c1"
    assert (known.lease_id, known.lease_until, known.due_at) == (None, None, None)


@pytest.mark.parametrize("path", ["/accounts/get", "/transactions/sync"])
def test_access_withdrawn_at_the_bank_deletes_what_it_gave_also_when_no_webhook_said_so(
    known, bank, banks, path
):
    bank.always(path, plaid.failure("USER_PERMISSION_REVOKED", "INVALID_INPUT"))

    assert read(known, banks) is Outcome.FAILED

    assert (known.state, known.error_code) == ("revoked", "USER_PERMISSION_REVOKED")
    assert (balances(), amounts(), known.transactions_cursor) == ({}, {}, None)
    assert known.purged_at is not None
    assert (known.lease_id, known.lease_until, known.due_at) == (None, None, None)


@pytest.mark.parametrize(
    "answer, code",
    [
        ((502, b"<html>Bad gateway</html>"), "HTTP_502"),
        ((404, b"nothing here"), "HTTP_404"),
        ((400, b""), "HTTP_400"),
        ((400, b'{"error_code": 7}'), "HTTP_400"),
        ((400, b'["a"]'), "HTTP_400"),
        ((400, b"\xff\xfe"), "TRANSPORT_UnicodeDecodeError"),
        ((302, b""), "HTTP_302"),
    ],
)
def test_an_answer_without_plaids_envelope_is_an_error_by_its_status(known, bank, banks, answer, code):
    bank.always("/accounts/get", answer)
    read(known, banks)
    assert (known.state, known.error_code) == ("error", code)


def test_a_code_longer_than_the_column_is_cut_and_stops_nothing(known, bank, banks):
    bank.always("/accounts/get", plaid.failure("LONG_" * 100))
    assert read(known, banks) is Outcome.FAILED
    assert known.state == "error"
    assert known.error_code == ("LONG_" * 100)[:64]
    assert known.lease_id is None


def test_a_code_a_database_cannot_hold_is_cleaned(known, bank, banks):
    bank.always("/accounts/get", plaid.failure("BAD\x00CODE\ud800"))
    assert read(known, banks) is Outcome.FAILED
    assert (known.state, known.error_code) == ("error", "BADCODE")


def test_a_vendor_that_cannot_be_reached_is_an_error_to_try_again_soon(known):
    nobody = banks_at("http://127.0.0.1:9")  # the discard port: refused
    assert read(known, nobody) is Outcome.FAILED
    assert known.state == "error"
    assert known.error_code.startswith("TRANSPORT_")
    assert known.scheduled_at == NOW + timedelta(minutes=50)


@pytest.mark.parametrize("state, code", [("healthy", None), ("needs_login", "ITEM_LOGIN_REQUIRED")])
@pytest.mark.parametrize("limit", LIMITS)
def test_a_rate_limit_leaves_the_state_and_comes_again_after_a_minute(known, bank, banks, state, code, limit):
    known.state, known.error_code = state, code
    db.session.commit()
    bank.always("/accounts/get", plaid.failure(limit, "RATE_LIMIT_EXCEEDED", 429))
    assert read(known, banks) is Outcome.FAILED
    assert (known.state, known.error_code, known.stage) == (state, code, "done")
    assert known.scheduled_at == NOW + timedelta(seconds=60)
    assert (known.lease_id, known.due_at) == (None, None)


def test_a_limit_without_an_envelope_is_a_limit_too(known, bank, banks):
    bank.always("/transactions/sync", (429, b"slow down"))
    assert read(known, banks) is Outcome.FAILED
    assert (known.state, known.error_code) == ("healthy", None)


def test_a_new_institution_that_meets_a_limit_goes_on_by_itself_after_a_minute(institution, bank, banks):
    with time_machine.travel(NOW, tick=False):
        bank.always("/accounts/get", plaid.failure("ACCOUNTS_LIMIT", "RATE_LIMIT_EXCEEDED", 429))
        assert read(institution, banks) is Outcome.FAILED
        assert (institution.state, institution.error_code) == ("new", None)
        assert institution.due_at == NOW + timedelta(seconds=60)
        assert due_now(NOW + timedelta(seconds=60)) == [(institution.id, False)]


@pytest.mark.parametrize("state", ["needs_login", "expiring", "error"])
def test_a_success_clears_a_warning(known, bank, banks, state):
    known.state, known.error_code = state, "SOMETHING"
    db.session.commit()
    assert read(known, banks) is Outcome.DONE
    assert (known.state, known.error_code) == ("healthy", None)


@pytest.mark.parametrize(
    "answer, again",
    [
        (plaid.failure("INSTITUTION_DOWN", "INSTITUTION_ERROR"), NOW + timedelta(minutes=50)),
        (plaid.failure("ITEM_LOGIN_REQUIRED"), TOMORROW),
        (plaid.failure("INSTITUTION_NO_LONGER_SUPPORTED", "INSTITUTION_ERROR"), TOMORROW),
    ],
)
def test_what_may_pass_is_tried_by_the_next_hourly_run_and_what_needs_somebody_tomorrow(
    known, bank, banks, answer, again
):
    bank.always("/accounts/get", answer)
    read(known, banks)
    assert known.scheduled_at == again


def test_a_revoked_institution_is_never_read_again(known, bank, banks):
    bank.always("/accounts/get", plaid.failure("ITEM_NOT_FOUND"))
    read(known, banks)
    bank.requests.clear()
    assert read(known, banks) is Outcome.BUSY
    assert bank.requests == []
    assert scheduled_now(NOW + timedelta(days=9)) == []


def test_an_unexpected_exception_parks_the_institution_and_says_so(known, bank, banks, monkeypatch):
    monkeypatch.setattr("providers.plaid_records.account", lambda _raw: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        read(known, banks)
    db.session.expire_all()
    assert (known.state, known.error_code) == ("error", "INTERNAL")
    assert (known.lease_id, known.lease_until, known.due_at) == (None, None, None)
    assert known.scheduled_at == NOW + timedelta(minutes=50)
    assert balances() == {"a1": (Decimal(100), Decimal(110), None, "USD")}


def test_an_access_token_that_cannot_be_read_parks_the_institution_and_leaves_the_others(known, bank, banks):
    other = make_institution(make_user())
    known.due_at = NOW
    db.session.commit()
    db.session.execute(
        text("UPDATE financial_institutions SET access_token = 'gAAAA-not-ours' WHERE id = :id"),
        {"id": known.id},
    )
    db.session.commit()
    bank.requests.clear()

    assert read(known, banks) is Outcome.FAILED

    assert (known.state, known.error_code) == ("error", "ACCESS_TOKEN_UNREADABLE")
    assert (known.lease_id, known.due_at) == (None, None)
    assert known.scheduled_at == NOW + timedelta(minutes=50)
    assert bank.requests == []
    assert due_now(NOW) == [], "it does not come back every few seconds"
    assert read(other, banks) is Outcome.DONE


def test_an_institution_of_an_environment_without_keys_is_parked_with_a_reason(context, bank):
    institution = make_institution(make_user(account_type="development"))
    only_sandbox = banks_at(bank.url, "sandbox")
    assert read(institution, only_sandbox) is Outcome.FAILED
    assert (institution.state, institution.error_code) == ("error", "NOT_CONFIGURED")
    assert bank.requests == []


def test_a_refresh_of_nothing_is_busy(context, bank, banks):
    assert refresh(2**62, banks, 60) is Outcome.BUSY
    assert bank.requests == []
