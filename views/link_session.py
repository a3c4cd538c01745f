"""The link token of the Link that this browser opened last, kept in its session on the server: a bank that signs
people in on its own page sends them back to /oauth-return, where Link goes on with the same token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import session

from services.linking import LinkToken

_KEY = "link"


@dataclass(frozen=True, slots=True, repr=False)
class OpenLink:
    """A Link that was opened: for a new institution, or (update mode) for one that is there."""

    link_token: str
    institution_id: int | None
    choose_accounts: bool


def remember(token: LinkToken, institution_id: int | None, choose_accounts: bool) -> None:
    session[_KEY] = {
        "token": token.link_token,
        "expiration": token.expiration,
        "institution_id": institution_id,
        "choose_accounts": choose_accounts,
    }


def forget() -> None:
    """That Link has done its work."""
    session.pop(_KEY, None)


def current() -> OpenLink | None:
    """The Link that is open; None when there is none, or its token has expired."""
    kept = session.get(_KEY)
    if not kept or _is_past(kept["expiration"]):
        return None
    return OpenLink(kept["token"], kept["institution_id"], kept["choose_accounts"])


def _is_past(iso: str) -> bool:
    """An end we cannot read is not held against the token: Link itself says when it is too old."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= datetime.now(UTC)
