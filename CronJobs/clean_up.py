"""Remove what has had its day: demo copies after 24 hours, sessions that can no longer be used,
counters of wrong passwords that have forgotten everything, browsers nobody has logged in with for half a year,
webhooks of two weeks ago."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from services import demo, devices, sessions, throttling, webhook_receipts
from services.patience import Patience


def run(now: datetime, *, dry_run: bool) -> int:
    """How many rows were removed (a demo copy counts as one); a dry run removes nothing and says 0."""
    if dry_run:
        return 0
    patience = Patience()
    parts = (demo, sessions, throttling, devices, webhook_receipts)
    return sum(patience(partial(part.purge, now)) for part in parts)
