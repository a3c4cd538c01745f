"""Answers of Twilio's API: a message as JSON, and errors."""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from flask import Response

from simulator.twilio import segments
from simulator.twilio.errors import OUTCOMES, ErrorKind
from simulator.twilio.texts import FROM_API, INBOUND, Text


def success(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json")


def failure(kind: ErrorKind, message: str | None = None) -> Response:
    refused = Response(json.dumps(kind.body(message)), kind.status, mimetype="application/json")
    if kind.status == 401:
        refused.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    return refused


def problem(kind: ErrorKind) -> Response:
    """By RFC 9457."""
    return Response(json.dumps(kind.problem()), kind.status, mimetype="application/problem+json")


def message(text: Text, account_sid: str) -> dict[str, Any]:
    """A text as the Message resource. Dates are RFC 2822 in GMT; what is counted is a string, as Twilio's is."""
    uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{text.sid}"
    waits_for_sender = text.direction == FROM_API and text.sender is None
    number_of_segments = 0 if waits_for_sender else segments.count(text.body)
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "body": text.body,
        "date_created": _date(text.created_at),
        "date_sent": None if text.sent_at is None else _date(text.sent_at),
        "date_updated": _date(text.updated_at),
        "direction": text.direction,
        "error_code": text.error_code,
        "error_message": None if text.error_code is None else OUTCOMES[text.error_code].message,
        "from": text.sender,
        "messaging_service_sid": text.service,
        "num_media": "0",
        "num_segments": str(number_of_segments),
        "price": _price(text, number_of_segments),
        "price_unit": "USD",
        "sid": text.sid,
        "status": text.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": text.to,
        "uri": f"{uri}.json",
    }


def _price(text: Text, number_of_segments: int) -> str | None:
    """What it cost, in US dollars and below zero; known once the text is through, free when it is the person's."""
    if text.direction == INBOUND or text.status not in {"delivered", "undelivered"}:
        return None
    return f"-{number_of_segments * 79 // 10000}.{number_of_segments * 79 % 10000:04d}0"


def _date(iso: str) -> str:
    return format_datetime(datetime.fromisoformat(iso))
