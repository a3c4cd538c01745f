"""People who are to get a text, and what the simulated Twilio took for them."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import requests

from domain.periods import local_date
from models import BudgetTracker
from tests.support.factories import (
    make_account,
    make_institution,
    make_texted_user,
    make_tracker,
    make_transaction,
)
from tests.support.simulator import TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_NUM

_numbers = itertools.count(5_550_000)
TWILIO = {
    "TWILIO_ACCOUNT_SID": TWILIO_ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": TWILIO_AUTH_TOKEN,
    "TWILIO_NUM": TWILIO_NUM,
}
"""Settings for the simulator's Twilio, without its address."""


def noon_zone(now: datetime) -> str:
    """A zone where it is between 12:00 and 13:00."""
    offset = 12 - now.hour
    return f"Etc/GMT{-offset:+d}"  # its sign is turned round


def texted(now: datetime, zone: str, **changes: Any) -> tuple[str, BudgetTracker]:
    """A number of its own and a tracker that is due today, with 12.50 spent this month. `changes` are the user's."""
    number = f"+1415{next(_numbers)}"
    user = make_texted_user(phone_number=number, timezone=zone, **changes)
    today = local_date(now, zone)
    account = make_account(make_institution(user, refreshed_at=now), name="Plaid Checking")
    make_transaction(account, "12.50", date=today)
    day_before = today - timedelta(days=1)
    return number, make_tracker(account, counted_from=day_before, next_notification_date=today)


def texted_people(count: int, now: datetime, zone: str) -> list[str]:
    """The numbers of so many people, each with one tracker."""
    return [texted(now, zone)[0] for _ in range(count)]


class SimulatedTwilio:
    """What the simulator's Twilio was asked, and its switches."""

    def __init__(self, url: str) -> None:
        self.url = url

    def texts(self, numbers: list[str]) -> list[dict[str, Any]]:
        """The texts it took for these numbers, oldest first."""
        messages = requests.get(f"{self.url}/phone/messages.json", timeout=10).json()["messages"]
        wanted = set(numbers)
        return [each for each in messages if each["to"] in wanted]

    def count(self, numbers: list[str]) -> Counter[str]:
        """How many texts it took for each of these numbers."""
        return Counter(each["to"] for each in self.texts(numbers))

    def calls(self, numbers: list[str]) -> list[tuple[str, int]]:
        """(endpoint, status) of each call about these numbers, oldest first."""
        calls = requests.get(f"{self.url}/phone/calls.json", timeout=10).json()["calls"]
        wanted = set(numbers)
        return [(each["endpoint"], each["status"]) for each in reversed(calls) if each["to"] in wanted]

    def switch(self, kind: str, **more: Any) -> None:
        body = {"vendor": "twilio", "kind": kind, **more}
        requests.post(f"{self.url}/switches", json=body, timeout=10).raise_for_status()

    def forget(self) -> None:
        requests.delete(f"{self.url}/switches", timeout=10).raise_for_status()
