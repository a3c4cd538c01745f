"""The vendor's published limits, kept: per Item, per client, and never at the price of the work itself."""

from __future__ import annotations

import pytest

from providers.base import Kind, ProviderError
from providers.pacing import PATIENCE_SECONDS, PER_MINUTE, Pacer


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def pacer(waits) -> Pacer:
    return Pacer("production", "memory://", sleep=waits.append)


def calls_until_refused(pacer: Pacer, method: str, token: str | None) -> int:
    for made in range(100_000):
        if (refusal := refusal_of(pacer, method, token)) is not None:
            assert (refusal.code, refusal.kind) == ("PACED", Kind.LIMIT)
            return made
    raise AssertionError("never refused")


def refusal_of(pacer: Pacer, method: str, token: str | None) -> ProviderError | None:
    try:
        pacer(method, token)
    except ProviderError as error:
        return error
    return None


@pytest.mark.parametrize("method", ["accounts_balance_get", "transactions_sync", "item_get"])
def test_an_item_has_its_own_limit_and_does_not_hold_up_another(pacer, waits, method):
    per_item, _ = PER_MINUTE["production"][method]
    assert calls_until_refused(pacer, method, "token-1") == per_item
    assert sum(waits) == PATIENCE_SECONDS
    pacer(method, "token-2")
    assert sum(waits) == PATIENCE_SECONDS


def test_the_client_has_a_limit_over_all_items(pacer):
    assert calls_until_refused(pacer, "institutions_get_by_id", None) == 400


def test_calls_without_a_published_limit_are_not_counted(pacer, waits):
    for _ in range(5000):
        pacer("link_token_create", None)
    assert waits == []


def test_counters_that_cannot_be_reached_stop_nothing(waits):
    away = Pacer("production", "redis://127.0.0.1:9/0", sleep=waits.append)
    for _ in range(20):
        away("accounts_balance_get", "token")
    assert waits == []
