"""Posting forms to the app, signed as Twilio signs them; what became of the last ones is remembered in memory."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from simulator.twilio.background import Lanes

PATIENCE_S = 15
"""Twilio gives a receiver so long."""
MOST_BYTES = 65_536

Form = dict[str, str]


@dataclass(kw_only=True)
class Delivery:
    """One request to the app and its fate: the HTTP status, or a word when there was none. `at` is ISO, UTC."""

    kind: str
    sid: str
    status: str
    url: str
    at: str
    outcome: int | str = "waiting"


def signature(token: str, url: str, form: Form) -> str:
    """The value of X-Twilio-Signature: HMAC-SHA1 over the address and the sorted fields, base64."""
    signed = url + "".join(key + form[key] for key in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


class Poster:
    """Posts in the background. Requests about the same text keep their order; redirections are not followed."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._lanes = Lanes()
        self._recent: deque[Delivery] = deque(maxlen=500)

    def note(self, delivery: Delivery) -> None:
        self._recent.append(delivery)

    def post(self, delivery: Delivery, form: Form, then: Callable[[bytes], None] | None = None) -> None:
        """Puts a request on its way. `then` gets the body of the answer, empty when there was none or no 2xx."""
        self.note(delivery)

        def work() -> None:
            delivery.outcome, body = self._send(delivery.url, form)
            if then is not None:
                then(body if str(delivery.outcome).startswith("2") else b"")

        self._lanes.put(delivery.sid, work)

    def recent(self) -> list[dict[str, Any]]:
        """The last ones, newest first."""
        return [asdict(each) for each in reversed(self._recent)]

    def _send(self, url: str, form: Form) -> tuple[int | str, bytes]:
        try:
            return _send(url, form, signature(self._token, url, form))
        except (OSError, HTTPException, ValueError) as error:
            return type(error).__name__, b""


def _send(url: str, form: Form, signed: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "X-Twilio-Signature": signed,
        "I-Twilio-Idempotency-Token": secrets.token_hex(16),
        "User-Agent": "TwilioProxy/1.1",
    }
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, urlencode(form).encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_BYTES)
    finally:
        connection.close()
