"""One person's way through Link, on the server's side: who signs in where, and which step is next.

The frame is not trusted with any of it: answers to second steps are checked here, and a public token is made
only for a session that has signed in. Sessions live in memory; they are as short as a visit to Link.
"""

from __future__ import annotations

import secrets
import string
import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from simulator.institutions import Institution
from simulator.state import LinkSession

_MAX_SESSIONS = 5000
_REQUEST_ID_ALPHABET = string.ascii_letters + string.digits


@dataclass
class Visit:
    """A running Link session. `rounds` are the second steps still to answer, first one first; `accounts` are
    those shown after a sign-in, which the public token must keep even if the same login is linked elsewhere.
    """

    link: LinkSession
    link_session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started_at: str = ""
    """ISO, UTC."""
    institution: Institution | None = None
    username: str = ""
    password: str = ""
    rounds: list[list[dict[str, Any]]] = field(default_factory=list)
    mfa_type: str = ""
    accounts: list[dict[str, Any]] = field(default_factory=list)
    oauth_state_id: str | None = None
    """Where the person was sent to the bank's own page, which sends them back with this id."""
    granted: bool | None = None
    """What they said there."""

    def choose(self, institution: Institution) -> None:
        """Starts over at an institution; an earlier sign-in counts no more."""
        self.institution = institution
        self.username = self.password = self.mfa_type = ""
        self.rounds = []
        self.accounts = []


class Visits:
    """The running sessions by link_session_id, oldest forgotten first. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: OrderedDict[str, Visit] = OrderedDict()

    def add(self, visit: Visit) -> None:
        with self._lock:
            self._by_id[visit.link_session_id] = visit
            while len(self._by_id) > _MAX_SESSIONS:
                self._by_id.popitem(last=False)

    def back_from_bank(self, oauth_state_id: object, link_token: str | None = None) -> Visit | None:
        """The visit that was sent to the bank with this id, and (if named) was begun with this link token."""
        with self._lock:
            found = [each for each in self._by_id.values() if each.oauth_state_id == oauth_state_id]
        visit = found[0] if found and isinstance(oauth_state_id, str) else None
        return visit if visit and link_token in (None, visit.link.link_token) else None

    def get(self, link_session_id: object) -> Visit | None:
        with self._lock:
            return self._by_id.get(link_session_id) if isinstance(link_session_id, str) else None


def new_request_id() -> str:
    """A request id as Plaid's look: 15 letters and digits."""
    return "".join(secrets.choice(_REQUEST_ID_ALPHABET) for _ in range(15))
