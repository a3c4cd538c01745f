"""Local days: clocks that jump, zones at the ends of the earth, names nobody knows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.periods import DEFAULT_ZONE, local_date, next_refresh, zone, zone_names


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "now, zone_name, day",
    [
        ("2026-11-01T03:59:59", "America/New_York", date(2026, 10, 31)),  # 23:59:59, the month not yet over
        ("2026-11-01T04:00:00", "America/New_York", date(2026, 11, 1)),
        ("2026-11-01T10:59:59", "Pacific/Pago_Pago", date(2026, 10, 31)),  # UTC-11
        ("2026-11-01T11:00:00", "Pacific/Pago_Pago", date(2026, 11, 1)),
        ("2026-10-31T09:59:59", "Pacific/Kiritimati", date(2026, 10, 31)),  # UTC+14
        ("2026-10-31T10:00:00", "Pacific/Kiritimati", date(2026, 11, 1)),
        ("2026-12-31T18:29:59", "Asia/Kolkata", date(2026, 12, 31)),  # UTC+5:30
        ("2026-12-31T18:30:00", "Asia/Kolkata", date(2027, 1, 1)),
    ],
)
def test_the_local_date(now, zone_name, day):
    assert local_date(utc(now), zone_name) == day


@pytest.mark.parametrize(
    "now, zone_name, due",
    [
        ("2026-11-23T20:00:00", "America/New_York", "2026-11-24T11:00:00"),
        ("2026-11-24T04:59:00", "America/New_York", "2026-11-24T11:00:00"),  # 23:59 there: still the next day
        ("2026-11-24T10:59:00", "America/New_York", "2026-11-24T11:00:00"),  # 05:59 there: today's was now
        (
            "2026-03-07T20:00:00",
            "America/New_York",
            "2026-03-08T10:00:00",
        ),  # the night the clock goes forward
        ("2026-03-06T20:00:00", "America/New_York", "2026-03-07T11:00:00"),
        ("2026-10-31T20:00:00", "America/New_York", "2026-11-01T11:00:00"),  # and back
        (
            "2026-11-01T05:30:00",
            "America/New_York",
            "2026-11-01T11:00:00",
        ),  # within the hour that comes twice
        ("2026-11-23T20:00:00", "Pacific/Pago_Pago", "2026-11-24T17:00:00"),
        ("2026-11-23T20:00:00", "Pacific/Kiritimati", "2026-11-24T16:00:00"),
    ],
)
def test_the_next_refresh_is_the_next_six_in_the_morning(now, zone_name, due):
    assert next_refresh(utc(now), zone_name) == utc(due)


@given(
    st.integers(1577836800, 2051222400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.sampled_from(zone_names()),
)
def test_an_institution_is_due_once_per_local_day(now, zone_name):
    due = next_refresh(now, zone_name)
    assert due.tzinfo is UTC
    assert (
        timedelta(0) < due - now <= timedelta(hours=55)
    )  # a zone may skip or repeat hours, once a whole day
    assert due.astimezone(zone(zone_name)).hour in (
        5,
        6,
        7,
    )  # by the clock, but for a shift at that very hour
    assert local_date(due, zone_name) in (
        local_date(now, zone_name),
        local_date(now, zone_name) + timedelta(days=1),
    )
    assert next_refresh(due, zone_name) > due


@pytest.mark.parametrize("unknown", ["", "Mars/Olympus", "../../etc/passwd", "America", "x" * 5000, "a\x00b"])
def test_an_unknown_zone_falls_back_and_never_raises(unknown):
    assert zone(unknown) == ZoneInfo(DEFAULT_ZONE)


def test_a_person_chooses_among_places():
    names = zone_names()
    assert {"America/New_York", "America/St_Johns", "Pacific/Kiritimati", DEFAULT_ZONE} <= set(names)
    assert names == sorted(names)
    assert not [name for name in names if name.startswith(("Etc/", "posix/", "right/"))]
