"""/webhook_verification_key/get."""

from __future__ import annotations

from typing import Any

from simulator.errors import PlaidError
from simulator.plaid.call import Call, Endpoints


def register(endpoints: Endpoints) -> None:
    endpoints.add("/webhook_verification_key/get", get, required=("key_id",))


def get(call: Call) -> dict[str, Any]:
    """The public half of the key that webhooks are signed with."""
    key = call.state.webhooks.public_key(call.fields.text("key_id"))
    if key is None:
        raise PlaidError("INVALID_WEBHOOK_VERIFICATION_KEY_ID")
    return {"key": key}
