"""Webhooks as rows: written once before they are answered, found again until they have been worked on, and
forgotten after two weeks."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from background import enqueue
from database import changed_rows, insert_ignoring, utcnow
from domain.errors import BadInput, Forbidden, VendorTrouble
from extensions import db
from models import WebhookReceipt
from providers.base import (
    ForgedWebhookError,
    MalformedWebhookError,
    ProviderError,
    ReadWebhook,
    Webhook,
)

log = logging.getLogger(__name__)

KEPT = timedelta(days=14)


def receive(body: bytes, signature: str, read: ReadWebhook) -> None:
    """Keep one webhook and wake a worker; the same one again changes nothing.

    BadInput when it is not a JSON object, Forbidden `bad_signature` when nothing shows that the vendor sent it,
    VendorTrouble when the key it was signed with cannot be had just now: the vendor will send it again.
    """
    db.session.commit()  # no transaction is open while the vendor may be asked for a key
    receipt_id = _keep(_checked(body, signature, read))
    if receipt_id is not None:
        enqueue("webhook", receipt_id=receipt_id)


def _checked(body: bytes, signature: str, read: ReadWebhook) -> Webhook:
    try:
        return read(body, signature)
    except MalformedWebhookError:
        raise BadInput("The body is not a JSON object.") from None
    except ForgedWebhookError as error:
        log.warning("a webhook was refused: %s", error)
        raise Forbidden("The signature is not valid.", code="bad_signature") from None
    except ProviderError as error:
        log.warning("a webhook's key cannot be had: %s", error)
        raise VendorTrouble("The signature cannot be checked just now. Please send it again.") from None


def _keep(hook: Webhook) -> int | None:
    """One INSERT; the new row's id, None when it was there."""
    now, table = utcnow(), WebhookReceipt.__table__
    statement = insert_ignoring(table, ["signature_hash"], db.session.get_bind().dialect.name)
    values = {
        "signature_hash": hook.signature_hash,
        "webhook_type": hook.webhook_type,
        "webhook_code": hook.webhook_code,
        "environment": hook.environment,
        "item_id": hook.item_id,
        "detail": hook.detail,
        "received_at": now,
        "due_at": now,
        "attempts": 0,
    }
    receipt_id = db.session.scalar(statement.values(**values).returning(WebhookReceipt.id))
    db.session.commit()
    return receipt_id


def receipts_due(now: datetime, limit: int = 100) -> list[int]:
    """Ids of receipts to be worked on (again), the longest waiting first."""
    query = (
        select(WebhookReceipt.id)
        .where(WebhookReceipt.due_at <= now)
        .order_by(WebhookReceipt.due_at, WebhookReceipt.id)
        .limit(limit)
    )
    ids = list(db.session.scalars(query))
    db.session.commit()
    return ids


def purge(now: datetime) -> int:
    """Forget receipts older than two weeks, worked on or not; how many."""
    result = db.session.execute(delete(WebhookReceipt).where(WebhookReceipt.received_at < now - KEPT))
    db.session.commit()
    return changed_rows(result)
