"""Plaid's webhooks: is it really Plaid's, sent just now, with this very body? And what does it say?

As Plaid documents it: the header Plaid-Verification is a JWT signed with ES256; its key is found by `kid`; `iat` is
at most five minutes old; `request_body_sha256` is that of the bytes as they came, before anybody parsed them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt

from domain.text import storable
from providers.base import (
    Asking,
    Banks,
    ForgedWebhookError,
    Kind,
    MalformedWebhookError,
    ProviderError,
    Webhook,
    WebhookKey,
)
from providers.plaid_errors import MAX_CODE, kind_of
from providers.plaid_keys import Keys, untold

OLDEST_SECONDS = 300
LEEWAY_SECONDS = 30
"""How far in the future the vendor's clock may be."""
MAX_SIGNATURE = 4096
MAX_WORD, MAX_ID, MAX_URL = 64, 128, 512
"""What the columns hold."""
_OPTIONS: Any = {"verify_iat": False, "verify_aud": False, "verify_iss": False, "require": ["iat"]}
"""`iat` is checked here: the library knows no oldest age."""


class PlaidWebhooks:
    """providers.base.ReadWebhook for Plaid, in every environment there are keys for. `clock` is UNIX seconds."""

    def __init__(
        self,
        banks: Banks,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        asking: Asking = untold,
    ) -> None:
        self._keys, self._clock = Keys(banks, monotonic, asking), clock

    def __call__(self, body: bytes, signature: str) -> Webhook:
        """What it says, if it is the vendor's. The body is read before it is believed, for its environment alone."""
        news = _object(body)
        environment = news.get("environment")
        if not isinstance(environment, str):
            raise ForgedWebhookError("no environment")
        key = self._keys.find(environment, _key_id(signature))
        claims = _claims(signature, key)
        issued_at = self._check_age(claims.get("iat"))
        _check_body(claims.get("request_body_sha256"), body)
        return _webhook(news, environment, signature, issued_at)

    def _check_age(self, issued_at: object) -> int:
        if not isinstance(issued_at, int | float) or isinstance(issued_at, bool):
            raise ForgedWebhookError("no time")
        if not -LEEWAY_SECONDS <= self._clock() - issued_at <= OLDEST_SECONDS:
            raise ForgedWebhookError("not of now")
        return int(issued_at)


def _object(body: bytes) -> dict[str, Any]:
    try:
        news = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedWebhookError from None
    if not isinstance(news, dict):
        raise MalformedWebhookError
    return news


def _key_id(signature: str) -> str:
    """The id of the key that a JWT says it was signed with: nothing it says is believed yet."""
    if not 0 < len(signature) <= MAX_SIGNATURE:
        raise ForgedWebhookError("no signature")
    try:
        header = jwt.get_unverified_header(signature)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise ForgedWebhookError("no JWT") from None
    key_id = header.get("kid")
    if header.get("alg") != "ES256" or not isinstance(key_id, str):
        raise ForgedWebhookError("not signed as documented")
    if not 0 < len(key_id) <= MAX_ID or not key_id.isascii() or not key_id.isprintable():
        raise ForgedWebhookError("no key id")
    return key_id


def _claims(signature: str, key: WebhookKey) -> dict[str, Any]:
    """What was signed, if this key signed it. A key that is none is the vendor's failure."""
    try:
        public = jwt.PyJWK.from_dict(key.jwk, algorithm="ES256")
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise ProviderError("INVALID_RESPONSE", Kind.RETRY) from None
    try:
        return jwt.decode(signature, public, algorithms=["ES256"], options=_OPTIONS)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise ForgedWebhookError("wrong signature") from None


def _check_body(claimed: object, body: bytes) -> None:
    digest = hashlib.sha256(body).hexdigest()
    if not isinstance(claimed, str) or not hmac.compare_digest(
        claimed.encode("utf-8", "replace"), digest.encode()
    ):
        raise ForgedWebhookError("another body")


def _webhook(news: dict[str, Any], environment: str, signature: str, issued_at: int) -> Webhook:
    # The signed part alone: of one signature there are several spellings.
    signed = signature.rpartition(".")[0]
    return Webhook(
        signature_hash=hashlib.sha256(signed.encode()).hexdigest(),
        webhook_type=_word(news.get("webhook_type")),
        webhook_code=_word(news.get("webhook_code")),
        environment=environment[:16],
        item_id=_text(news.get("item_id"), MAX_ID),
        detail=_detail(news) | {"sent_at": str(issued_at)},
    )


def _detail(news: dict[str, Any]) -> dict[str, str]:
    """The little that is kept of a webhook, in our words; amounts and names are never in one."""
    error = news.get("error")
    error = error if isinstance(error, dict) else {}
    code = _text(error.get("error_code"), MAX_CODE)
    found = {
        "error_code": code,
        "error_kind": kind_of(code, error.get("error_type"), _status(error)).value if code else None,
        "ends_at": _moment(news.get("disconnect_time")) or _moment(news.get("consent_expiration_time")),
        "account_id": _text(news.get("account_id"), MAX_ID),
        "url": _text(news.get("new_webhook_url"), MAX_URL),
    }
    return {name: value for name, value in found.items() if value is not None}


def _status(error: dict[str, Any]) -> int:
    status = error.get("status")
    return status if isinstance(status, int) else 400


def _word(value: object) -> str:
    return storable(value)[:MAX_WORD] if isinstance(value, str) else ""


def _text(value: object, most: int) -> str | None:
    """Text that fits; what is longer cannot be the vendor's, and cut short it would be another's."""
    if not isinstance(value, str) or not 0 < len(value) <= most:
        return None
    return storable(value) or None


def _moment(value: object) -> str | None:
    """An ISO 8601 moment with an offset, in UTC."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.astimezone(UTC).isoformat() if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
