"""A vendor of texts for tests of services: takes what it is told to take, and remembers every call.

The real client over real HTTP is tested in tests/providers and against the simulator; here the order of
claims, crashes and outcomes matters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from providers.base import OutgoingText, SentText, TextError

Outcome = TextError | Exception | Callable[[OutgoingText], None] | None


class TakingTexts:
    """Takes every text; `next` outcomes come first: an error to raise, or a function to call before taking it."""

    def __init__(self) -> None:
        self.calls: list[OutgoingText] = []
        self.taken: list[tuple[OutgoingText, SentText]] = []
        self.outcomes: deque[Outcome] = deque()
        self.lookups: list[str] = []
        self.lookup_error: TextError | None = None
        self.list_is_empty = False

    def next(self, *outcomes: Outcome) -> None:
        self.outcomes.extend(outcomes)

    def send(self, text: OutgoingText) -> SentText:
        self.calls.append(text)
        outcome = self.outcomes.popleft() if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            outcome(text)
        return self.take(text)

    def take(self, text: OutgoingText) -> SentText:
        """The vendor has it, whether or not its answer arrives."""
        sent = SentText(f"SM{len(self.taken):032x}", "queued", None, datetime.now(UTC), text.body)
        self.taken.append((text, sent))
        return sent

    def find(self, to: str, since: datetime) -> list[SentText]:
        self.lookups.append(to)
        if self.lookup_error is not None:
            raise self.lookup_error
        return [] if self.list_is_empty else [sent for text, sent in self.taken if text.to == to]
