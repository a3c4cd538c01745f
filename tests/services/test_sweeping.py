"""The sweep wakes workers for everything that is due and that nobody holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models import ItemRemoval
from services.sweeping import sweep
from tests.support.factories import _added, make_institution, make_user


def test_the_sweep_finds_what_is_due_and_held_by_nobody(context, engine):
    now = datetime.now(UTC)
    past, future = now - timedelta(minutes=1), now + timedelta(minutes=1)
    user = make_user()
    due = make_institution(user, due_at=past)
    died = make_institution(user, due_at=past - timedelta(minutes=1), lease_id="x", lease_until=past)
    make_institution(user)
    make_institution(user, due_at=future)
    make_institution(user, due_at=past, lease_id="x", lease_until=future)
    for name, due_at, lease_until in (
        ("due", past, None),
        ("died", past - timedelta(minutes=1), past),
        ("later", future, None),
        ("held", past, future),
        ("parked", None, None),
    ):
        removal = ItemRemoval(
            environment="sandbox",
            plaid_item_id=name,
            access_token=name,
            due_at=due_at,
            lease_until=lease_until,
        )
        _added(removal)
    numbers = {row.plaid_item_id: row.id for row in ItemRemoval.query.all()}

    sweep()
    sweep()

    assert engine.tasks == 2 * [
        ("refresh", {"institution_id": died.id}, 0),
        ("refresh", {"institution_id": due.id}, 0),
        ("remove_item", {"removal_id": numbers["died"]}, 0),
        ("remove_item", {"removal_id": numbers["due"]}, 0),
    ]


def test_a_sweep_of_nothing_wakes_nobody(context, engine):
    make_institution(make_user())
    sweep()
    assert engine.tasks == []
