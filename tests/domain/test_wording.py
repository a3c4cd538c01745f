"""Sentences a person reads: every state and every failure has one; moments in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

import models
from domain.wording import (
    FAILURES,
    STATE_LABELS,
    ago,
    coming_day,
    every_days,
    failure_sentence,
    local_moment,
    state_label,
)
from providers.base import Kind
from providers.plaid_errors import KIND_OF_CODE
from services.failures import STATE_OF_KIND

NOW = datetime(2026, 11, 23, 19, 5, tzinfo=UTC)  # a Monday, 14:05 in New York


def test_every_state_has_a_label_and_a_tone():
    assert STATE_LABELS.keys() == {*models.STATES, "refreshing"}
    assert {tone for _, tone in STATE_LABELS.values()} <= {"ok", "warn", "bad", "busy"}


def test_every_failure_is_a_sentence_without_jargon():
    for code in [*KIND_OF_CODE, "TRANSPORT_ReadTimeoutError", "HTTP_502", "A_CODE_OF_2031"]:
        sentence = failure_sentence(code)
        assert sentence
        assert sentence.endswith(".")
        assert code not in sentence
        assert "API" not in sentence
    assert failure_sentence(None) is None


BY_OURSELVES = (
    "ACCESS_TOKEN_UNREADABLE", "INTERNAL", "NOT_CONFIGURED", "EMPTY_ACCOUNTS", "ENDLESS_PAGES", "INVALID_RESPONSE",
)  # fmt: skip
"""Codes that no vendor sends."""


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.RETRY])
def test_what_waiting_cannot_mend_is_never_said_as_not_answering(kind):
    silent = {
        code
        for code, its in KIND_OF_CODE.items()
        if its is kind
        and ("not answering" in failure_sentence(code) or label_of(code, kind) == "Not answering")
    }
    assert not silent


def label_of(code: str, kind: Kind) -> str:
    return state_label(STATE_OF_KIND.get(kind, "error"), code)[0]


@pytest.mark.parametrize(
    "code, state, label",
    [
        ("INSTITUTION_NO_LONGER_SUPPORTED", "error", "No longer supported"),
        ("MFA_NOT_SUPPORTED", "error", "No longer supported"),
        ("INSTITUTION_REGISTRATION_REQUIRED", "error", "Setup problem"),
        ("UNAUTHORIZED_INSTITUTION", "error", "Setup problem"),
        ("CREDITS_EXHAUSTED", "error", "Setup problem"),
        ("INVALID_API_KEYS", "error", "Setup problem"),
        ("NOT_CONFIGURED", "error", "Setup problem"),
        ("MISSING_FIELDS", "error", "Error on our side"),
        ("INTERNAL", "error", "Error on our side"),
        ("ACCESS_TOKEN_UNREADABLE", "error", "Error on our side"),
        ("INVALID_UPDATED_USERNAME", "error", "Link it anew"),
        ("PRODUCTS_NOT_SUPPORTED", "error", "Gives no numbers"),
        ("PRODUCT_NOT_READY", "error", "Being prepared"),
        ("ITEM_CONCURRENTLY_DELETED", "error", "Access ended"),
        ("TRANSACTIONS_LIMIT", "error", "Slowed down"),
        ("RATE_LIMIT", "error", "Slowed down"),
        ("EMPTY_ACCOUNTS", "error", "Tried again soon"),
        ("INSTITUTION_DOWN", "error", "Not answering"),
        ("PLANNED_MAINTENANCE", "error", "Not answering"),
        ("TRANSPORT_ReadTimeoutError", "error", "Not answering"),
        ("HTTP_502", "error", "Not answering"),
        ("NO_ACCOUNTS", "needs_login", "Choose accounts"),
        ("ACCESS_NOT_GRANTED", "needs_login", "Choose accounts"),
        ("ITEM_LOCKED", "needs_login", "Sign in again"),
        ("INSTITUTION_NO_LONGER_SUPPORTED", "refreshing", "Refreshing"),
        ("PENDING_DISCONNECT", "expiring", "Expires soon"),
        ("ITEM_NOT_FOUND", "revoked", "Access ended"),
        (None, "error", "Not answering"),
    ],
)
def test_the_badge_says_what_is_wrong(code, state, label):
    words, tone = state_label(state, code)
    assert words == label
    assert tone in {"warn", "bad"} or state == "refreshing"


@pytest.mark.parametrize(
    "code", ["INTERNAL_SERVER_ERROR", "PLANNED_MAINTENANCE", "TRANSPORT_Timeout", "HTTP_503"]
)
def test_the_bank_is_not_blamed_for_the_vendor(code):
    assert "The bank is not answering" not in (failure_sentence(code) or "")


def test_no_sentence_is_kept_for_a_code_that_cannot_come():
    assert FAILURES.keys() <= KIND_OF_CODE.keys() | set(BY_OURSELVES)


@pytest.mark.parametrize(
    "before, words",
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (-timedelta(hours=3), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=5, seconds=59), "5 minutes ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=400), "400 days ago"),
    ],
)
def test_ago(before, words):
    assert ago(NOW - before, NOW) == words


@pytest.mark.parametrize(
    "moment, words",
    [
        (NOW, "today, 2:05 PM"),
        (NOW.replace(hour=5), "today, 12:05 AM"),
        (NOW.replace(hour=17), "today, 12:05 PM"),
        (NOW.replace(hour=4), "Sunday, 11:05 PM"),
        (NOW - timedelta(days=6), "Tuesday, 2:05 PM"),
        (NOW - timedelta(days=7), "Nov 16, 2:05 PM"),
        (NOW + timedelta(days=1), "Nov 24, 2:05 PM"),
        (NOW - timedelta(days=400), "Oct 19 2025, 3:05 PM"),
    ],
)
def test_local_moment(moment, words):
    assert local_moment(moment, NOW, "America/New_York") == words


@pytest.mark.parametrize(
    "day, words",
    [
        (date(2026, 11, 1), "today"),  # overdue
        (date(2026, 11, 23), "today"),
        (date(2026, 11, 24), "tomorrow"),
        (date(2026, 11, 25), "on Wednesday, Nov 25"),
        (date(2026, 11, 29), "on Sunday, Nov 29"),
        (date(2026, 11, 30), "on Nov 30"),  # again a Monday: the day's name alone could be today
        (date(2027, 1, 2), "on Jan 2, 2027"),
    ],
)
def test_a_day_to_come_seen_from_monday_november_23(day, words):
    assert coming_day(day, date(2026, 11, 23)) == words


def test_every_so_many_days():
    assert (every_days(1), every_days(3)) == ("every day", "every 3 days")
