"""Every failure while an Item is ended at the vendor: kept, tried again, never forgotten, and in nobody's way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from CronJobs import retry_removals
from database import utcnow
from extensions import db
from models import FinancialInstitution, ItemRemoval, User
from providers.base import ProviderError
from services import exchanges
from services.institutions import delete_institution
from services.removals import Removal, parked_removals, removals_due, remove_item
from services.users import delete_user
from tests.faults.causes import CAUSES, Cause, named
from tests.faults.conftest import BROKEN, SOUND, go_wrong
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_user
from tests.support.reading import count

GONE = {"ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN", "USER_PERMISSION_REVOKED"}
FOR_A_PERSON = {
    "INSTITUTION_NO_LONGER_SUPPORTED", "UNSUPPORTED_RESPONSE", "UNAUTHORIZED_INSTITUTION",
    "INSTITUTION_REGISTRATION_REQUIRED", "ITEM_NOT_SUPPORTED", "MFA_NOT_SUPPORTED", "CREDITS_EXHAUSTED",
    "TRIAL_CONNECTION_LIMIT", "COUNTRY_NOT_SUPPORTED", "INSUFFICIENT_CREDENTIALS", "INVALID_UPDATED_USERNAME",
}  # fmt: skip
"""No waiting helps: parked, and the job's exit code says so."""


def removed(bank) -> list[str]:
    return [body["access_token"] for body in bank.asked("/item/remove")]


@pytest.mark.parametrize("cause", CAUSES, ids=named)
def test_a_removal_that_fails_is_kept_until_it_works_and_stops_no_other(
    two, bank, gateway, banks, cause: Cause
):
    go_wrong(bank, gateway, "/item/remove", cause.answer)
    delete_user(db.session.get_one(User, two.person.id))
    assert count(FinancialInstitution) == 0, "deleted here at once, whatever the vendor says"
    before = utcnow()

    worked = retry_removals.run(before, lambda row: remove_item(row, banks), dry_run=False)

    after = utcnow()
    done = cause.code in GONE or cause.name == "200 a missing field"  # an answer of 200 that is an object
    assert worked == (2 if done else 1)
    assert removed(bank).count(SOUND) == 1
    rows = db.session.query(ItemRemoval).all()
    assert [row.access_token for row in rows] == ([] if done else [BROKEN])
    for row in rows:
        assert (row.lease_until, row.attempts) == (None, 1)
        assert row.error_code == (cause.code or row.error_code)
        if cause.code in FOR_A_PERSON:
            assert (row.due_at, parked_removals()) == (None, 1)
        else:
            assert before + timedelta(minutes=1) <= row.due_at <= after + timedelta(minutes=1)
            assert removals_due(after) == []
            assert removals_due(after + timedelta(minutes=1)) == [row.id]


def test_a_vendor_that_fails_for_a_day_is_asked_a_dozen_times_and_then_ends_each_item_once(
    two, bank, gateway, banks
):
    """The pauses double; the day is passed by moving the row's own moment back."""
    bank.always("/item/remove", plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500))
    delete_institution(two.person, two.broken)
    table, waited, tries = ItemRemoval, timedelta(), 0
    while waited < timedelta(days=1):
        (row,) = db.session.query(table).all()
        assert remove_item(row.id, banks) is Removal.KEPT
        tries += 1
        db.session.expire_all()
        waited += row.due_at - utcnow()
        db.session.execute(update(table).values(due_at=utcnow()))
        db.session.commit()
    assert 8 <= tries <= 14
    assert removed(bank) == [BROKEN] * tries
    bank.forget()
    bank.always("/item/remove", {})
    assert remove_item(row.id, banks) is Removal.REMOVED
    assert remove_item(row.id, banks) is Removal.BUSY
    assert removed(bank) == [BROKEN]
    assert count(table) == 0


@pytest.fixture
def cut_off(context, bank) -> int:
    """A note of an exchange whose end nobody wrote down, come due."""
    note = exchanges.note("public-1", "sandbox")
    assert note is not None
    db.session.execute(update(ItemRemoval).values(due_at=utcnow()))
    db.session.commit()
    return note


def test_a_token_that_was_noted_but_never_exchanged_is_taken_and_its_item_ended(cut_off, bank, banks):
    bank.next("/item/public_token/exchange", {"access_token": "access-late", "item_id": "item-late"})
    assert remove_item(cut_off, banks) is Removal.REMOVED
    assert removed(bank) == ["access-late"]
    assert count(ItemRemoval) == 0


def test_an_item_taken_from_a_note_is_not_exchanged_again_when_ending_it_fails(cut_off, bank, banks):
    bank.next("/item/public_token/exchange", {"access_token": "access-late", "item_id": "item-late"})
    bank.next("/item/remove", plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500))
    assert remove_item(cut_off, banks) is Removal.KEPT
    db.session.execute(update(ItemRemoval).values(due_at=utcnow()))
    db.session.commit()
    assert remove_item(cut_off, banks) is Removal.REMOVED
    assert removed(bank) == ["access-late", "access-late"]
    assert len(bank.asked("/item/public_token/exchange")) == 1


def test_an_access_token_that_was_lost_is_shown_to_the_operator(cut_off, bank, banks):
    bank.next("/item/public_token/exchange", plaid.failure("INVALID_PUBLIC_TOKEN", "INVALID_INPUT"))
    assert remove_item(cut_off, banks) is Removal.KEPT
    (row,) = db.session.query(ItemRemoval).all()
    assert (row.due_at, row.error_code, parked_removals()) == (None, "EXCHANGE_LOST", 1)
    assert removed(bank) == []


def test_a_vendor_that_is_away_when_a_note_comes_due_is_asked_again(cut_off, bank, banks):
    bank.next("/item/public_token/exchange", (502, b"<html>"))
    assert remove_item(cut_off, banks) is Removal.KEPT
    (row,) = db.session.query(ItemRemoval).all()
    assert (row.due_at > utcnow(), row.error_code) == (True, "HTTP_502")


def test_a_note_whose_institution_is_there_after_all_ends_nothing(cut_off, bank, banks):
    make_institution(make_user(), public_token_hash=exchanges.digest("public-1"))
    assert remove_item(cut_off, banks) is Removal.REMOVED
    assert bank.asked("/item/public_token/exchange") == []
    assert removed(bank) == []


def test_a_note_whose_item_is_in_use_under_another_token_ends_nothing(cut_off, bank, banks):
    make_institution(make_user(), plaid_item_id="item-late")
    bank.next("/item/public_token/exchange", {"access_token": "access-late", "item_id": "item-late"})
    assert remove_item(cut_off, banks) is Removal.REMOVED
    assert removed(bank) == []


def test_a_lost_exchange_is_a_failure_that_trying_again_does_not_help(cut_off, bank, gateway):
    bank.next("/item/public_token/exchange", plaid.failure("INVALID_PUBLIC_TOKEN", "INVALID_INPUT"))
    with pytest.raises(ProviderError) as lost:
        exchanges.redeem(cut_off, "public-1", gateway)
    assert (lost.value.code, lost.value.kind) == ("EXCHANGE_LOST", "permanent")
