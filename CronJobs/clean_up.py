"""Remove what has had its day: demo copies after 24 hours, sessions that can no longer be used,
counters of wrong passwords that have forgotten everything, browsers nobody has logged in with for half a year."""

from __future__ import annotations

from datetime import datetime

from services import demo, devices, sessions, throttling


def run(now: datetime, *, dry_run: bool) -> int:
    """How many rows were removed (a demo copy counts as one); a dry run removes nothing and says 0."""
    if dry_run:
        return 0
    return demo.purge(now) + sessions.purge(now) + throttling.purge(now) + devices.purge(now)
