"""The Twilio gateway: the official client's requests, our reading of its answers and failures.

Importing this module does not load the client (60 MB): it is built on first use, after fork, and shared between
threads. Checking a signature never needs it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from providers.base import OutgoingText, SentText, TextError, TextKind
from providers.twilio_errors import digits

TIMEOUT = 10.0
"""Seconds. The client's own default is to wait for ever."""
LONGEST_VALIDITY = 36_000
FOUND_AT_MOST = 100
_SID = re.compile("(SM|MM)[0-9a-fA-F]{32}")


@dataclass(frozen=True, kw_only=True, repr=False)
class TwilioOptions:
    """What the gateway needs. `base_url` replaces Twilio's host; a messaging service goes before a number."""

    account_sid: str
    auth_token: str
    number: str | None = None
    messaging_service_sid: str | None = None
    base_url: str | None = None
    pool_size: int = 16


class TwilioGateway:
    """providers.base.TextGateway over Twilio's Messages API. ValueError for a base URL that would show our keys."""

    def __init__(self, options: TwilioOptions) -> None:
        if options.base_url and not _is_safe(options.base_url):
            raise ValueError("Twilio's base URL must be https, or http to this machine")
        self._options = options

    @cached_property
    def _messages(self) -> Any:
        """Accounts/<sid>/Messages of the client. TWILIO_REGION and TWILIO_EDGE of the process are not read."""
        from twilio.rest import Client

        from providers.twilio_http import CarefulHttpClient

        options = self._options
        to_this_machine = options.base_url is not None and _is_loopback(options.base_url)
        http = CarefulHttpClient(TIMEOUT, options.pool_size, proxies=not to_this_machine)
        client = Client(
            options.account_sid, options.auth_token, http_client=http, environment={"TWILIO_REGION": ""}
        )
        if options.base_url:
            client.api.base_url = options.base_url
        return client.api.v2010.account.messages

    def send(self, text: OutgoingText) -> SentText:
        """Hand one text over, once. TextError: its kind says whether it may be tried again."""
        optional = {"status_callback": text.status_callback} if text.status_callback else {}
        validity = min(max(1, text.validity_seconds), LONGEST_VALIDITY)
        with _sendable(text.to, text.body), _reading():
            message = self._messages.create(
                to=text.to,
                body=text.body,
                smart_encoded=True,
                validity_period=validity,
                **self._sender,
                **optional,
            )
            return _sent_text(message)

    def find(self, to: str, since: datetime) -> list[SentText]:
        """The texts to a number that Twilio took since then (with a zone), among its newest 100.

        Twilio's own filter goes by the moment of sending and would leave out what still waits in its queue.
        """
        with _reading():
            page = self._messages.page(to=to, page_size=FOUND_AT_MOST)
            found = [_sent_text(message) for message in page]
            return [text for text in found if text.sent_at is None or text.sent_at >= since]

    @property
    def _sender(self) -> dict[str, str | None]:
        if self._options.messaging_service_sid:
            return {"messaging_service_sid": self._options.messaging_service_sid}
        return {"from_": self._options.number}


def valid_signature(
    tokens: Iterable[str | None],
    url: str,
    params: Mapping[str, str | list[str]],
    signature: str | None,
) -> bool:
    """Whether Twilio signed this request with one of our auth tokens (two during a rotation).

    `url` is the address as Twilio called it, with its query; `params` the form's fields, a list where one came
    more than once. False without a token or a signature: an empty key would let anyone sign.
    """
    given = (signature or "").encode("utf-8", "replace")
    fields = _signed_fields(params)
    expected = [
        _signature(token, address + fields) for token in tokens if token for address in _spellings(url)
    ]
    matches = [hmac.compare_digest(given, one) for one in expected]
    return any(matches)


def _signature(token: str, text: str) -> bytes:
    digest = hmac.new(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()
    return base64.b64encode(digest)


def _signed_fields(params: Mapping[str, str | list[str]]) -> str:
    pairs = (
        (name, value)
        for name, values in params.items()
        for value in ({values} if isinstance(values, str) else set(values))
    )
    return "".join(name + value for name, value in sorted(pairs))


def _spellings(url: str) -> list[str]:
    """The address with and without its port: Twilio signs either."""
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return [url, parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()]


@contextmanager
def _sendable(*texts: str) -> Iterator[None]:
    """What cannot be written as UTF-8 would fail for ever, before anything was sent."""
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError:
        raise TextError("NOT_TEXT", TextKind.CONTENT) from None
    yield


@contextmanager
def _reading() -> Iterator[None]:
    """An accepting answer that cannot be read: nobody knows what became of the text."""
    from twilio.base.exceptions import TwilioException

    try:
        yield
    except (
        TwilioException,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ):
        raise TextError("INVALID_RESPONSE", TextKind.UNKNOWN) from None


def _sent_text(message: Any) -> SentText:
    """The client's record as ours. ValueError without a sid: then nothing says that there is such a text."""
    if not isinstance(message.sid, str) or not _SID.fullmatch(message.sid):
        raise ValueError("no sid")
    return SentText(
        sid=message.sid,
        status=message.status if isinstance(message.status, str) else "accepted",
        error_code=digits(message.error_code),
        sent_at=message.date_created or message.date_sent,
        body=message.body if isinstance(message.body, str) else "",
    )


def _is_safe(url: str) -> bool:
    return urlsplit(url).scheme == "https" or _is_loopback(url)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
