"""The sweep: wake workers for work whose message was lost, whose time has come, or whose worker died."""

from __future__ import annotations

from background import enqueue
from database import utcnow
from services import demo, spending, vendors
from services.removals import removals_due
from services.waiting import due_now
from services.webhook_receipts import receipts_due


def sweep() -> None:
    """Enqueue every refresh, removal and webhook that is due and held by nobody, and classify transactions by the
    newest rules, some at a time. Harmless to run anywhere, any time."""
    vendors.look()
    now = utcnow()
    for institution_id, realtime in due_now(now):
        enqueue("refresh_now" if realtime else "refresh", institution_id=institution_id)
    for removal_id in removals_due(now):
        enqueue("remove_item", removal_id=removal_id)
    for receipt_id in receipts_due(now):
        enqueue("webhook", receipt_id=receipt_id)
    for user_id in demo.unfinished(now):
        enqueue("link_demo", user_id=user_id)
    spending.reclassify()
