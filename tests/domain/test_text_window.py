"""When a text may go: local hours, days whose clock jumps, and the next day after an edit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.periods import local_date, zone, zone_names
from domain.text_window import CLOSES, OPENS, is_open, next_after_edit, seconds_left

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    "moment, seconds",
    [
        ("2026-11-10T13:59:59", 0),  # 08:59:59 in New York
        ("2026-11-10T14:00:00", 36000),
        ("2026-11-10T15:00:00", 36000),
        ("2026-11-10T17:00:00", 32400),
        ("2026-11-11T01:59:00", 60),
        ("2026-11-11T01:59:30", 0),
        ("2026-11-11T02:00:00", 0),
    ],
)
def test_the_window_and_what_is_left_of_it(moment, seconds):
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert seconds_left(now, NEW_YORK) == seconds


@pytest.mark.parametrize("day", [date(2027, 3, 14), date(2027, 11, 7), date(2026, 11, 10)])
def test_row_34_a_day_whose_clock_jumps_has_one_window(day):
    start = datetime.combine(day, datetime.min.time(), zone(NEW_YORK)).astimezone(UTC)
    minutes = [start + timedelta(minutes=number) for number in range(26 * 60)]
    open_minutes = [now for now in minutes if local_date(now, NEW_YORK) == day and is_open(now, NEW_YORK)]
    assert len(open_minutes) == 12 * 60
    assert open_minutes[-1] - open_minutes[0] == timedelta(hours=12) - timedelta(minutes=1)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from(zone_names()))  # noqa: DTZ001
def test_a_text_never_goes_or_waits_outside_the_hours(moment, place):
    now = moment.replace(tzinfo=UTC)
    left = seconds_left(now, place)
    assert 0 <= left <= 36000
    if left:
        for instant in (now, now + timedelta(seconds=left - 1)):
            local = instant.astimezone(zone(place))
            assert OPENS <= local.time() < CLOSES
            assert local.date() == now.astimezone(zone(place)).date()


@pytest.mark.parametrize(
    "counted_from, frequency, expected",
    [
        (date(2026, 11, 10), 3, date(2026, 11, 13)),
        (date(2026, 11, 1), 3, date(2026, 11, 11)),  # long overdue: tomorrow
        (date(2026, 11, 10), 1, date(2026, 11, 11)),
        (date(2026, 11, 9), 15, date(2026, 11, 24)),
    ],
)
def test_the_next_day_after_an_edit(counted_from, frequency, expected):
    assert next_after_edit(date(2026, 11, 10), counted_from, frequency) == expected
