"""Try again to end Items whose removal failed: the vendor bills them until it worked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.removals import Removal, removals_due

PAGE = 100


def run(now: datetime, remove_one: Callable[[int], Removal], *, dry_run: bool) -> int:
    """How many Items were ended (or would be tried, in a dry run). What fails has been put off by its row."""
    removed = 0
    tried: set[int] = set()
    while page := [number for number in removals_due(now, PAGE + len(tried)) if number not in tried]:
        for removal_id in page:
            tried.add(removal_id)
            removed += dry_run or remove_one(removal_id) is Removal.REMOVED
    return removed
