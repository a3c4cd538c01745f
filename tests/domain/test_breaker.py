"""When calling stops, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.breaker import BANK, VENDOR, Scope, scope_of


@pytest.mark.parametrize(
    "code, is_limit, scope",
    [
        ("INSTITUTION_DOWN", False, Scope.BANK),
        ("INSTITUTION_NOT_RESPONDING", False, Scope.BANK),
        ("INSTITUTION_RATE_LIMIT", True, Scope.BANK),
        ("INTERNAL_SERVER_ERROR", False, Scope.VENDOR),
        ("PLANNED_MAINTENANCE", False, Scope.VENDOR),
        ("TRANSPORT_ReadTimeoutError", False, Scope.VENDOR),
        ("HTTP_502", False, Scope.VENDOR),
        ("TRANSACTIONS_SYNC_LIMIT", True, Scope.VENDOR),
        ("INVALID_API_KEYS", False, Scope.VENDOR),
        ("ITEM_LOGIN_REQUIRED", False, Scope.NEITHER),
        ("PACED", True, Scope.NEITHER),
        ("HTTP_404", False, Scope.NEITHER),
        ("SOMETHING_NEW", False, Scope.NEITHER),
    ],
)
def test_what_a_failure_is_a_sign_of(code, is_limit, scope):
    assert scope_of(code, is_limit=is_limit) is scope


def test_a_few_failures_are_bad_luck_and_the_pause_doubles_to_its_end():
    assert [VENDOR.pause(number) for number in (1, 7)] == [None, None]
    assert [VENDOR.pause(number) for number in (8, 9, 10)] == [timedelta(seconds=30 * 2**n) for n in range(3)]
    assert VENDOR.pause(1000) == timedelta(minutes=15)
    assert [BANK.pause(number) for number in (2, 3, 4)] == [None, timedelta(minutes=5), timedelta(minutes=10)]
    assert BANK.pause(50) == timedelta(hours=1)
