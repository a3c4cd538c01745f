"""Try again to end Items whose removal failed: the vendor bills them until it worked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from services.patience import Patience
from services.removals import Removal, removals_due

log = logging.getLogger(__name__)

PAGE = 100


def run(now: datetime, remove_one: Callable[[int], Removal], *, dry_run: bool) -> int:
    """How many Items were ended (or would be tried, in a dry run). What fails has been put off by its row."""
    removed = 0
    tried: set[int] = set()
    patience = Patience()
    while page := [
        number for number in patience(lambda: removals_due(now, PAGE + len(tried))) if number not in tried
    ]:
        for removal_id in page:
            tried.add(removal_id)
            removed += dry_run or _ended(removal_id, remove_one)
    return removed


def _ended(removal_id: int, remove_one: Callable[[int], Removal]) -> bool:
    """Whether it worked. One that breaks stands first in the queue: it must not stop the others."""
    try:
        return remove_one(removal_id) is Removal.REMOVED
    except Exception as error:  # noqa: BLE001 - whatever it is
        log.error("removal %s broke: %s", removal_id, type(error).__name__)
        return False
