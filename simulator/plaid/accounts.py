"""/accounts/get and /accounts/balance/get."""

from __future__ import annotations

from typing import Any

from simulator.errors import PlaidError
from simulator.plaid import shown
from simulator.plaid.call import Call, Endpoints
from simulator.plaid.render import account_id, account_json, item_json


def register(endpoints: Endpoints) -> None:
    endpoints.add("/accounts/get", get, required=("access_token",), optional=("options",))
    endpoints.add("/accounts/balance/get", get, required=("access_token",), optional=("options",))


def get(call: Call) -> dict[str, Any]:
    """Both endpoints answer alike: the simulator's banks have no older balances than today's."""
    item = call.healthy_item()
    options = call.fields.object("options", ("account_ids", "min_last_updated_datetime"))
    wanted = set(options.texts("account_ids"))
    ids = {account_id(item, each[0].key): each for each in shown.accounts(call.state, item)}
    if not wanted <= set(ids):
        raise PlaidError("INVALID_ACCOUNT_ID")
    told = [account_json(item, *each) for key, each in ids.items() if key in (wanted or ids)]
    return {"accounts": told, "item": item_json(item)}
