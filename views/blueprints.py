"""Every blueprint of the site: a new feature's is added here."""

from __future__ import annotations

from views import (
    accounts,
    auth,
    budgets,
    commands,
    connections,
    health,
    institutions,
    oauth,
    pages,
    plaid_webhooks,
    spending,
    texts,
    totals,
    users,
    webhooks,
)

BLUEPRINTS = tuple(
    module.blueprint
    for module in (
        pages,
        totals,
        auth,
        users,
        texts,
        institutions,
        oauth,
        connections,
        accounts,
        budgets,
        spending,
        health,
        webhooks,
        plaid_webhooks,
        commands,
    )
)
