"""The age of a total is that of its oldest balance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.ages import SAME_MOMENT, age_worth_a_word, span

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def test_a_total_of_one_moment_has_one_age():
    assert span([]) is None
    assert span([NOON]) == (NOON, NOON)
    assert span([NOON + SAME_MOMENT / 2, NOON]) == (NOON, NOON)


def test_a_bank_that_was_not_read_makes_the_total_old():
    old = NOON - timedelta(days=3)
    assert span([NOON, old, NOON - timedelta(hours=1)]) == (old, NOON)
    assert span([NOON, NOON - SAME_MOMENT]) == (NOON - SAME_MOMENT, NOON)


def test_minutes_of_reading_are_no_age():
    assert age_worth_a_word(NOON, NOON + timedelta(minutes=2)) == NOON + timedelta(minutes=2)
    assert age_worth_a_word(NOON, NOON + timedelta(hours=2)) == NOON
    assert age_worth_a_word(None, NOON) is None
    assert age_worth_a_word(NOON, None) == NOON
