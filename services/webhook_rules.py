"""Which code of a webhook asks what of its institution (docs/decisions/0022-webhooks.md). Nothing is written here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from extensions import db
from models import ANNOUNCED, ERROR, EXPIRING, GUESSED, NEEDS_LOGIN, REVOKED, WebhookReceipt
from providers.base import Kind
from services import endings, purging
from services.failures import STATE_OF_KIND

HANDLED, IGNORED = "handled", "ignored"
NOTICE = timedelta(days=7)
"""How long ahead an end is announced, for one that does not say when."""


@dataclass(frozen=True)
class Receipt:
    """A webhook that is being worked on."""

    id: int
    webhook_type: str
    webhook_code: str
    environment: str
    item_id: str | None
    detail: dict[str, str]
    attempts: int
    received_at: datetime


@dataclass(frozen=True)
class Item:
    """Its institution, as it stands while its row is locked."""

    id: int
    state: str
    due_at: datetime | None
    lease_until: datetime | None
    refreshed_at: datetime | None
    new_accounts_at: datetime | None
    purged_at: datetime | None
    expires_at: datetime | None
    end_source: str | None


@dataclass
class Change:
    """What a code does to its institution: columns to write, whether it must be read soon or at once, whether a
    refresh that is running must write nothing, which account goes, whether everything does."""

    outcome: str = HANDLED
    columns: dict[str, object] | None = None
    look: bool = False
    at_once: bool = False
    lease_ends: bool = False
    account_id: str | None = None
    purge: bool = False


def _look(item: Item, _receipt: Receipt, _now: datetime) -> Change:
    return Change(look=item.state != REVOKED)


def _look_anyway(item: Item, receipt: Receipt, now: datetime) -> Change:
    """What it says is ignored, /transactions/sync says it better; that something happened is enough to look."""
    change = _look(item, receipt, now)
    change.outcome = IGNORED
    return change


def _nothing(_item: Item, _receipt: Receipt, _now: datetime) -> Change:
    return Change(outcome=IGNORED)


def _error(item: Item, receipt: Receipt, now: datetime) -> Change:
    """The state the code means, at once; and a look, because it may come late, after the person has signed in."""
    code, kind = receipt.detail.get("error_code"), receipt.detail.get("error_kind")
    if item.state == REVOKED or code is None or kind is None:
        return Change(outcome=IGNORED)
    if code == purging.WITHDRAWN:
        return _withdrawn(item, receipt, now)
    if kind == Kind.LIMIT:
        return Change(look=True)
    state = STATE_OF_KIND.get(Kind(kind), ERROR)
    if state == REVOKED:
        return Change(look=True, at_once=True)  # an end is final: believed when the vendor says so itself
    return Change(columns={"state": state, "error_code": code}, look=True)


def _repaired(item: Item, _receipt: Receipt, _now: datetime) -> Change:
    """The warning goes with the reading that succeeds; an end that was announced is off."""
    if item.state == REVOKED:
        return Change(outcome=IGNORED)
    return Change(columns=dict(endings.NONE_KNOWN), look=True, at_once=True)


def _expiring(item: Item, receipt: Receipt, now: datetime) -> Change:
    """It works until then: reading goes on, and a success does not take the warning away."""
    text = receipt.detail.get("ends_at")
    ends_at = datetime.fromisoformat(text) if text else receipt.received_at + NOTICE
    if item.state == REVOKED or ends_at <= now or _repaired_since(receipt):
        return Change(outcome=IGNORED)
    end = _earlier_end(item, ends_at, now, guessed=text is None)
    if item.state in (NEEDS_LOGIN, ERROR):  # the worse news stays; the end is remembered
        return Change(columns=end)
    columns: dict[str, object] = {"state": EXPIRING, "error_code": receipt.webhook_code, **end}
    return Change(columns=columns, look=text is None)  # the bank may know the day


def _earlier_end(item: Item, ends_at: datetime, now: datetime, *, guessed: bool) -> dict[str, object]:
    """The end that is known stays where it comes first, unless it was a guess and this one is not."""
    known = item.expires_at
    if known is not None and now < known <= ends_at and (guessed or item.end_source != GUESSED):
        return {}
    return {"expires_at": ends_at, "end_source": GUESSED if guessed else ANNOUNCED}


def _repaired_since(receipt: Receipt) -> bool:
    """Has the vendor signed a later LOGIN_REPAIRED of this Item that was worked on already?"""
    query = select(WebhookReceipt.detail).where(
        WebhookReceipt.item_id == receipt.item_id,
        WebhookReceipt.webhook_code == "LOGIN_REPAIRED",
        WebhookReceipt.outcome == HANDLED,
    )
    return any(_sent_at(detail) > _sent_at(receipt.detail) for detail in db.session.scalars(query))


def _sent_at(detail: dict[str, str]) -> int:
    return int(detail.get("sent_at", 0))


def _new_accounts(item: Item, receipt: Receipt, _now: datetime) -> Change:
    if item.state == REVOKED:
        return Change(outcome=IGNORED)
    return Change(columns={"new_accounts_at": item.new_accounts_at or receipt.received_at})


def _withdrawn(item: Item, _receipt: Receipt, _now: datetime) -> Change:
    return Change(outcome=IGNORED) if item.purged_at else Change(purge=True)


def _account_withdrawn(item: Item, receipt: Receipt, _now: datetime) -> Change:
    account_id = receipt.detail.get("account_id")
    if account_id is None:
        return Change(outcome=IGNORED)
    return Change(account_id=account_id, lease_ends=True, look=item.state != REVOKED)


def _moved(_item: Item, receipt: Receipt, _now: datetime) -> Change:
    url = receipt.detail.get("url")
    return Change(columns={"webhook_url": url}) if url else Change(outcome=IGNORED)


Handler = Callable[[Item, Receipt, datetime], Change]
HANDLERS: dict[tuple[str, str], Handler] = {
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): _look,
    ("TRANSACTIONS", "INITIAL_UPDATE"): _look_anyway,
    ("TRANSACTIONS", "HISTORICAL_UPDATE"): _look_anyway,
    ("TRANSACTIONS", "DEFAULT_UPDATE"): _look_anyway,
    ("TRANSACTIONS", "TRANSACTIONS_REMOVED"): _look_anyway,
    ("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"): _nothing,
    ("HOLDINGS", "DEFAULT_UPDATE"): _look,
    ("INVESTMENTS", "DEFAULT_UPDATE"): _look,
    ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE"): _look,
    ("INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE"): _look,
    ("LIABILITIES", "DEFAULT_UPDATE"): _look,
    ("ITEM", "ERROR"): _error,
    ("ITEM", "LOGIN_REPAIRED"): _repaired,
    ("ITEM", "PENDING_DISCONNECT"): _expiring,
    ("ITEM", "PENDING_EXPIRATION"): _expiring,
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): _new_accounts,
    ("ITEM", "USER_PERMISSION_REVOKED"): _withdrawn,
    ("ITEM", "USER_ACCOUNT_REVOKED"): _account_withdrawn,
    ("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"): _moved,
}
"""Everything documented that can concern us; other codes are recorded as unknown_code."""
