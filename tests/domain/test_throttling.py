"""How often a password may be guessed: worked examples, in minutes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.throttling import ADDRESS, NAME, OWN, Rule, moment, network, wait_words

MINUTE, HOUR = 60_000, 3_600_000
START = 1_700_000_000_000


def greedy(rule: Rule, span: int) -> list[int]:
    """Milliseconds after the first guess at which somebody who never waits longer than told gets a guess in."""
    forgotten_at = open_at = START
    tried = []
    while (now := max(open_at, START)) < START + span:
        tried.append(now - START)
        forgotten_at, open_at = rule.counted(forgotten_at, now)
    return tried


def test_five_wrong_passwords_are_free_and_the_waits_grow():
    assert [at / MINUTE for at in greedy(OWN, HOUR)] == [0, 0, 0, 0, 0, 1, 3, 7, 15, 23, 31, 46]


@pytest.mark.parametrize(
    "rule, first_hour, any_hour, later_hours", [(OWN, 12, 13, 4), (NAME, 36, 39, 15), (ADDRESS, 60, 64, 30)]
)
def test_the_stated_guesses_per_hour(rule, first_hour, any_hour, later_hours):
    tried = greedy(rule, 24 * HOUR)
    assert sum(at < HOUR for at in tried) == first_hour
    assert rule.most(timedelta(hours=1)) == any_hour
    assert len(tried) <= first_hour + 23 * later_hours


@given(st.lists(st.integers(0, 20 * MINUTE), max_size=120), st.sampled_from([OWN, NAME, ADDRESS]))
def test_no_pattern_of_guesses_gets_more_than_the_stated_through_in_any_hour(pauses, rule):
    forgotten_at = open_at = now = START
    tried = []
    for pause in pauses:
        now = max(now + pause, open_at)
        tried.append(now)
        forgotten_at, open_at = rule.counted(forgotten_at, now)
    most = rule.most(timedelta(hours=1))
    assert all(sum(begin <= at < begin + HOUR for at in tried) <= most for begin in tried)


@given(st.lists(st.integers(0, 5 * MINUTE), max_size=200), st.sampled_from([OWN, NAME, ADDRESS]))
def test_a_wait_never_exceeds_the_longest_and_a_counter_never_fills_up(pauses, rule):
    forgotten_at = open_at = now = START
    for pause in pauses:
        now = max(now + pause, open_at)
        forgotten_at, open_at = rule.counted(forgotten_at, now)
        assert open_at - now <= 15 * MINUTE
        assert forgotten_at - now <= (rule.free + len(rule.waits)) * rule.forget_ms


def test_one_address_alone_never_brings_a_name_to_a_wait():
    forgotten_at = START
    for at in greedy(OWN, 48 * HOUR):
        forgotten_at, open_at = NAME.counted(forgotten_at, START + at)
        assert open_at == 0, "somebody else may try at once"


def test_a_thousand_addresses_make_the_owners_new_browser_wait_four_minutes_not_for_ever():
    tried = greedy(NAME, 24 * HOUR)
    assert max(later - earlier for earlier, later in itertools.pairwise(tried)) <= 8 * MINUTE
    assert tried[-1] - tried[-2] <= 4 * MINUTE


def test_failures_are_forgotten_one_by_one():
    forgotten_at = open_at = START
    for _ in range(5):
        forgotten_at, open_at = OWN.counted(forgotten_at, START)
    assert (forgotten_at - START, open_at - START) == (75 * MINUTE, MINUTE)
    one_forgotten = START + 15 * MINUTE
    assert OWN.counted(forgotten_at, one_forgotten) == (START + 90 * MINUTE, one_forgotten + MINUTE)
    assert OWN.counted(forgotten_at, START + 30 * MINUTE) == (START + 90 * MINUTE, 0), "free again"
    long_after = START + 48 * HOUR
    assert OWN.counted(forgotten_at, long_after) == (long_after + 15 * MINUTE, 0)


def test_clocks_that_differ_a_little_count_the_same():
    forgotten_at = START
    opens = []
    for number in range(6):
        forgotten_at, open_at = OWN.counted(forgotten_at, START - 40 * number)
        opens.append(open_at > 0)
    assert opens == [False] * 4 + [True] * 2


@pytest.mark.parametrize("free, forget", [(0, timedelta(minutes=1)), (5, timedelta(minutes=16))])
def test_a_rule_that_would_lock_out_for_ever_cannot_be_written(free, forget):
    with pytest.raises(ValueError, match="fill up"):
        Rule(free=free, forget=forget)


@pytest.mark.parametrize(
    "address, client",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("", "unknown"), (None, "unknown"), ("unix:", "unknown"), ("203.0.113.9, 10.0.0.1", "unknown"),
    ],
)  # fmt: skip
def test_what_counts_as_one_client(address, client):
    assert network(address) == client


@pytest.mark.parametrize(
    "seconds, words",
    [(1, "1 minute"), (60, "1 minute"), (61, "2 minutes"), (120, "2 minutes"), (900, "15 minutes")],
)
def test_waits_in_words_are_never_too_short(seconds, words):
    assert wait_words(seconds) == words


def test_a_moment_is_milliseconds_since_the_epoch():
    assert moment(datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)) == 1500
