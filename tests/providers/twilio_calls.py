"""A gateway over the unmodified Twilio client, pointed at a vendor of the test's own, and what it may answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.base import OutgoingText, TextError
from providers.twilio import TwilioGateway, TwilioOptions

ACCOUNT_SID = "AC" + "0a" * 16
AUTH_TOKEN = "token-of-the-test-55e1"
SERVICE_SID = "MG" + "3c" * 16
NUMBER = "+15005550006"
TO = "+14155552671"
BODY = "CashView: you have spent $212.40 of your $400.00 budget for Café this month."
TEXT = OutgoingText(to=TO, body=BODY, status_callback=None, validity_seconds=14_400)
SID = "SM" + "7f" * 16
SINCE = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

ACCEPTED: dict[str, Any] = {
    "sid": SID,
    "status": "queued",
    "to": TO,
    "from": None,
    "messaging_service_sid": SERVICE_SID,
    "body": BODY,
    "num_segments": "0",
    "error_code": None,
    "error_message": None,
    "date_created": "Sun, 22 Nov 2026 17:00:00 +0000",
    "date_sent": None,
    "uri": f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{SID}.json",
}
SENT = {**ACCEPTED, "status": "delivered", "date_sent": "Sun, 22 Nov 2026 17:00:03 +0000"}


def listing(*messages: dict[str, Any]) -> bytes:
    """Twilio's answer to a look-up."""
    return json.dumps({"messages": messages, "page": 0, "page_size": 100, "next_page_uri": None}).encode()


def refusal(code: int | None, status: int) -> bytes:
    """Twilio's error body, with the number in its sentence as Twilio does."""
    body = {
        "code": code,
        "message": f"About {TO}: {BODY}",
        "more_info": "https://example.com",
        "status": status,
    }
    return json.dumps({key: value for key, value in body.items() if value is not None}).encode()


def make_texts(base_url: str | None, **changes: Any) -> TwilioGateway:
    options = {
        "account_sid": ACCOUNT_SID,
        "auth_token": AUTH_TOKEN,
        "number": NUMBER,
        "base_url": base_url,
        "pool_size": 2,
    }
    return TwilioGateway(TwilioOptions(**{**options, **changes}))


CALLS = {
    "send": lambda texts: texts.send(TEXT),
    "find": lambda texts: texts.find(TO, SINCE),
}


def error_of(texts: TwilioGateway, method: str = "send") -> TextError:
    with pytest.raises(TextError) as caught:
        CALLS[method](texts)
    return caught.value
