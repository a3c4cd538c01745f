"""The demo: a private copy per visitor, made by the code that links and reads everybody's, gone after a day."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import select

from database import utcnow
from extensions import db
from models import Account, BudgetTracker, FinancialInstitution, ItemRemoval, User
from services import demo
from services.sweeping import sweep
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution, make_user
from tests.support.reading import count
from tests.support.together import together

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def sandbox(context, bank):
    """Sandbox: every login becomes a public token, every token an Item."""
    numbers = itertools.count(1)
    bank.always("/sandbox/public_token/create", lambda _body: {"public_token": f"public-{next(numbers)}"})

    def exchange(body):
        name = body["public_token"].removeprefix("public-")
        return {"access_token": f"access-{name}", "item_id": f"item-{name}"}

    bank.always("/item/public_token/exchange", exchange)
    return bank


def test_a_copy_is_a_user_of_its_own_whose_banks_are_linked_by_workers(sandbox, banks, engine):
    first, second = demo.start("America/Denver"), demo.start("Europe/Paris")
    assert (first.username, first.is_demo, first.account_type) == ("Test_User", True, "sandbox")
    assert first.id != second.id
    assert (first.timezone, second.timezone) == ("America/Denver", "Europe/Paris")
    assert engine.tasks == [("link_demo", {"user_id": user.id}, 0) for user in (first, second)]
    engine.tasks.clear()
    first.demo_due_at = NOW
    db.session.commit()

    with time_machine.travel(NOW, tick=False):
        demo.link_banks(first.id, banks, simulated=False)

    rows = db.session.scalars(select(FinancialInstitution).order_by(FinancialInstitution.id)).all()
    assert [row.plaid_institution_id for row in rows] == [
        "ins_109508",
        "ins_109511",
        "ins_109509",
        "ins_109510",
    ]
    assert {row.user_id for row in rows} == {first.id}
    assert [name for name, _ids, _delay in engine.tasks] == ["refresh"] * 4 + ["track_demo"]
    asked = sandbox.asked("/sandbox/public_token/create")
    assert [body["institution_id"] for body in asked] == [row.plaid_institution_id for row in rows]
    dates = asked[0]["options"]["transactions"]
    assert date.fromisoformat(dates["end_date"]) - date.fromisoformat(dates["start_date"]) == timedelta(
        days=90
    )


def read_all(user: User) -> None:
    """As if every bank of the copy was read, one of them with a checking account and a card."""
    for row in db.session.scalars(
        select(FinancialInstitution).where(FinancialInstitution.user_id == user.id)
    ):
        row.due_at, row.refreshed_at = None, utcnow()
    db.session.commit()


def linked_copy(banks) -> User:
    user = demo.start("America/Denver")
    demo.link_banks(user.id, banks, simulated=False)
    return user


def trackers() -> list[tuple[str, Decimal, int]]:
    query = (
        select(Account.type, BudgetTracker.threshold, BudgetTracker.notification_frequency)
        .join(Account)
        .order_by(BudgetTracker.id)
    )
    return [(row[0], row[1], row[2]) for row in db.session.execute(query)]


TRACKERS = [("depository", Decimal(2800), 3), ("credit", Decimal(1200), 7)]


def test_trackers_come_when_the_accounts_are_there_and_once(sandbox, banks, engine):
    user = linked_copy(banks)
    engine.tasks.clear()
    demo.add_trackers(user.id)
    assert trackers() == []
    assert engine.tasks == [("track_demo", {"user_id": user.id}, demo.LOOK_AGAIN_SECONDS)]

    institution = db.session.scalars(select(FinancialInstitution)).first()
    make_account(institution, subtype="savings")
    make_account(institution)
    demo.add_trackers(user.id)
    assert trackers() == [], "not one by one"

    make_account(institution, type="credit", subtype="credit card")
    demo.add_trackers(user.id)
    assert trackers() == TRACKERS

    db.session.execute(BudgetTracker.__table__.delete())
    db.session.commit()
    engine.tasks.clear()
    demo.add_trackers(user.id)
    demo.link_banks(user.id, banks, simulated=False)
    assert (trackers(), engine.tasks) == ([], []), "what the visitor deleted stays deleted"


def test_a_copy_without_a_card_has_one_tracker_when_nothing_more_is_coming(sandbox, banks, engine):
    user = linked_copy(banks)
    make_account(db.session.scalars(select(FinancialInstitution)).first())
    read_all(user)
    demo.add_trackers(user.id)
    assert trackers() == TRACKERS[:1]


def test_the_waiting_visitor_and_a_worker_at_once_add_each_tracker_once(app, sandbox, banks):
    user = linked_copy(banks)
    institution = db.session.scalars(select(FinancialInstitution)).first()
    make_account(institution)
    make_account(institution, type="credit", subtype="credit card")
    read_all(user)
    number = user.id
    assert together(app, *[lambda: demo.add_trackers(number)] * 2) == [None, None]
    assert trackers() == TRACKERS


def test_a_bank_that_can_not_be_linked_leaves_the_others_alone(sandbox, banks):
    user = demo.start("America/Denver")
    sandbox.next("/sandbox/public_token/create", plaid.failure("INSTITUTION_DOWN"))
    demo.link_banks(user.id, banks, simulated=False)
    assert count(FinancialInstitution) == 3


def test_linking_for_a_copy_that_is_gone_does_nothing(sandbox, banks):
    demo.link_banks(2**40, banks, simulated=False)
    assert sandbox.requests == []


def test_waiting_for_a_copy_ends_when_every_bank_is_read(context, monkeypatch):
    monkeypatch.setattr(demo, "PATIENCE_SECONDS", 30.0)
    user = make_user(is_demo=True)
    for _ in demo.DEMO_BANKS:
        make_institution(user)
    demo.wait_until_full(user)  # returns at once, or the test's patience ends


def test_copies_older_than_a_day_go_with_their_items_and_nobody_else(context, engine):
    with time_machine.travel(NOW, tick=False):
        old = make_user(is_demo=True, created_at=NOW - timedelta(hours=24))
        make_account(make_institution(old))
        make_institution(old)
        young = make_user(is_demo=True, created_at=NOW - timedelta(hours=24) + timedelta(seconds=1))
        person = make_user(created_at=NOW - timedelta(days=400))
        make_account(make_institution(person))

        assert demo.purge(NOW) == 1
        assert demo.purge(NOW) == 0

    assert set(db.session.scalars(select(User.id))) == {young.id, person.id}
    assert (count(FinancialInstitution), count(Account), count(ItemRemoval)) == (1, 1, 2)
    assert [name for name, _ids, _delay in engine.tasks] == ["remove_item"] * 2


def test_two_purges_at_once_remove_each_item_once(app, context):
    for _ in range(5):
        make_institution(make_user(is_demo=True, created_at=NOW - timedelta(days=2)))
    results = together(app, lambda: demo.purge(NOW), lambda: demo.purge(NOW))
    assert all(isinstance(result, int) for result in results), results
    assert (count(User), count(FinancialInstitution), count(ItemRemoval)) == (0, 0, 5)


def test_a_purge_takes_so_many_at_a_time(context):
    for _ in range(3):
        make_user(is_demo=True, created_at=NOW - timedelta(days=2))
    assert [demo.purge(NOW, limit=2), demo.purge(NOW, limit=2)] == [2, 1]


def test_a_worker_killed_while_linking_is_replaced_and_goes_on_where_it_was(sandbox, banks, engine):
    user = demo.start("America/Denver")
    demo.link_banks(user.id, banks, simulated=False)
    last = db.session.scalars(select(FinancialInstitution).order_by(FinancialInstitution.id.desc())).first()
    db.session.delete(last)  # as if it had been killed before the last one
    user.demo_due_at = utcnow() + demo.LEASE
    db.session.commit()

    assert demo.unfinished(utcnow()) == []
    demo.link_banks(user.id, banks, simulated=False)
    assert count(FinancialInstitution) == 3, "another worker's lease is respected"

    user.demo_due_at = utcnow() - timedelta(seconds=1)
    db.session.commit()
    sweep()
    assert ("link_demo", {"user_id": user.id}, 0) in engine.tasks
    demo.link_banks(user.id, banks, simulated=False)
    assert count(FinancialInstitution) == 4
    assert demo.unfinished(utcnow() + timedelta(days=1)) == [user.id], "its trackers are missing"
    read_all(user)
    demo.add_trackers(user.id)
    assert demo.unfinished(utcnow() + timedelta(days=1)) == []
