"""Encryption at rest: one object holding the keys, set once by the composition root.

MultiFernet (AES-CBC with HMAC) encrypts with the newest key and reads with any, so keys rotate by
prepending one. A value that no key opens is an error with its own name, never 'no value'.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class UndecryptableError(RuntimeError):
    """Stored ciphertext that none of ENCRYPTION_KEYS opens: wrong or lost keys, or a damaged row."""


class Vault:
    """Encrypts and decrypts text. Unusable until given keys; its repr shows none."""

    def __init__(self) -> None:
        self._fernet: MultiFernet | None = None
        self._keys: list[bytes] = []

    def set_keys(self, keys: Sequence[str]) -> None:
        """Use these urlsafe-base64 32-byte keys, newest first. ValueError for a malformed key or none."""
        if not keys:
            raise ValueError("no encryption keys")
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._keys = [base64.urlsafe_b64decode(key) for key in keys]

    def encrypt(self, text: str) -> str:
        return self._ready().encrypt(text.encode()).decode("ascii")

    def decrypt(self, ciphertext: str) -> str:
        """The plain text. UndecryptableError when no key opens it."""
        try:
            return self._ready().decrypt(ciphertext.encode()).decode()
        except InvalidToken:
            raise UndecryptableError("a stored secret cannot be opened with ENCRYPTION_KEYS") from None

    def rotate(self, ciphertext: str) -> str:
        """The same text under the newest key. UndecryptableError when no key opens it."""
        try:
            return self._ready().rotate(ciphertext.encode("ascii")).decode("ascii")
        except (InvalidToken, UnicodeEncodeError):
            raise UndecryptableError("a stored secret cannot be opened with ENCRYPTION_KEYS") from None

    def digest(self, purpose: str, value: str) -> str:
        """HMAC-SHA-256 hex of a guessable value (a phone number, a code) under the newest key: equal values of one
        purpose can be found, and nobody without the key can try them all."""
        return self.digests(purpose, value)[0]

    def digests(self, purpose: str, value: str) -> list[str]:
        """The digests under every key, newest first: what was written before a rotation is found by a later one."""
        self._ready()
        return [_keyed_digest(key, purpose, value) for key in self._keys]

    def _ready(self) -> MultiFernet:
        if self._fernet is None:
            raise RuntimeError("the vault has no keys yet: create_app sets them")
        return self._fernet


def _keyed_digest(key: bytes, purpose: str, value: str) -> str:
    """Each purpose has a key of its own, so that a digest of one says nothing about another."""
    own = hmac.digest(key, b"cashview digest: " + purpose.encode(), "sha256")
    return hmac.digest(own, value.encode(), "sha256").hex()


def digest(text: str) -> str:
    """SHA-256 hex of a high-entropy token (session ids, public tokens): look-up without keeping the token."""
    return hashlib.sha256(text.encode()).hexdigest()


vault = Vault()
