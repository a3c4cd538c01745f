"""An Item's event log, and what a client that read it up to some position is told next.

The log is replayed from the Item's segments and the life behind its login, which always gives the same events, so a
position in it is all that a cursor needs to hold. Between two positions the client is told the net change: a
transaction that came and went meanwhile is not mentioned, one that changed twice is told once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache

from simulator import watched
from simulator.lives.build import life_of
from simulator.lives.model import Change, Event, Life, Row
from simulator.records import Item, Login, Segment

DEFAULT_DAYS = 90
SYNC_UPDATES = ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE")
"""Type and code of the webhook that says there is more to read."""
INITIAL_DAYS = 30
"""INITIAL_UPDATE_COMPLETE means that about this many days are there."""


@dataclass
class Log:
    """The events of one Item's life so far. Shared by Items that tell the same one: it holds no ids."""

    life: Life
    events: list[Event]
    rendered: dict[tuple[int, bool, str], str] = field(default_factory=dict)
    """Rows that were written out before, by position and variant; kept by who renders."""
    _changes: dict[tuple[int, int, str | None], list[Told]] = field(default_factory=dict)

    def changes(self, base: int, head: int, account_key: str | None = None) -> list[Told]:
        """The net change from position `base` to `head`, in the order in which things first happened."""
        known = self._changes.get((base, head, account_key))
        if known is None:
            known = self._net(base, head, account_key)
            self._changes[base, head, account_key] = known
        return known

    def _net(self, base: int, head: int, account_key: str | None) -> list[Told]:
        firsts: dict[str, Change] = {}
        lasts: dict[str, tuple[int, Event]] = {}
        for position in range(base, head):
            event = self.events[position]
            if account_key is None or self.life.account_of(event.row.story).key == account_key:
                firsts.setdefault(event.row.key, event.change)
                lasts[event.row.key] = (position, event)
        told = (_told(first, *lasts[key]) for key, first in firsts.items())
        return [each for each in told if each is not None]

    @cached_property
    def account_keys(self) -> set[str]:
        """The accounts that have transactions."""
        return {self.life.account_of(event.row.story).key for event in self.events}


@dataclass(frozen=True, slots=True)
class Told:
    """One change as a client hears of it; `position` is where in the log its row is described."""

    change: Change
    row: Row
    position: int


def _told(first: Change, position: int, last: Event) -> Told | None:
    existed = first != "added"
    if last.change == "removed":
        return Told("removed", last.row, position) if existed else None
    return Told("modified" if existed else "added", last.row, position)


def log_of(item: Item, login: Login, seed: str) -> Log:
    """The log of an Item as far as its segments go."""
    keys = None if item.keys is None else tuple(item.keys)
    window = (first_day(item), last_day(item))
    return _log(login, keys, seed, window, tuple(item.segments))


@lru_cache(maxsize=64)
def _log(
    login: Login,
    keys: tuple[str, ...] | None,
    seed: str,
    window: tuple[date, date | None],
    segments: tuple[Segment, ...],
) -> Log:
    life = life_of(login.institution_id, login.username, login.password, seed, keys)
    return Log(life, list(_consistent(_replay_all(life, segments, *window))))


def _replay_all(life: Life, segments: tuple[Segment, ...], start: date, end: date | None) -> Iterator[Event]:
    begun: Counter[str] = Counter()
    for segment in segments:
        purchase = watched.purchase_of(segment)
        if purchase is None:
            yield from _replay(life, segment, start, end)
        else:
            begun[purchase.name] += purchase.starts_with(segment)
            yield from watched.events(life, purchase, segment, begun[purchase.name])


def _consistent(events: Iterable[Event]) -> Iterator[Event]:
    """Without changes to rows that were never told: a pending row from before the history began."""
    live: set[str] = set()
    for event in events:
        if event.change == "added":
            live.add(event.row.key)
        elif event.row.key not in live:
            continue
        elif event.change == "removed":
            live.remove(event.row.key)
        yield event


def _replay(life: Life, segment: Segment, start: date, end: date | None) -> Iterator[Event]:
    """The events of one segment, without what began before `start` or after `end`."""
    first, last = date.fromisoformat(segment.first), date.fromisoformat(segment.last)
    if segment.kind == "days":
        day = first
        while day <= last:
            yield from (event for event in life.events(day) if _inside(event.row, start, end))
            day += timedelta(days=1)
        return
    recent = last - timedelta(days=INITIAL_DAYS)
    since, until = (
        (max(start, recent), last) if segment.kind == "initial" else (start, recent - timedelta(days=1))
    )
    for row in life.rows(since, until, on=last):
        if _inside(row, start, end):
            yield Event("added", row)


def _inside(row: Row, start: date, end: date | None) -> bool:
    story = row.story
    latest = story.posts or story.began
    return latest >= start and (end is None or story.began <= end)


def first_day(item: Item) -> date:
    """The first day of an Item's history: asked for as a date, or as days before it was linked."""
    if item.start_date is not None:
        return date.fromisoformat(item.start_date)
    return date.fromisoformat(item.anchor) - timedelta(days=item.days_requested or DEFAULT_DAYS)


def last_day(item: Item) -> date | None:
    """The last day of an Item's history. One that was asked for up to its own first day goes on with new days; a
    caller east or west of this machine may name the day before or after for that.
    """
    if item.end_date is None:
        return None
    end = date.fromisoformat(item.end_date)
    return end if end < date.fromisoformat(item.anchor) - timedelta(days=1) else None


def due_segments(item: Item, now: datetime, today: date, ready_ms: int) -> list[Segment]:
    """The segments of an Item that was synced before, as they should be now. First the last thirty days, soon the
    rest, then day after day, and at last what ends by itself.
    """
    segments = list(item.segments)
    if not segments and now >= _ready(item, ready_ms):
        segments.append(Segment("initial", today.isoformat(), today.isoformat()))
    if len(segments) == 1 and now >= _complete(item, ready_ms):
        segments.append(segments[0]._replace(kind="history"))
    if len(segments) >= 2 and date.fromisoformat(segments[-1].last) < today:
        last = segments[-1]
        if last.kind == "days":
            segments[-1] = last._replace(last=today.isoformat())
        else:
            segments.append(Segment("days", _day_after(last.last), today.isoformat()))
    return segments + watched.ended_by_now(item, segments, now, today)


def _ready(item: Item, ready_ms: int) -> datetime:
    """When the last thirty days are there."""
    return datetime.fromisoformat(item.first_sync_at or item.created_at) + timedelta(milliseconds=ready_ms)


def _complete(item: Item, ready_ms: int) -> datetime:
    """When the rest is."""
    return _ready(item, ready_ms) + timedelta(milliseconds=ready_ms / 4)


def next_change(item: Item, ready_ms: int, midnight: datetime | None) -> datetime | None:
    """When the segments of an Item that is up to date will be due to change; None for never."""
    if len(item.segments) < 2:
        return (_complete if item.segments else _ready)(item, ready_ms)
    moments = watched.ends_ahead(item) + ([midnight] if midnight else [])
    return min(moments, default=None)


def _day_after(iso: str) -> str:
    return (date.fromisoformat(iso) + timedelta(days=1)).isoformat()


def status(item: Item) -> str:
    """Plaid's transactions_update_status."""
    if not item.segments:
        return "NOT_READY"
    return "INITIAL_UPDATE_COMPLETE" if len(item.segments) == 1 else "HISTORICAL_UPDATE_COMPLETE"


def updates(item: Item) -> dict[str, bool]:
    """What SYNC_UPDATES says beside its name."""
    told = status(item)
    return {
        "initial_update_complete": told != "NOT_READY",
        "historical_update_complete": told == "HISTORICAL_UPDATE_COMPLETE",
    }
