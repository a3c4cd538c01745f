"""Plaid's HTTP, one small module per family of endpoints."""

from __future__ import annotations

from flask import Blueprint

from simulator.plaid import accounts, institutions, items, link_tokens, sandbox, transactions, webhook_keys
from simulator.plaid.call import Endpoints, Keys
from simulator.state import State

__all__ = ["Keys", "create_blueprint"]


def create_blueprint(state: State, keys: Keys) -> Blueprint:
    """Every endpoint, for these keys. Later families are added here."""
    endpoints = Endpoints(state, keys)
    for family in (link_tokens, sandbox, items, institutions, accounts, transactions, webhook_keys):
        family.register(endpoints)
    return endpoints.blueprint
