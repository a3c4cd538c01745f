"""What the simulator remembers: logins, link tokens, public tokens and Items, as plain records.

`Segment` kinds are `initial`, `history`, `days`, and those of simulator.watched.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Segment(NamedTuple):
    """A stretch of an Item's event log, with ISO dates. Replayed, not stored."""

    kind: str
    first: str
    last: str


@dataclass(frozen=True)
class Login:
    """Accepted credentials at an institution."""

    institution_id: str
    username: str
    password: str

    @property
    def digest(self) -> str:
        text = f"{self.institution_id}\0{self.username}\0{self.password}"
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class LinkSession:
    """A live link token and what it was created with. `access_token` and `institution_id` are None but in update
    mode.
    """

    link_token: str
    environment: str
    client_name: str
    products: list[str]
    country_codes: list[str]
    language: str
    update_mode: bool
    access_token: str | None
    redirect_uri: str | None
    institution_id: str | None
    optional_products: list[str] = field(default_factory=list)
    """Products that are added where the institution has them."""
    webhook: str | None = None
    days_requested: int | None = None
    account_selection: bool = False
    user_id: str | None = None
    expires_at: str = ""
    """ISO, UTC."""
    created_at: str = ""
    finished: list[dict[str, Any]] = field(default_factory=list)
    """What people did with it: Plaid's link_sessions."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A public token that was not exchanged yet, and the Item it will become."""

    public_token: str
    environment: str
    login: str
    products: list[str]
    secret: str
    keys: list[str] | None
    expires_at: str
    days_requested: int | None = None
    start_date: str | None = None
    end_date: str | None = None
    webhook: str | None = None
    existing: str | None = None
    """The access token of the Item that was repaired, in update mode."""


@dataclass(kw_only=True)
class Item:
    """An Item. Its transactions are not stored: `segments` say how far its event log has been told.

    `secret` is what its ids are derived from. `anchor` is the day it was linked, on which balances are what the
    login says. `removed_at` makes it a gravestone. Times are ISO, UTC.
    """

    item_id: str
    access_token: str
    environment: str
    login: str
    institution_id: str
    products: list[str]
    secret: str
    keys: list[str] | None
    created_at: str
    anchor: str
    days_requested: int | None = None
    start_date: str | None = None
    end_date: str | None = None
    webhook: str | None = None
    error_code: str | None = None
    first_sync_at: str | None = None
    updated_at: str | None = None
    removed_at: str | None = None
    last_webhook_at: str | None = None
    last_webhook_code: str | None = None
    segments: list[Segment] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    """Keys of accounts that the person unticked in Link later."""
    found: bool = False
    """The bank has one more account, which the person has not been asked about yet."""
    consent_ends_at: str | None = None
    must_be_linked_anew: bool = False
    """The bank refuses to renew it in Link's update mode."""
    person: str | None = None
    """The client's id of whom it was refused to, who finds the same accounts when linking anew."""
    ends: dict[str, str] = field(default_factory=dict)
    """By the name of a pending purchase, when it ends by itself (see simulator.watched)."""

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"segments": [list(each) for each in self.segments]}

    @classmethod
    def read(cls, document: dict[str, Any]) -> Item:
        known: dict[str, Any] = document | {"segments": [Segment(*each) for each in document["segments"]]}
        return cls(**known)


def later(moment: datetime, iso: str | None) -> bool:
    """Whether `moment` is after an ISO time; never, when there is none."""
    return iso is not None and moment > datetime.fromisoformat(iso)
