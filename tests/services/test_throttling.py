"""Counting guesses in rows: exact for any number of processes, the same for names there are and names there are not,
and never against the owner of a browser that is known."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from database import utcnow
from domain.throttling import ADDRESS, NAME, OWN, Rule, moment
from domain.usernames import username_key
from extensions import bcrypt, db
from models import LogInFailures, TrustedDevice
from services import devices, throttling, users
from services.throttling import TooManyGuesses
from tests.support.factories import PASSWORD, make_user
from tests.support.reading import count
from tests.support.settings import VALUES
from tests.support.together import together
from vault import digest

ROOT = Path(__file__).resolve().parents[2]
HOME, ELSEWHERE = "198.51.100.1", "203.0.113.9"


class Clock:
    """The moment it is; a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(throttling, "utcnow", made)
    return made


@pytest.fixture
def hashed(monkeypatch) -> list[str]:
    """Every hash a password was compared with; quickly."""
    monkeypatch.setattr(bcrypt, "_log_rounds", 4)
    users._dummy_hash.cache_clear()
    checked = []
    real = bcrypt.check_password_hash
    monkeypatch.setattr(
        bcrypt, "check_password_hash", lambda kept, given: checked.append(kept) or real(kept, given)
    )
    yield checked
    users._dummy_hash.cache_clear()


@pytest.fixture
def ada(context, hashed):
    return make_user("Ada", password_hash=bcrypt.generate_password_hash(PASSWORD).decode())


def refused(name: str = "Ada", password: str = "wrong", **where) -> int | None:
    """Seconds to wait when this guess was not let through; None when it was, and was wrong."""
    try:
        assert users.authenticate(name, password, **where) is None
    except TooManyGuesses as error:
        return error.retry_after
    return None


def counters() -> dict[str, tuple[int, int]]:
    return {row.key_hash: (row.forgotten_at, row.open_at) for row in db.session.query(LogInFailures).all()}


def failures(counter: throttling.Counter, now: datetime) -> float:
    """How many failures this counter has not forgotten."""
    forgotten_at = counters()[counter.key_hash][0]
    return (forgotten_at - moment(now)) / counter.rule.forget_ms


def test_five_wrong_passwords_then_growing_waits_then_the_right_one(ada, clock):
    assert [refused(address=HOME) for _ in range(6)] == [None] * 5 + [60]
    clock.wait(seconds=59.5)
    assert refused(address=HOME) == 1
    clock.wait(seconds=0.5)
    assert [refused(address=HOME), refused(address=HOME)] == [None, 120]
    clock.wait(minutes=2)
    assert [refused(address=HOME), refused(address=HOME)] == [None, 240]
    assert refused(password=PASSWORD, address=HOME) == 240, (
        "the right one waits too, or waiting told which it is"
    )
    clock.wait(minutes=4)
    assert users.authenticate("Ada", PASSWORD, address=HOME).id == ada.id
    assert [refused(address=HOME) for _ in range(6)] == [None] * 5 + [60], "the owner's count starts afresh"


def test_asking_while_it_is_closed_makes_nothing_longer_and_hashes_nothing(ada, clock, hashed):
    for _ in range(5):
        refused(address=HOME)
    before, compared = counters(), len(hashed)
    assert {refused(address=HOME) for _ in range(50)} == {60}
    assert (counters(), len(hashed)) == (before, compared)


@pytest.mark.parametrize("name", ["Ada", "Nobody"])
def test_one_address_does_not_slow_down_another(ada, clock, name):
    """An attacker at one address for a day: the owner's new browser elsewhere never waits."""
    for _ in range(24 * 4):
        while refused(name, address=ELSEWHERE) is None:
            pass
        assert refused(name, address=ELSEWHERE) is not None
        assert (
            throttling._longest_wait(throttling.for_log_in(username_key(name), HOME, None), moment(clock()))
            <= 0
        )
        clock.wait(minutes=15)


def test_known_and_unknown_names_get_the_same_answers_and_the_same_work(ada, clock, hashed):
    def story(name: str) -> list[tuple[int | None, int]]:
        clock.now = datetime(2026, 11, 26, 12, tzinfo=UTC)
        told = []
        for number in range(60):
            hashed.clear()
            waits = refused(name, address=f"{ELSEWHERE[:-1]}{number % 3}")
            told.append((waits, len(hashed)))
            clock.wait(seconds=20)
        return told

    known = story("Ada")
    db.session.query(LogInFailures).delete()
    db.session.commit()
    assert story("Bob") == known
    assert {(waits is None, work) for waits, work in known} == {(True, 1), (False, 0)}


@pytest.mark.parametrize("spelling", ["ada", "ADA", "Ａｄａ"])
def test_every_spelling_of_a_name_is_one_name(ada, clock, spelling):
    for _ in range(5):
        refused("Ada", address=HOME)
    assert refused(spelling, address=HOME) == 60


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "x" * 10_000, "", "🦊", "Ada#1"])
def test_names_nobody_can_have_are_counted_too(context, hashed, clock, name):
    assert [refused(name, address=HOME) for _ in range(6)] == [None] * 5 + [60]


def test_many_addresses_guess_no_more_than_is_stated(ada, clock, hashed):
    """An address of its own for every guess, one name, four hours: what reaches the hash."""
    per_hour = []
    for hour in range(4):
        hashed.clear()
        for minute in range(60):
            for number in range(20 if minute == 0 else 1):
                refused(address=f"10.{hour}.{minute}.{number}")
            clock.wait(minutes=1)
        per_hour.append(len(hashed))
    assert max(per_hour) <= NAME.most(timedelta(hours=1))
    assert sum(per_hour) <= NAME.most(timedelta(hours=4))
    assert per_hour[0] > 20, "or nothing was tried"


def test_one_address_at_many_names_guesses_no_more_than_is_stated(context, clock, hashed):
    for second in range(0, 3600, 20):
        refused(f"person{second}", address=ELSEWHERE)
        clock.wait(seconds=20)
    assert 30 < len(hashed) <= ADDRESS.most(timedelta(hours=1))


def test_ipv6_neighbours_are_one_client(ada, clock):
    for number in range(5):
        refused(address=f"2001:db8::{number}")
    assert refused(address="2001:db8::ffff:1") == 60
    assert refused(address="2001:db8:0:1::1") is None


def test_a_right_password_takes_only_itself_out_of_what_others_fill(ada, clock):
    bob = make_user("Bob", password_hash=bcrypt.generate_password_hash("bobs own password").decode())
    for number in range(20):
        refused(address=f"10.0.0.{number}")
    clock.wait(minutes=1)
    name, _pair, address = throttling.for_log_in("ada", HOME, None)
    for number in range(29):
        refused(f"person{number}", address=HOME)
    before = failures(name, clock()), failures(address, clock())
    assert users.authenticate("Ada", PASSWORD, address=HOME).id == ada.id
    assert (failures(name, clock()), failures(address, clock())) == before
    assert throttling._longest_wait([name, address], moment(clock())) <= 0, "its own wait is lifted"
    assert users.authenticate("Bob", "bobs own password", address=HOME).id == bob.id
    assert refused("Carl", address=HOME) is None
    assert refused("Carl", address=HOME) == 60, "logging in as oneself buys no guesses at others"


def test_a_wait_that_another_failure_brought_is_not_lifted(context, clock):
    counters_of = throttling.for_log_in("ada", HOME, None)
    for _ in range(3):
        throttling.begin(counters_of)
    right, _wrong = throttling.begin(counters_of), throttling.begin(counters_of)
    throttling.succeed(right)
    name, _pair, _address = counters_of
    assert failures(name, clock()) == 4
    for number in range(15):
        throttling.begin(throttling.for_log_in("ada", f"10.0.0.{number}", None))
    almost = throttling.begin(throttling.for_log_in("ada", "10.1.0.1", None))
    assert throttling._longest_wait([name], moment(clock())) == 60_000
    clock.wait(minutes=1)
    throttling.begin(throttling.for_log_in("ada", "10.1.0.2", None))
    throttling.succeed(almost)
    assert throttling._longest_wait([name], moment(clock())) > 0


def test_the_owners_browser_gets_in_while_strangers_hammer(ada, clock):
    kept = devices.remember(ada, [])
    for _ in range(30):
        for number in range(40):
            refused(address=f"10.0.0.{number}")
        clock.wait(minutes=1)
    assert refused(address="10.9.9.9") is not None, "a stranger's browser waits"
    assert users.authenticate("Ada", PASSWORD, address="10.0.0.1", browser=kept).id == ada.id


def test_the_owners_browser_has_a_counter_of_its_own(ada, clock):
    kept = devices.remember(ada, [])
    assert [refused(address=HOME, browser=kept) for _ in range(6)] == [None] * 5 + [60]
    clock.wait(minutes=1)
    assert users.authenticate("Ada", PASSWORD, address=HOME, browser=kept) is not None
    assert counters() == {}
    assert [refused(address=HOME, browser=kept) for _ in range(6)] == [None] * 5 + [60]


def test_a_known_browser_is_known_for_its_person_alone(ada, clock):
    mallory = make_user("Mallory")
    kept = devices.remember(mallory, [])
    assert [refused(address=HOME, browser=kept) for _ in range(6)] == [None] * 5 + [60]
    assert refused(address=HOME, browser=["A" * 43]) == 60
    assert refused("Nobody", address=HOME, browser=kept) is None


def test_a_token_we_did_not_give_this_person_is_never_taken_over(ada):
    planted = devices.remember(make_user("Mallory"), [])
    kept = devices.remember(ada, planted)
    assert kept[1:] == planted
    assert devices.known(planted, "ada") is None
    assert devices.known(kept, "ada") is not None
    assert devices.remember(ada, kept) == kept, "the next log-in makes no second one"
    assert count(TrustedDevice) == 2


def test_a_browser_of_many_people_keeps_the_last_five(context):
    people = [make_user() for _ in range(7)]
    tokens: list[str] = []
    for person in people:
        tokens = devices.remember(person, tokens)
    assert len(tokens) == devices.PER_BROWSER
    known = [devices.known(tokens, person.username_key) is not None for person in people]
    assert known == [False] * 2 + [True] * 5


def test_of_one_persons_browsers_the_oldest_make_room(ada):
    kept = [devices.remember(ada, [])[0] for _ in range(devices.PER_PERSON + 3)]
    assert count(TrustedDevice) == devices.PER_PERSON
    assert devices.known(kept[:1], "ada") is None
    assert devices.known(kept[-1:], "ada") is not None


def test_a_browser_is_forgotten_after_half_a_year_and_with_a_new_password(ada):
    (token,) = devices.remember(ada, [])
    row = db.session.query(TrustedDevice).one()
    assert (row.token_hash, row.user_id) == (digest(token), ada.id)
    row.last_used_at = utcnow() - devices.LIFETIME
    db.session.commit()
    assert devices.known([token], "ada") is None
    assert devices.remember(ada, [token]) != [token]
    assert devices.purge(utcnow()) == 1
    users.change_password(ada, "another good password", None)
    assert count(TrustedDevice) == 0


def test_nobody_is_remembered_for_a_person_who_was_deleted_meanwhile(app, ada):
    together(app, lambda: users.delete_user(db.session.get(type(ada), ada.id)))
    assert devices.remember(ada, ["A" * 43]) == ["A" * 43]
    assert count(TrustedDevice) == 0


def test_the_current_password_asked_again_is_counted_per_person(ada, clock):
    other = make_user("Bob", password_hash=ada.password_hash)

    def confirmed(user, password) -> bool | int:
        try:
            return users.confirm_password(user, password)
        except TooManyGuesses as error:
            return error.retry_after

    assert [confirmed(ada, "wrong") for _ in range(6)] == [False] * 5 + [60]
    assert confirmed(ada, PASSWORD) == 60
    assert confirmed(other, "wrong") is False
    assert refused(address=HOME) is None, "logging in is counted by itself"
    clock.wait(minutes=1)
    assert confirmed(ada, PASSWORD) is True
    assert [confirmed(ada, "wrong") for _ in range(6)] == [False] * 5 + [60]


@pytest.mark.parametrize("rule", [OWN, NAME, ADDRESS])
def test_the_statement_does_the_sums_of_the_rule(context, clock, rule: Rule):
    counter = throttling._counter("sums", "x", rule)
    expected = (0, 0)
    for seconds in (0, 0, 0, 1, 30, 59, 60, 61, 119, 120, 121, 240, 480, 900, 901, 0, 0, 3600, 7, 90_000) * 3:
        clock.wait(seconds=seconds)
        now = moment(clock())
        if expected[1] > now:
            with pytest.raises(TooManyGuesses):
                throttling.begin([counter])
            continue
        throttling.begin([counter])
        expected = rule.counted(expected[0], now)
        assert counters() == {counter.key_hash: expected}


def test_of_many_guesses_at_once_no_more_than_the_rule_allows_get_through(app, ada, clock):
    def guess() -> int | None:
        return refused(address=HOME)

    results = together(app, *[guess] * 16)
    assert sorted(results, key=str) == [60] * 11 + [None] * 5


def test_a_guess_that_one_counter_refuses_is_counted_in_none(app, ada, clock):
    works = [lambda: refused(address=HOME)] * 12
    together(app, *works)
    name, pair, address = throttling.for_log_in("ada", HOME, None)
    assert [failures(counter, clock()) for counter in (name, pair, address)] == [5, 5, 5]


COUNTING = """
import sys
from app import create_app
from services import throttling
with create_app().app_context():
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(10):
        throttling.begin(throttling.for_log_in("ada", f"10.0.{sys.argv[1]}.{number}", None))
"""


def test_two_processes_at_once_count_exactly(context, settings):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    url = db.engine.url.render_as_string(hide_password=False)
    environment = {**kept, **VALUES, "DATABASE_URL": url, "INSTANCE_DIR": str(settings.instance_dir)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTING, str(number)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    try:
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(60) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    name = throttling.for_log_in("ada", None, None)[0]
    # They took less than a minute, in which a quarter of one failure is forgotten.
    assert 19.5 < failures(name, utcnow()) <= 20
    assert count(LogInFailures) == 1 + 20 + 20


def test_neither_names_nor_addresses_are_in_the_database(ada, clock):
    refused(address=HOME)
    assert not {"ada", HOME} & {
        column["name"] for column in inspect(db.engine).get_columns("log_in_failures")
    }
    rows = str(db.session.execute(text("SELECT * FROM log_in_failures")).all())
    assert "ada" not in rows.casefold()
    assert HOME not in rows
    assert digest("ada") not in rows, "a hash without a key is a list of names to anybody who can count"
    assert all(len(key) == 64 for key in counters())


def test_counters_that_have_forgotten_everything_are_removed(ada, clock):
    for _ in range(5):
        refused(address=HOME)
    assert throttling.purge(clock()) == 0
    clock.wait(minutes=10)
    assert throttling.purge(clock()) == 1, "five failures at the address"
    clock.wait(minutes=10)
    assert throttling.purge(clock()) == 1, "and at the name"
    clock.wait(minutes=55)
    assert throttling.purge(clock()) == 1
    assert counters() == {}
