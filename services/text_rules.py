"""Who may get budget texts, and why not: asked when a text is planned, when it is claimed, and by the page."""

from __future__ import annotations

from typing import Any, Protocol

from models import ENVIRONMENT_OF, PRODUCTION

DEMO, SANDBOX, TEXTS_OFF, NO_CONSENT, NOT_VERIFIED, OPTED_OUT = (
    "demo",
    "sandbox",
    "texts_off",
    "no_consent",
    "not_verified",
    "opted_out",
)
MISSED, NUMBER_CHANGED, GONE, CLOSED, STALE, UNREADABLE, INTERNAL, RESTORED, WORKER_DIED, NOT_TAKEN = (
    "missed",
    "number_changed",
    "gone",
    "closed",
    "stale",
    "unreadable",
    "internal",
    "restored",
    "worker_died",
    "not_taken",
)
"""Words of ours in text_messages.reason; the vendor's codes are digits."""


class Receiver(Protocol):
    """What the rules ask of a person: a User, or a row with the same columns."""

    @property
    def is_demo(self) -> Any: ...
    @property
    def account_type(self) -> Any: ...
    @property
    def texts_agreed_at(self) -> Any: ...
    @property
    def phone_verified_at(self) -> Any: ...


def why_not(person: Receiver, *, texts_on: bool, opted_out: bool) -> str | None:
    """Why this person gets no budget text; None when they do. The first reason in the order a person can mend."""
    if person.is_demo:
        return DEMO
    if ENVIRONMENT_OF[person.account_type] != PRODUCTION:
        return SANDBOX
    if not texts_on:
        return TEXTS_OFF
    if opted_out:
        return OPTED_OUT
    if person.texts_agreed_at is None:
        return NO_CONSENT
    return None if person.phone_verified_at is not None else NOT_VERIFIED
