"""Webhooks as Plaid signs them, made by a test: any key, any header, any claims."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

KEY_ID = "key-of-tests"
PRETTY = 2


def news(code: str, type_: str = "ITEM", item_id: str = "item-1", **more: Any) -> dict[str, Any]:
    """What a webhook of the sandbox says."""
    return {
        "webhook_type": type_,
        "webhook_code": code,
        "item_id": item_id,
        "environment": "sandbox",
        **more,
    }


def raw(body: dict[str, Any], indent: int | None = PRETTY) -> bytes:
    return json.dumps(body, indent=indent).encode()


class Signer:
    """A key of the vendor's, and what it signs."""

    def __init__(self, key_id: str = KEY_ID) -> None:
        self.key_id = key_id
        self._key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """The public key as /webhook_verification_key/get answers it."""
        numbers = self._key.public_key().public_numbers()
        known = {"alg": "ES256", "crv": "P-256", "kty": "EC", "use": "sig", "kid": self.key_id}
        times = {"created_at": 1_560_000_000, "expired_at": None}
        return known | {"x": _base64(numbers.x), "y": _base64(numbers.y)} | times | changes

    def sign(self, body: bytes, *, age: float = 0, **claims: Any) -> str:
        """The JWT for this body, signed `age` seconds ago."""
        said = {
            "iat": int(time.time() - age),
            "request_body_sha256": hashlib.sha256(body).hexdigest(),
            **claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, self._key, "ES256", headers={"kid": self.key_id})


def _base64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
