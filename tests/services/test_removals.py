"""Ending Items at the vendor: retried with growing pauses, parked for a person, never lost."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, text

from extensions import db
from models import ItemRemoval
from services.removals import PARK_AFTER, Removal, parked_removals, removals_due, remove_item
from tests.support import scripted_plaid as plaid
from tests.support.banks import banks_at
from tests.support.reading import count
from tests.support.together import elsewhere, together

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
DOWN = plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500)


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def make_removal(name: str = "1", **changes) -> int:
    values = {"environment": "sandbox", "plaid_item_id": f"item-{name}", "access_token": f"access-{name}"}
    removal = ItemRemoval(**{**values, "due_at": datetime.now(UTC), **changes})
    db.session.add(removal)
    db.session.commit()
    return removal.id


@pytest.fixture
def removal(context, clock) -> int:
    """One removal that is due now."""
    return make_removal()


def row() -> ItemRemoval:
    db.session.expire_all()
    return db.session.scalars(select(ItemRemoval)).one()


def tokens(bank) -> list[str]:
    return [body["access_token"] for body in bank.asked("/item/remove")]


def test_a_removal_that_worked_is_gone(removal, bank, banks):
    assert remove_item(removal, banks) is Removal.REMOVED
    assert tokens(bank) == ["access-1"]
    assert count(ItemRemoval) == 0
    assert remove_item(removal, banks) is Removal.BUSY
    assert len(bank.requests) == 1


@pytest.mark.parametrize("code", ["ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN", "USER_PERMISSION_REVOKED"])
def test_an_item_the_vendor_no_longer_knows_is_done(removal, bank, banks, code):
    bank.always("/item/remove", plaid.failure(code))
    assert remove_item(removal, banks) is Removal.REMOVED
    assert count(ItemRemoval) == 0


def test_pauses_double_from_a_minute_to_twelve_hours_until_a_person_must_look(removal, bank, banks, clock):
    bank.always("/item/remove", DOWN)
    pauses = []
    while removals_due(datetime.now(UTC)) == [removal]:
        assert remove_item(removal, banks) is Removal.KEPT
        saved = row()
        assert (saved.lease_until, saved.error_code) == (None, "INTERNAL_SERVER_ERROR")
        if saved.due_at is None:
            break
        pauses.append(round((saved.due_at - datetime.now(UTC)).total_seconds() / 60))
        assert removals_due(saved.due_at - timedelta(milliseconds=1)) == []
        clock.move_to(saved.due_at)
    assert pauses[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert pauses[10:] == [720] * (PARK_AFTER - 11)
    assert len(tokens(bank)) == PARK_AFTER
    assert (row().attempts, row().due_at) == (PARK_AFTER, None)
    assert parked_removals() == 1
    assert remove_item(removal, banks) is Removal.BUSY, "parked: nobody tries by himself"


@pytest.mark.parametrize("code", ["ITEM_NOT_SUPPORTED", "UNSUPPORTED_RESPONSE"])
def test_what_can_never_work_is_parked_at_once(removal, bank, banks, code):
    bank.always("/item/remove", plaid.failure(code))
    assert remove_item(removal, banks) is Removal.KEPT
    assert (row().due_at, row().error_code) == (None, code)
    assert parked_removals() == 1


@pytest.mark.parametrize(
    "answer",
    [
        plaid.failure("ITEM_REMOVE_LIMIT", "RATE_LIMIT_EXCEEDED", 429),
        plaid.failure("INVALID_API_KEYS"),
        plaid.failure("ITEM_LOGIN_REQUIRED"),
        (200, b"<html></html>"),
        (502, b""),
    ],
)
def test_what_may_pass_is_kept_and_tried_again_after_a_minute(removal, bank, banks, answer):
    bank.next("/item/remove", answer)
    assert remove_item(removal, banks) is Removal.KEPT
    assert row().due_at == NOW + timedelta(minutes=1)
    assert remove_item(removal, banks) is Removal.BUSY, (
        "another worker's late message makes the gap no shorter"
    )
    assert remove_item(removal, banks, due_by=NOW + timedelta(minutes=1)) is Removal.REMOVED


def test_a_vendor_that_cannot_be_reached_keeps_it(removal):
    assert remove_item(removal, banks_at("http://127.0.0.1:9")) is Removal.KEPT
    assert row().due_at == NOW + timedelta(minutes=1)


def test_a_worker_killed_in_the_middle_loses_nothing(app, removal, bank, banks, clock):
    """It claimed the row, called the vendor, and never came back."""

    class Killed(BaseException):
        pass

    class Dying(dict):
        def __getitem__(self, key):
            raise Killed

    with pytest.raises(Killed):
        remove_item(removal, Dying())
    db.session.rollback()
    assert removals_due(datetime.now(UTC)) == [], "its lease still runs"
    assert remove_item(removal, banks) is Removal.BUSY
    clock.shift(121)
    assert removals_due(datetime.now(UTC)) == [removal]
    assert remove_item(removal, banks) is Removal.REMOVED
    assert tokens(bank) == ["access-1"]


def test_two_workers_at_once_ask_the_vendor_once(app, removal, bank, banks):
    asked = threading.Event()

    def slowly(_body):
        asked.wait(10)
        return {}

    bank.always("/item/remove", slowly)

    def work() -> Removal:
        outcome = remove_item(removal, banks)
        if outcome is Removal.BUSY:
            asked.set()
        return outcome

    assert sorted(together(app, work, work)) == [Removal.BUSY, Removal.REMOVED]
    assert len(tokens(bank)) == 1


def test_a_token_that_cannot_be_read_is_parked_and_leaves_the_others(removal, bank, banks):
    db.session.execute(text("UPDATE item_removals SET access_token = 'gAAAA-not-ours'"))
    db.session.commit()
    other = make_removal("2")
    assert remove_item(removal, banks) is Removal.KEPT
    assert remove_item(other, banks) is Removal.REMOVED
    kept = db.session.execute(text("SELECT due_at, error_code, lease_until FROM item_removals")).one()
    assert tuple(kept) == (None, "ACCESS_TOKEN_UNREADABLE", None)
    assert parked_removals() == 1
    assert tokens(bank) == ["access-2"]


def test_without_keys_for_its_environment_it_waits_for_them(context, clock, bank):
    removal = make_removal(environment="production")
    assert remove_item(removal, banks_at(bank.url, "sandbox")) is Removal.KEPT
    assert (row().error_code, row().due_at) == ("NOT_CONFIGURED", NOW + timedelta(hours=12))
    later = NOW + timedelta(hours=12)
    assert remove_item(removal, banks_at(bank.url), due_by=later) is Removal.REMOVED


def test_no_transaction_is_open_while_the_vendor_is_asked(app, removal, bank, banks):
    def respond(_body):
        elsewhere(app, lambda: make_removal("3"))
        return {}

    bank.next("/item/remove", respond)
    assert remove_item(removal, banks) is Removal.REMOVED
    assert [found.plaid_item_id for found in db.session.scalars(select(ItemRemoval))] == ["item-3"]


def test_the_longest_waiting_come_first_and_only_as_many_as_asked(context, clock):
    numbers = [make_removal(str(n), due_at=NOW - timedelta(minutes=n)) for n in range(5)]
    make_removal("later", due_at=NOW + timedelta(seconds=1))
    make_removal("parked", due_at=None)
    assert removals_due(NOW) == numbers[::-1]
    assert removals_due(NOW, limit=2) == [numbers[4], numbers[3]]


def test_the_next_try_is_counted_from_the_moment_of_the_job(removal, bank, banks):
    bank.next("/item/remove", (502, b""))
    tomorrow = NOW + timedelta(days=1)
    assert remove_item(removal, banks, due_by=tomorrow) is Removal.KEPT
    assert row().due_at == tomorrow + timedelta(minutes=1)
    assert row().lease_until is None
