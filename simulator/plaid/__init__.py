"""Plaid's HTTP, one small module per family of endpoints."""

from __future__ import annotations

from flask import Blueprint

from simulator.plaid import accounts, institutions, items, link_tokens, sandbox, transactions
from simulator.plaid.call import Endpoints, Keys
from simulator.state import State
from simulator.switches import Switches

__all__ = ["Keys", "create_blueprint"]


def create_blueprint(state: State, keys: Keys, switches: Switches) -> Blueprint:
    """Every endpoint, for these keys. Later families are added here."""
    endpoints = Endpoints(state, keys, switches)
    for family in (link_tokens, sandbox, items, institutions, accounts, transactions):
        family.register(endpoints)
    return endpoints.blueprint
