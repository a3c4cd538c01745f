"""Background work: `enqueue(name, **ids)` and the engine that runs it.

Rows are the truth and a message only wakes a worker: losing one delays work until the next sweep, doubling
one finds the row already claimed. Handlers are registered by name by the composition root.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)

Handler = Callable[..., None]


class Engine(Protocol):
    """Runs handlers by name, soon or after a delay in seconds, with integer ids as arguments. Never raises: what
    cannot be handed on stays in its row."""

    def submit(self, name: str, ids: dict[str, int], delay: float) -> None: ...


class Background:
    """The registry of handlers and the engine in use. One per application."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.engine: Engine | None = None

    def register(self, name: str, handler: Handler) -> None:
        self.handlers[name] = handler

    def enqueue(self, name: str, delay: float = 0, **ids: int) -> None:
        """Wake a worker for this work. Call it after the commit that wrote the row the work is about.

        Without an engine (a command-line program) it does nothing: the row is found by the next sweep.
        """
        if self.engine is not None:
            self.engine.submit(name, ids, delay)


_background = Background()
register = _background.register
enqueue = _background.enqueue


def use(engine: Engine | None) -> None:
    """Hand the work to this engine from now on; None leaves it to the sweep."""
    _background.engine = engine


def handler(name: str) -> Handler:
    """The registered handler of this name. KeyError when nobody registered it."""
    return _background.handlers[name]


def run(name: str, **arguments: int | str) -> None:
    """Run a handler here and now. One that fails, or that nobody knows (a newer version enqueued it), is logged by
    name and ids only, for an exception's words may be personal, and ends alone."""
    try:
        handler(name)(**arguments)
    except Exception as error:
        log.error(
            "background task %s %s failed: %s",
            name,
            arguments,
            type(error).__name__,
            exc_info=log.isEnabledFor(logging.DEBUG),
        )
