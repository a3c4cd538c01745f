"""Remove what has had its day: demo copies after 24 hours, sessions that can no longer be used."""

from __future__ import annotations

from datetime import datetime

from services import demo, sessions


def run(now: datetime, *, dry_run: bool) -> int:
    """How many demo copies and sessions were removed; a dry run removes nothing and says 0."""
    if dry_run:
        return 0
    return demo.purge(now) + sessions.purge(now)
