"""How an Item's transactions come, and the webhook that says so: its history, what is new on another day, the end of
what is pending. Also when nobody calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator import feed
from simulator.agenda import Agenda
from simulator.records import Item
from simulator.switches import Target

if TYPE_CHECKING:
    from simulator.state import State

NO_NEWS_S = 60.0
"""How soon it is looked again whether a bank that gives nothing has something new."""


class History:
    """The event logs of a state's Items as time goes by."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._agenda = Agenda(self._look_at)
        for item in state.live_items():  # something may have come while nobody ran this
            if _hears(item):
                self._agenda.within(0, item.access_token)

    def advance(self, item: Item, days_requested: int | None = None) -> bool:
        """Brings an Item's event log up to now; whether this was its first call, which finds nothing yet.

        `days_requested` counts in that first call, when neither Link nor dates have fixed the history before.
        """
        first = item.first_sync_at is None
        if first:
            self._begin(item, days_requested)
        elif self._due(item) != item.segments and self._grow(item):
            self.tell(item)
        self.look_ahead(item)
        return first

    def _begin(self, item: Item, days_requested: int | None) -> None:
        with self._state.changing(item):
            item.first_sync_at = self._state.clock.now().isoformat()
            if item.days_requested is None and item.start_date is None:
                item.days_requested = days_requested or feed.DEFAULT_DAYS
            if "transactions" not in item.products:
                item.products.append("transactions")

    def _due(self, item: Item) -> list[feed.Segment]:
        clock = self._state.clock
        return feed.due_segments(item, clock.now(), clock.today(), self._state.ready_ms)

    def _grow(self, item: Item) -> bool:
        """Gives an Item the segments that are due by now; whether a client would read something new."""
        with self._state.changing(item):
            told, before = feed.status(item), self._events(item)
            due = self._due(item)
            if due != item.segments:  # otherwise another thread was faster
                item.segments, item.updated_at = due, self._state.clock.now().isoformat()
            return feed.status(item) != told or self._events(item) > before

    def _events(self, item: Item) -> int:
        """How long the log of an Item whose history is complete is; nobody counts where nobody is told."""
        counts = _hears(item) and feed.status(item) == "HISTORICAL_UPDATE_COMPLETE"
        return len(self._state.log(item).events) if counts else 0

    def tell(self, item: Item) -> None:
        """The webhook that there is more to read. As with Plaid, none before the first /transactions/sync."""
        if item.first_sync_at is not None:
            self._state.fire(item, *feed.SYNC_UPDATES, **feed.updates(item))

    def look_ahead(self, item: Item) -> None:
        """Sees to it that an Item with an address for webhooks is told of what comes next by itself."""
        if not _hears(item):
            return
        clock = self._state.clock
        moment = feed.next_change(item, self._state.ready_ms, clock.midnight())
        if moment is not None:
            self._agenda.within((moment - clock.now()).total_seconds(), item.access_token)

    def _look_at(self, access_token: str) -> None:
        item = self._state.live_item(access_token)
        if item is None:
            return
        if self._fails(item):
            self._agenda.within(NO_NEWS_S, access_token)
        else:
            self.advance(item)

    def _fails(self, item: Item) -> bool:
        """Whether the bank gives nothing at all now."""
        target = Target(item.institution_id, item.item_id)
        codes = (
            self._state.switches.error_code(each, target) for each in ("ITEM_ERROR", "INSTITUTION_ERROR")
        )
        return item.error_code is not None or any(codes)


def _hears(item: Item) -> bool:
    return bool(item.webhook) and item.first_sync_at is not None and item.removed_at is None
