"""Tokens and ids as Plaid's look."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import string
import uuid

_ALPHABET = string.digits + string.ascii_letters
_ID_LENGTH = 37
_TOKEN = re.compile(r"(link|public|access)-(sandbox|production)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_token(kind: str, environment: str) -> str:
    """`<kind>-<environment>-<uuid>`; kind is link, public or access."""
    return f"{kind}-{environment}-{uuid.uuid4()}"


def token_environment(token: str, kind: str) -> str | None:
    """The environment a token names; None when it is no such token."""
    found = _TOKEN.fullmatch(token)
    return found[2] if found and found[1] == kind else None


def new_id() -> str:
    """An id of 37 letters and digits, for an Item."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))


def derived_id(secret: str, name: str) -> str:
    """The id of a thing of an Item: the same for the same secret and name, and like no other."""
    digest = hashlib.blake2b(f"{secret}/{name}".encode(), digest_size=30).digest()
    return base64.b64encode(digest, b"0z").decode()[:_ID_LENGTH]


def request_id() -> str:
    """Fifteen letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(15))
