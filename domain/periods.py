"""Local days: the calendar a person lives in. Instants are aware UTC datetimes, zones are IANA names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

REFRESH_HOUR = 6
"""An institution is due once per local day from this hour (DESIGN.md 7)."""

DEFAULT_ZONE = "America/New_York"


@lru_cache(maxsize=1)
def zone_names() -> list[str]:
    """Every zone a person may choose, sorted; without the legacy aliases that carry no place."""
    names = available_timezones()
    places = (name for name in names if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [*sorted(places), "UTC"]  # what a browser on a server's clock reports


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of this name; an unknown name (an old row, a renamed zone) falls back to the default zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)


def local_date(now: datetime, zone_name: str) -> date:
    """The calendar date in this zone at this instant."""
    return now.astimezone(zone(zone_name)).date()


def start_of_day(day: date, zone_name: str) -> datetime:
    """The first instant of a local day, in UTC."""
    return datetime.combine(day, time(0), zone(zone_name)).astimezone(UTC)


def next_refresh(now: datetime, zone_name: str) -> datetime:
    """The next 06:00 of a local clock after `now`, in UTC: once per local day from that hour. (Where 06:00 does
    not exist, the instant the clock would have shown it: zoneinfo's rule for gaps.)"""
    day = local_date(now, zone_name)
    today, tomorrow = (_refresh_hour(candidate, zone_name) for candidate in (day, day + timedelta(days=1)))
    return today if today > now else tomorrow


def _refresh_hour(day: date, zone_name: str) -> datetime:
    return datetime.combine(day, time(REFRESH_HOUR), zone(zone_name)).astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month; `first` to `last` are its days, both included."""

    year: int
    number: int

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        return self.next.first - timedelta(days=1)

    @property
    def days(self) -> int:
        return self.last.day

    @property
    def next(self) -> Month:
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def previous(self) -> Month:
        return Month(self.year - (self.number == 1), (self.number - 2) % 12 + 1)

    def __str__(self) -> str:
        """'2026-11', as it stands in an address."""
        return f"{self.year:04d}-{self.number:02d}"


def month_of(day: date) -> Month:
    return Month(day.year, day.month)


def parse_month(text: str) -> Month | None:
    """The month written as '2026-11'; None for anything else (years 1900 to 2199)."""
    found = re.fullmatch(r"(19|2[01])(\d\d)-(0[1-9]|1[0-2])", text, re.ASCII)
    return Month(int(found[1] + found[2]), int(found[3])) if found else None
