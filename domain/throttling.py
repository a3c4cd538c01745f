"""How often a password may be guessed. Counters forget: one failure after each `forget`, like a leaking bucket.

A counter is two moments, in milliseconds since the epoch: `forgotten_at`, when its last failure will be
forgotten, and `open_at`, before which no guess is let through (0: nobody waits). Waits grow with the failures not
yet forgotten, rounded to whole ones: the clocks of several machines never agree to the millisecond.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

_WAITS = tuple(timedelta(minutes=number) for number in (1, 2, 4, 8, 15))


@dataclass(frozen=True)
class Rule:
    """`free` guesses pass at once; each further one waits first, longer and longer. The longest wait is at least
    as long as it takes to forget one failure, so a counter under steady attack settles and never fills up."""

    free: int
    forget: timedelta
    waits: tuple[timedelta, ...] = _WAITS

    def __post_init__(self) -> None:
        if self.free < 1 or self.waits[-1] < self.forget:
            raise ValueError("a counter of this rule would fill up for ever")

    @property
    def forget_ms(self) -> int:
        return milliseconds(self.forget)

    def most(self, span: timedelta) -> int:
        """No more guesses than this get through in any `span`: what a counter can hold and what it forgets."""
        return self.free + len(self.waits) - 1 + math.ceil(span / self.forget)

    @property
    def steps(self) -> tuple[tuple[int, int], ...]:
        """(debt, wait) in milliseconds, longest first: whose failures take longer than `debt` to be forgotten waits
        that long. The failure number `free` is the first with a wait after it."""
        half = self.forget_ms // 2
        numbered = enumerate(self.waits, start=self.free)
        return tuple((number * self.forget_ms - half, milliseconds(wait)) for number, wait in numbered)[::-1]

    def counted(self, forgotten_at: int, now: int) -> tuple[int, int]:
        """The counter's (forgotten_at, open_at) after one more failure now."""
        after = max(forgotten_at, now) + self.forget_ms
        wait = next((wait for debt, wait in self.steps if after - now > debt), 0)
        return after, now + wait if wait else 0


OWN = Rule(free=5, forget=timedelta(minutes=15))
"""One name from one address; one browser of the owner's; one signed-in person confirming. At most 13 guesses in any
hour, 4 an hour in the long run."""

NAME = Rule(free=20, forget=timedelta(minutes=4))
"""One name from everywhere but the owner's browsers: at most 39 guesses in any hour, 15 an hour in the long run. One
address alone, slowed down by OWN, never brings it to a wait."""

ADDRESS = Rule(free=30, forget=timedelta(minutes=2))
"""One address at all names together, an office behind one address included: at most 64 in any hour, 30 an
hour in the long run."""


def milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def moment(when: datetime) -> int:
    """An aware datetime as milliseconds since the epoch."""
    return math.floor(when.timestamp() * 1000)


def network(address: str | None) -> str:
    """What counts as one client: an IPv4 address, or the /64 an IPv6 address is in (one customer has at least
    that many). 'unknown' for none or nonsense: whoever has no address shares one counter."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def wait_words(seconds: int) -> str:
    """'1 minute' for up to 60 seconds, '2 minutes' for up to 120: never too early."""
    minutes = max(1, math.ceil(seconds / 60))
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
