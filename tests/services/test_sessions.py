"""Sessions as rows: how long they live, and that an ended one stays ended."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from extensions import db
from models import User, UserSession
from services import sessions
from services.sessions import ABSOLUTE, IDLE
from services.users import delete_user
from tests.support.factories import make_user
from tests.support.reading import count
from tests.support.statements import StatementCounter
from vault import digest

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock(context):
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def opened(user_id: int | None = None, **data: object) -> str:
    token = secrets.token_urlsafe(32)
    sessions.save(token, user_id, dict(data), create=True)
    return token


def data_of(token: str) -> dict[str, object] | None:
    living = sessions.load(token)
    return None if living is None else living.data


def test_the_person_comes_with_the_session_without_a_statement_more(clock):
    user = make_user()
    token = opened(user.id, a=1)
    number = user.id
    db.session.expunge_all()
    with StatementCounter(db.engine) as counter:
        living = sessions.load(token)
        assert living is not None
        assert living.user is not None
        assert db.session.get(User, number) is living.user
    assert len(counter.statements) == 1
    nobody = sessions.load(opened(b=2))
    assert nobody is not None
    assert nobody.user is None


def test_a_session_is_found_by_its_token_and_only_the_tokens_hash_is_kept(clock):
    user = make_user()
    token = opened(user.id, _user_id=str(user.id))
    assert data_of(token) == {"_user_id": str(user.id)}
    row = db.session.scalars(select(UserSession)).one()
    assert (row.user_id, row.token_hash) == (user.id, digest(token))
    assert token not in str(row.data)
    assert sessions.load("another" + token) is None


def test_an_hour_without_use_ends_it(clock):
    token = opened(a=1)
    clock.shift(IDLE.total_seconds() - 1)
    assert data_of(token) == {"a": 1}
    clock.shift(IDLE.total_seconds() - 1)
    assert data_of(token) == {"a": 1}, "using it keeps it alive"
    clock.shift(IDLE.total_seconds())
    assert sessions.load(token) is None


def test_a_day_ends_it_however_busy_it_is(clock):
    token = opened(a=1)
    for _ in range(48):
        clock.shift(timedelta(minutes=29, seconds=59))
        assert data_of(token) == {"a": 1}
    clock.shift(timedelta(seconds=48))
    assert datetime.now(UTC) == NOW + ABSOLUTE
    assert sessions.load(token) is None


def test_use_is_written_down_once_in_five_minutes_not_on_every_page(clock):
    token = opened(a=1)
    clock.shift(299)
    with StatementCounter(db.engine) as counter:
        sessions.load(token)
        sessions.load(token)
    assert counter.verbs == ["SELECT user_sessions"] * 2
    clock.shift(2)
    with StatementCounter(db.engine) as counter:
        sessions.load(token)
        sessions.load(token)
    assert counter.verbs == ["SELECT user_sessions", "UPDATE user_sessions", "SELECT user_sessions"]


def test_an_ended_session_stays_ended_even_when_a_slow_request_saves_it_later(clock):
    token = opened(a=1)
    sessions.end(token)
    sessions.save(token, None, {"a": 2}, create=False)
    assert sessions.load(token) is None
    assert count(UserSession) == 0
    sessions.end(token)


def test_saving_replaces_data_and_owner(clock):
    user = make_user()
    token = opened(a=1)
    sessions.save(token, user.id, {"b": 2}, create=False)
    assert data_of(token) == {"b": 2}
    assert db.session.scalars(select(UserSession.user_id)).one() == user.id


def test_ending_the_others_keeps_this_one_and_other_peoples(clock):
    user, stranger = make_user(), make_user()
    mine, other, third = (opened(user.id, n=number) for number in range(3))
    theirs = opened(stranger.id, n=9)
    sessions.end_others(user.id, mine)
    db.session.commit()
    found = [sessions.load(token) is not None for token in (mine, other, third, theirs)]
    assert found == [True, False, False, True]
    sessions.end_others(user.id, None)
    db.session.commit()
    assert [data_of(mine), data_of(theirs)] == [None, {"n": 9}]


def test_a_persons_sessions_go_with_the_person(clock):
    user = make_user()
    token = opened(user.id, n=1)
    delete_user(user)
    assert sessions.load(token) is None
    assert count(UserSession) == 0


def test_the_purge_removes_exactly_what_can_no_longer_be_used(clock):
    old = opened(n=1)
    clock.shift(timedelta(hours=22, minutes=30))
    idle = opened(n=2)
    clock.shift(timedelta(minutes=59, seconds=59))
    fresh = opened(n=3)
    assert sessions.purge(datetime.now(UTC)) == 1  # old: idle for longer than an hour
    assert count(UserSession) == 2
    clock.shift(1)
    assert sessions.purge(datetime.now(UTC)) == 1
    assert [sessions.load(token) is not None for token in (old, idle, fresh)] == [False, False, True]
    assert sessions.purge(datetime.now(UTC)) == 0
