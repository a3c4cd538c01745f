"""Webhooks: signed as Plaid signs them, and posted in the background to the address an Item has.

Only https, or http on this machine; redirections are not followed. What is not answered 200 is sent again, newly
signed, with growing pauses, as Plaid does; switches lose, double and swap. What became of the last ones is remembered
in memory, for whoever wants to see it; so are those that wait for their next try, which end with the program.
"""

from __future__ import annotations

import base64
import hashlib
import json
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simulator.clock import Clock
from simulator.records import Item
from simulator.store import Store
from simulator.switches import Switch, Switches, Target

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

PATIENCE_S = 10
"""Plaid gives a receiver so long."""
RETRIES_S = (30, 120, 480, 1920, 7680, 30720)
"""Pauses before the next tries, four times as long each; after a day Plaid gives up."""
LONGEST_HOLD_S = 5.0
"""How long a webhook that is to come after the next one waits for it."""
_SENDERS = 4
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(kw_only=True)
class Delivery:
    """One webhook and its fate: the HTTP status, or a word when there was none. `sent_at` is ISO, UTC."""

    item_id: str
    webhook_type: str
    webhook_code: str
    sent_at: str
    outcome: int | str = "waiting"
    tries: int = 0


@dataclass(kw_only=True)
class _Parcel:
    """A webhook on its way. `pauses` are those before the tries that are left."""

    url: str
    body: bytes
    delivery: Delivery
    pauses: tuple[float, ...]


def allowed(url: str) -> bool:
    """Whether the simulator would post there."""
    try:
        parts = urlsplit(url)
        return (parts.scheme == "https" and bool(parts.hostname)) or (
            parts.scheme == "http" and parts.hostname in _LOOPBACK and parts.port != 0
        )
    except ValueError:
        return False


class Webhooks:
    """Signs and posts. The key is made when it is first needed and kept with the rest of the state."""

    def __init__(self, store: Store, clock: Clock, switches: Switches) -> None:
        self._store, self._clock, self._switches = store, clock, switches
        self._lock = threading.Lock()
        self._key: tuple[str, int, EllipticCurvePrivateKey] | None = None
        self._waiting: queue.Queue[list[_Parcel]] = queue.Queue()
        self._held: dict[str, list[_Parcel]] = {}
        self._threads: list[threading.Thread] = []
        self._recent: deque[Delivery] = deque(maxlen=200)

    def post(self, url: str, item: Item, type_: str, code: str, more: dict[str, Any]) -> str:
        """Puts a webhook on its way; when it was sent (ISO, UTC)."""
        named = {"item_id": item.item_id, "webhook_type": type_, "webhook_code": code}
        sent_at = self._clock.now().isoformat()
        delivery = Delivery(item_id=item.item_id, webhook_type=type_, webhook_code=code, sent_at=sent_at)
        self._recent.append(delivery)
        if not allowed(url):
            delivery.outcome = "not an https or loopback address"
            return sent_at
        body = json.dumps(named | {"environment": item.environment} | more, indent=2).encode()
        target = Target(institution_id=item.institution_id, item_id=item.item_id)
        self._dispatch(_Parcel(url=url, body=body, delivery=delivery, pauses=self._pauses(target)), target)
        return sent_at

    def _pauses(self, target: Target) -> tuple[float, ...]:
        sooner = self._met("webhook_retry", target)
        first = RETRIES_S[0] if sooner is None else sooner.milliseconds / 1000
        return tuple(first * pause / RETRIES_S[0] for pause in RETRIES_S)

    def _met(self, kind: str, target: Target) -> Switch | None:
        return self._switches.meets_webhook(kind, target)

    def _dispatch(self, parcel: _Parcel, target: Target) -> None:
        """Sends it as the switches want; what waited for it goes after it, one after the other."""
        item_id = parcel.delivery.item_id
        if self._met("webhook_lost", target):
            parcel.delivery.outcome = "lost"
            return
        parcels = [parcel, parcel] if self._met("webhook_twice", target) else [parcel]
        with self._lock:
            held = self._held.pop(item_id, [])
            if not held and self._met("webhook_after_next", target):
                self._held[item_id] = parcels
                _later(LONGEST_HOLD_S, self._let_go, item_id)
                return
        self._send_soon(parcels + held)

    def _let_go(self, item_id: str) -> None:
        with self._lock:
            held = self._held.pop(item_id, [])
        if held:
            self._send_soon(held)

    def recent(self) -> list[dict[str, Any]]:
        """The last ones, newest first."""
        return [asdict(each) for each in reversed(self._recent)]

    def _send_soon(self, parcels: list[_Parcel]) -> None:
        self._start()
        self._waiting.put(parcels)

    def _start(self) -> None:
        with self._lock:
            while len(self._threads) < _SENDERS:
                thread = threading.Thread(target=self._send_all, daemon=True, name="webhooks")
                self._threads.append(thread)
                thread.start()

    def _send_all(self) -> None:
        while True:
            for parcel in self._waiting.get():
                self._try(parcel)

    def _try(self, parcel: _Parcel) -> None:
        delivery = parcel.delivery
        try:
            delivery.outcome = _send(parcel.url, parcel.body, self.signature(parcel.body))
        except (OSError, HTTPException, ValueError) as error:
            delivery.outcome = type(error).__name__
        delivery.tries += 1
        if delivery.outcome != 200 and parcel.pauses:
            pause, *left = parcel.pauses
            _later(pause, self._send_soon, [replace(parcel, pauses=tuple(left))])

    # The signature

    def signature(self, body: bytes) -> str:
        """The JWT for the header Plaid-Verification."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        kid, _, key = self._signing_key()
        claims = {
            "iat": int(self._clock.now().timestamp()),
            "request_body_sha256": hashlib.sha256(body).hexdigest(),
        }
        signed = f"{_part({'alg': 'ES256', 'kid': kid, 'typ': 'JWT'})}.{_part(claims)}"
        r, s = decode_dss_signature(key.sign(signed.encode(), ECDSA(SHA256())))
        return f"{signed}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def public_key(self, key_id: str) -> dict[str, Any] | None:
        """The key as JWK with Plaid's two times; None when it is another id."""
        kid, made, key = self._signing_key()
        if key_id != kid:
            return None
        numbers = key.public_key().public_numbers()
        x, y = (_base64(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
        fixed = {"alg": "ES256", "crv": "P-256", "kty": "EC", "use": "sig"}
        return fixed | {"kid": kid, "x": x, "y": y, "created_at": made, "expired_at": None}

    def _signing_key(self) -> tuple[str, int, EllipticCurvePrivateKey]:
        from cryptography.hazmat.primitives.asymmetric.ec import (
            SECP256R1,
            derive_private_key,
            generate_private_key,
        )

        with self._lock:
            if self._key is None:
                kept = self._store.load("keys").get("webhooks")
                if kept is None:
                    secret = generate_private_key(SECP256R1()).private_numbers().private_value
                    kept = {"secret": hex(secret), "created_at": int(self._clock.now().timestamp())}
                    self._store.save("keys", "webhooks", kept)
                kid = hashlib.sha256(kept["secret"].encode()).hexdigest()[:32]
                key = derive_private_key(int(kept["secret"], 16), SECP256R1())
                self._key = (kid, kept["created_at"], key)
            return self._key


def _later(seconds: float, work: Callable[..., None], *arguments: object) -> None:
    timer = threading.Timer(seconds, work, arguments)
    timer.daemon = True
    timer.start()


def _send(url: str, body: bytes, signature: str) -> int:
    parts = urlsplit(url)
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json", "Plaid-Verification": signature}
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
