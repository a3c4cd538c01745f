"""When a text may go: local days and hours of the person who receives it. Instants are aware, zones IANA names."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from domain.periods import zone

OPENS, CLOSES = time(9), time(21)
"""Texts go between these local times; the law's hours are 08:00 to 21:00."""
LONGEST_VALIDITY = 36_000
"""Seconds: the most the vendor keeps a text that it cannot send at once."""
SHORTEST_VALIDITY = 60
"""Seconds: with less time than this left, today's window is over."""


def seconds_left(now: datetime, zone_name: str) -> int:
    """How long a text handed over now may still go out today: at most 36000; 0 outside the window."""
    place = zone(zone_name)
    today = now.astimezone(place).date()
    opens, closes = (datetime.combine(today, moment, place).astimezone(UTC) for moment in (OPENS, CLOSES))
    left = int((closes - now).total_seconds())
    return min(LONGEST_VALIDITY, left) if opens <= now and left >= SHORTEST_VALIDITY else 0


def is_open(now: datetime, zone_name: str) -> bool:
    return seconds_left(now, zone_name) > 0


def next_after_edit(today: date, counted_from: date, frequency: int) -> date:
    """The next text's day when the frequency (days) has changed: never today, never sooner than a day."""
    return max(today + timedelta(days=1), counted_from + timedelta(days=frequency))
