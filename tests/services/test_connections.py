"""The page of all connections: order, words, and the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from services.connections import connections_of
from services.reporting import institution_view
from tests.support.factories import make_account, make_institution, make_user

NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


@pytest.fixture
def user(context):
    with time_machine.travel(NOW, tick=False):
        yield make_user()


def test_the_most_urgent_is_first_and_the_rest_by_their_end(user):
    make_institution(user, name="fine")
    make_institution(user, name="ends late", expires_at=NOW + timedelta(days=60))
    make_institution(user, name="ends soon", expires_at=NOW + timedelta(days=3))
    make_institution(user, name="down", state="error", error_code="INSTITUTION_DOWN")
    make_institution(user, name="gone", state="revoked", error_code="ITEM_NOT_FOUND")
    make_institution(user, name="found", new_accounts_at=NOW)
    make_institution(user, name="locked", state="needs_login", error_code="ITEM_LOCKED")
    page = connections_of(user)
    assert [view.name for view in page.connections] == [
        "locked", "gone", "ends soon", "found", "down", "ends late", "fine",
    ]  # fmt: skip
    assert [view.name for view in page.broken] == ["down", "gone", "locked"]
    assert page.endless == 4, "one has ended"


def test_the_calendar_has_twelve_months_with_what_ends_in_them(user):
    ends = {"a": date(2026, 11, 25), "b": date(2027, 10, 31), "c": date(2027, 11, 1), "d": date(2026, 11, 1)}
    for name, day in ends.items():
        make_institution(user, name=name, expires_at=datetime(day.year, day.month, day.day, 17, tzinfo=UTC))
    page = connections_of(user)
    found = {str(month): [each.connection.name for each in rows] for month, rows in page.calendar if rows}
    assert len(page.calendar) == 12
    assert found == {"2026-11": ["d", "a"], "2027-10": ["b"]}, "an end that has passed is today's"
    assert [each.connection.name for each in page.later] == ["c"]
    assert page.calendar[0][1][0].day == date(2026, 11, 23)


def test_the_badges_of_card_and_page_say_what_is_wrong(user):
    causes = {
        "INSTITUTION_NO_LONGER_SUPPORTED": "No longer supported",
        "INSTITUTION_DOWN": "Not answering",
        "CREDITS_EXHAUSTED": "Setup problem",
    }
    for code in causes:
        make_institution(user, name=code, state="error", error_code=code)
    views = connections_of(user).connections
    assert {view.name: view.state_label for view in views} == causes
    assert {view.name: institution_view(view.id).state_label for view in views} == causes


def test_days_are_the_persons_own(user):
    make_institution(user, expires_at=datetime(2026, 12, 1, 3, tzinfo=UTC))  # Nov 30, 22:00 in New York
    (view,) = connections_of(user).connections
    assert view.ends_on == date(2026, 11, 30)


def test_only_ones_own_and_deleted_accounts_do_not_count(user):
    make_institution(make_user())
    mine = make_institution(user)
    make_account(mine)
    make_account(mine, deleted_at=NOW)
    (view,) = connections_of(user).connections
    assert (view.id, view.account_count) == (mine.id, 1)
    assert connections_of(make_user()).connections == []
