"""What a page says once, after a button was pressed and the browser was sent back to it."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

_MOST = 200


@dataclass(frozen=True)
class Note:
    """A sentence for a person. `at` is the section of the page that says it, `good` is false when nothing was done,
    `look` says what to press in CashView now.
    """

    words: str
    at: str
    good: bool = True
    look: str = ""


class Notes:
    """The last notes by an id that can't be guessed, so that no link can put words on the page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: OrderedDict[str, Note] = OrderedDict()

    def keep(self, note: Note) -> str:
        """The note's id."""
        id_ = secrets.token_urlsafe(9)
        with self._lock:
            self._all[id_] = note
            while len(self._all) > _MOST:
                self._all.popitem(last=False)
        return id_

    def get(self, id_: str) -> Note | None:
        with self._lock:
            return self._all.get(id_)
