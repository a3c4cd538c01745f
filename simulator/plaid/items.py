"""/item/public_token/exchange, /item/get, /item/webhook/update, /item/remove."""

from __future__ import annotations

from typing import Any

from simulator.plaid.call import Call, Endpoints
from simulator.plaid.render import instant, item_json
from simulator.records import Item
from simulator.webhooks import allowed


def register(endpoints: Endpoints) -> None:
    endpoints.add("/item/public_token/exchange", exchange, required=("public_token",))
    endpoints.add("/item/get", get, required=("access_token",))
    endpoints.add("/item/webhook/update", update_webhook, required=("access_token",), optional=("webhook",))
    endpoints.add("/item/remove", remove, required=("access_token",), optional=("reason_code", "reason_note"))


def exchange(call: Call) -> dict[str, Any]:
    item = call.state.exchange(call.environment, call.fields.text("public_token"))
    return {"access_token": item.access_token, "item_id": item.item_id}


def get(call: Call) -> dict[str, Any]:
    """Works for an Item in error too: the error is part of the answer."""
    item = call.item()
    updated = instant(item.updated_at) if item.updated_at else None
    return {
        "item": _described(call, item),
        "status": {
            "investments": None,
            "transactions": {"last_successful_update": updated, "last_failed_update": None},
            "last_webhook": _last_webhook(item),
        },
    }


def _described(call: Call, item: Item) -> dict[str, Any]:
    return item_json(item, call.error_code(item)) | {"created_at": instant(item.created_at)}


def _last_webhook(item: Item) -> dict[str, Any] | None:
    if item.last_webhook_at is None:
        return None
    return {"sent_at": instant(item.last_webhook_at), "code_sent": item.last_webhook_code}


def update_webhook(call: Call) -> dict[str, Any]:
    """Another address for webhooks, told of by a first one; none at all without `webhook`."""
    item, url = call.item(), call.fields.optional_text("webhook") or None
    if url is not None and not allowed(url):
        raise call.fields.invalid("webhook", "must be https, or http on this machine")
    with call.state.changing(item):
        item.webhook = url
    call.state.history.look_ahead(item)
    if url is not None:
        call.state.fire(item, "ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", new_webhook_url=url, error=None)
    return {"item": _described(call, item)}


def remove(call: Call) -> dict[str, Any]:
    call.state.remove(call.item())
    return {}
