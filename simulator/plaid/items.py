"""/item/public_token/exchange, /item/get, /item/remove."""

from __future__ import annotations

from typing import Any

from simulator.plaid.call import Call, Endpoints
from simulator.plaid.render import instant, item_json


def register(endpoints: Endpoints) -> None:
    endpoints.add("/item/public_token/exchange", exchange, required=("public_token",))
    endpoints.add("/item/get", get, required=("access_token",))
    endpoints.add("/item/remove", remove, required=("access_token",), optional=("reason_code", "reason_note"))


def exchange(call: Call) -> dict[str, Any]:
    item = call.state.exchange(call.environment, call.fields.text("public_token"))
    return {"access_token": item.access_token, "item_id": item.item_id}


def get(call: Call) -> dict[str, Any]:
    """Works for an Item in error too: the error is part of the answer."""
    item = call.item()
    updated = instant(item.updated_at) if item.updated_at else None
    return {
        "item": item_json(item) | {"created_at": instant(item.created_at)},
        "status": {
            "investments": None,
            "transactions": {"last_successful_update": updated, "last_failed_update": None},
            "last_webhook": None,
        },
    }


def remove(call: Call) -> dict[str, Any]:
    call.state.remove(call.item())
    return {}
