"""The simulator's clock: the machine's own, or one whose date stands still for a test."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta


class Clock:
    """`today` frozen to a date, or None for the machine's date in its own time zone."""

    def __init__(self, today: date | None = None) -> None:
        self._frozen = today

    def today(self) -> date:
        return self._frozen or datetime.now().astimezone().date()

    def now(self) -> datetime:
        """The moment in UTC; with a frozen date, the real time of day on that date."""
        now = datetime.now(UTC)
        return datetime.combine(self._frozen, now.timetz()) if self._frozen else now

    def midnight(self) -> datetime | None:
        """The moment at which the next day begins here; None when the date stands still."""
        if self._frozen:
            return None
        tomorrow = self.now().astimezone().date() + timedelta(days=1)
        return datetime.combine(tomorrow, time.min).astimezone(UTC)
