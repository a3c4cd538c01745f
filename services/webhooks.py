"""Working on webhooks that were kept (docs/decisions/0022-webhooks.md).

A webhook is never the last word about data: it makes us look, and the vendor's answer is written. One transaction
claims the receipt, changes the institution and records the outcome, so that a worker may die at any moment and a
second one finds it undone or done. The receipt's row is locked first, then the institution's.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from background import enqueue
from database import utcnow
from extensions import db
from models import ACCOUNTS, Account, FinancialInstitution, ItemRemoval, WebhookReceipt
from services import purging
from services.webhook_rules import HANDLERS, IGNORED, Change, Item, Receipt

log = logging.getLogger(__name__)

UNKNOWN_CODE, UNKNOWN_ITEM, FAILED = "unknown_code", "unknown_item", "failed"
SETTLE = timedelta(seconds=2)
"""News of one Item come in bursts: one refresh answers all that come within this time."""
GAP = timedelta(seconds=10)
"""Between two refreshes that webhooks cause: the vendor allows 15 calls a minute for an Item."""
ITEM_LADDER = (5, 10, 20, 40, 60, 120, 240)
"""Seconds between looks for an Item nobody knows yet: it may be one whose linking is about to be committed."""
MOST_ATTEMPTS = 10


def work(receipt_id: int) -> None:
    """Work on one receipt that is due; nothing when another worker has it, or it is done. Never raises: what fails
    is tried again, some times."""
    try:
        wake = _work(receipt_id)
    except Exception as error:
        db.session.rollback()
        log.error("webhook %s failed: %s", receipt_id, type(error).__name__, exc_info=log.isEnabledFor(10))
        _postpone(receipt_id)
        return
    if wake is not None:
        institution_id, delay = wake
        enqueue("refresh", delay=delay, institution_id=institution_id)


def _work(receipt_id: int) -> tuple[int, float] | None:
    """The institution to refresh and in how many seconds, if any."""
    now = utcnow()
    receipt = _claimed(receipt_id, now)
    if receipt is None:
        db.session.rollback()
        return None
    handler = HANDLERS.get((receipt.webhook_type, receipt.webhook_code))
    if handler is None:
        return _done(receipt, UNKNOWN_CODE)
    item = _locked_item(receipt)
    if item is None:
        return _unknown_item(receipt, now)
    change = handler(item, receipt, now)
    due_at = _due_at(item, change, now)
    _apply(item, change, due_at, now)
    _done(receipt, change.outcome)
    if due_at is None:
        return None
    return item.id, max(0.0, (due_at - now).total_seconds())


def _claimed(receipt_id: int, now: datetime) -> Receipt | None:
    """Lock the receipt if it is due. On SQLite this takes the file's write lock: what is read after it stays."""
    table = WebhookReceipt
    row = db.session.execute(
        update(table)
        .where(table.id == receipt_id, table.due_at <= now + timedelta(seconds=1))  # timers may be early by a hair
        .values(attempts=table.attempts + 1)
        .returning(
            table.id, table.webhook_type, table.webhook_code, table.environment, table.item_id,
            table.detail, table.attempts, table.received_at,
        ),
        execution_options={"synchronize_session": False},
    ).one_or_none()  # fmt: skip
    return Receipt(**row._mapping) if row else None  # noqa: SLF001 - the documented name


def _locked_item(receipt: Receipt) -> Item | None:
    """The receipt's institution, locked. It is updated once and no more in this transaction: see leases.hold."""
    table = FinancialInstitution
    row = db.session.execute(
        select(
            table.id, table.state, table.due_at, table.lease_until, table.refreshed_at,
            table.new_accounts_at, table.purged_at, table.expires_at, table.end_source,
        )
        .where(table.plaid_item_id == receipt.item_id, table.environment == receipt.environment)
        .with_for_update(key_share=True)
    ).one_or_none()  # fmt: skip
    return Item(**row._mapping) if row else None  # noqa: SLF001 - the documented name


def _done(receipt: Receipt, outcome: str, due_at: datetime | None = None) -> None:
    """Record the outcome and commit everything."""
    if outcome in (UNKNOWN_CODE, UNKNOWN_ITEM) and due_at is None:
        log.warning(
            "webhook %s: %s %s is of an %s", receipt.id, receipt.webhook_type, receipt.webhook_code, outcome
        )
    db.session.execute(
        update(WebhookReceipt).where(WebhookReceipt.id == receipt.id).values(outcome=outcome, due_at=due_at),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()


def _unknown_item(receipt: Receipt, now: datetime) -> None:
    """Nobody has it: it is being ended, or about to be committed by whoever links it, or not ours at all."""
    ending = select(ItemRemoval.id).where(ItemRemoval.plaid_item_id == receipt.item_id)
    if receipt.item_id is None or db.session.scalar(ending) is not None:
        return _done(receipt, UNKNOWN_ITEM if receipt.item_id is None else IGNORED)
    left = ITEM_LADDER[receipt.attempts - 1 :]
    return _done(receipt, UNKNOWN_ITEM, now + timedelta(seconds=left[0]) if left else None)


def _postpone(receipt_id: int) -> None:
    """Try again with growing pauses; after the last try it stays as failed, for a person to see."""
    table = WebhookReceipt
    attempts = db.session.scalar(select(table.attempts).where(table.id == receipt_id)) or 0
    again = {"due_at": utcnow() + timedelta(seconds=5 * 2**attempts)}
    over = {"due_at": None, "outcome": FAILED}
    db.session.execute(
        update(table)
        .where(table.id == receipt_id, table.due_at.is_not(None))
        .values(attempts=attempts + 1, **(again if attempts + 1 < MOST_ATTEMPTS else over)),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()


# What is written


def _due_at(item: Item, change: Change, now: datetime) -> datetime | None:
    """When it is to be read, if it is: not before the burst is over, nor right after the last reading. One that
    waits already keeps its earlier moment; a refresh that is running may have read too early, so it is followed by
    another one (services/refreshing.py keeps a moment that was set after the claim)."""
    if not change.look:
        return None
    when = now if change.at_once else now + SETTLE
    if item.refreshed_at is not None and not change.at_once:
        when = max(when, item.refreshed_at + GAP)
    running = item.lease_until is not None and item.lease_until > now and not change.lease_ends
    if item.due_at is not None and not running:
        return min(item.due_at, when)
    return when


def _apply(item: Item, change: Change, due_at: datetime | None, now: datetime) -> None:
    columns = dict(change.columns or {})
    if due_at is not None:
        columns["due_at"] = due_at
        if item.due_at is None:
            columns["stage"] = ACCOUNTS
    if change.lease_ends:
        columns |= {"lease_id": None, "lease_until": None}
    if change.purge:
        columns |= purging.ended(now)
    if columns:
        db.session.execute(
            update(FinancialInstitution).where(FinancialInstitution.id == item.id).values(**columns),
            execution_options={"synchronize_session": False},
        )
    if change.purge:
        purging.delete_data(item.id)
    if change.account_id is not None:
        db.session.execute(
            delete(Account).where(
                Account.financial_institution_id == item.id,
                Account.plaid_account_id == change.account_id,
                Account.deleted_at.is_(None),  # the mark of one the person deleted keeps it away for ever
            )
        )
