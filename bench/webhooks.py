"""How long Plaid waits for the answer to a webhook: with its key known, looked up, and not to be had.

Plaid's key service is played here, in this process: any key id is answered with the one key, after a pause.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import cast

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from bench.load import percentile
from bench.report import Budget, Figure
from bench.world import gunicorn, world

MOST_MS = 1000
"""What issue 5 promises."""
LATENCY_S = 0.1
HANG_S = 30.0
KNOWN_SECONDS = 30.0
STRANGE = 10
"""Keys that one process looks up at once before it takes the sender for a flood (providers.plaid_keys.BUDGET)."""
AT_ONCE = 8
"""As many as gunicorn has threads."""
Answer = tuple[int, float]
"""Status and milliseconds."""
Answers = list[Answer]


class _Keys(ThreadingHTTPServer):
    """The key service and its only key. `pause` in seconds may be changed while it runs."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pause = 0.0
        self.secret = ec.generate_private_key(ec.SECP256R1())

    def answer(self, key_id: str) -> bytes:
        numbers = self.secret.public_key().public_numbers()
        point = {"x": _base64(numbers.x), "y": _base64(numbers.y)}
        known = {"alg": "ES256", "crv": "P-256", "kty": "EC", "use": "sig", "kid": key_id, **point}
        times = {"created_at": 1_700_000_000, "expired_at": None}
        return json.dumps({"key": {**known, **times}, "request_id": "bench"}).encode()

    def sign(self, body: bytes, key_id: str) -> str:
        """The JWT for this body, signed now."""
        claims = {"iat": int(time.time()), "request_body_sha256": hashlib.sha256(body).hexdigest()}
        return jwt.encode(claims, self.secret, "ES256", headers={"kid": key_id})


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        keys = cast("_Keys", self.server)
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(keys.pause)
        body = keys.answer(asked["key_id"])
        with suppress(ConnectionError):  # whoever does not wait for a service that hangs has gone
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it that
        pass


def _base64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


@contextmanager
def _key_service() -> Iterator[_Keys]:
    with _Keys() as keys:
        Thread(target=keys.serve_forever, daemon=True).start()
        yield keys
        keys.shutdown()


def measure(database: str, *, quick: bool) -> Iterator[Figure]:
    """Of each kind of answer p50, and p99 with how many bade Plaid send again."""
    section = f"A webhook's answer, on {database}"
    numbers = count()
    with _key_service() as keys, world(database, **_settings(keys)) as place:
        known: Answers = []
        strange: Answers = []
        for _ in range(
            1 if quick else 5
        ):  # a process looks up few strange keys before it takes them for a flood
            with gunicorn(place, "app:create_app()") as served:
                sender = _Sender(served.port, keys, numbers)
                keys.pause = LATENCY_S
                strange += [sender.send(f"strange-{next(numbers)}") for _ in range(STRANGE)]
                known += sender.send_known(50 if quick else 200)
        with gunicorn(place, "app:create_app()") as served:
            sender = _Sender(served.port, keys, numbers)
            keys.pause = HANG_S
            hanging = sender.send_together(16 if quick else 96)
    yield from _figures(section, "key known", known, {200})
    yield from _figures(section, f"key looked up in {LATENCY_S * 1000:.0f} ms", strange, {200, 503})
    yield from _figures(section, "key service hangs", hanging, {503})


def _settings(keys: _Keys) -> dict[str, str]:
    return {
        "PLAID_BASE_URL": f"http://127.0.0.1:{keys.server_port}",
        "PLAID_WEBHOOK_URL": "https://cashview.example/webhooks/plaid",
        "LOG_LEVEL": "ERROR",  # it warns of every key that cannot be had
    }


class _Sender:
    """Posts signed webhooks of an Item that nobody knows, each its own."""

    def __init__(self, port: int, keys: _Keys, numbers: Iterator[int]) -> None:
        self._port, self._keys, self._numbers = port, keys, numbers

    def send(self, key_id: str) -> Answer:
        news = {"webhook_type": "ITEM", "webhook_code": "LOGIN_REPAIRED", "environment": "sandbox"}
        body = json.dumps({**news, "item_id": f"item-{next(self._numbers)}"}, indent=2).encode()
        headers = {"Content-Type": "application/json", "Plaid-Verification": self._keys.sign(body, key_id)}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        begun = time.perf_counter()
        try:
            connection.request("POST", "/webhooks/plaid", body, headers)
            status = connection.getresponse().status
            return status, (time.perf_counter() - begun) * 1000
        finally:
            connection.close()

    def send_known(self, times: int) -> Answers:
        """With a key that every process has looked up by now."""
        deadline = time.monotonic() + KNOWN_SECONDS
        while any(status != 200 for status, _ in [self.send("known") for _ in range(20)]):
            if time.monotonic() > deadline:
                raise RuntimeError("a key that was looked up is still not known")
            time.sleep(1)
        return [self.send("known") for _ in range(times)]

    def send_together(self, times: int) -> Answers:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda _: self.send("known"), range(times)))


def _figures(section: str, name: str, answers: Answers, wanted: set[int]) -> Iterator[Figure]:
    """RuntimeError when one was answered with another status: then it is something else that was measured."""
    statuses = Counter(status for status, _ in answers)
    if statuses.keys() - wanted:
        raise RuntimeError(f"{name}: answered {dict(statuses)}")
    times = sorted(taken for _, taken in answers)
    note = f"{len(answers)} webhooks, {statuses[503]} of them bidden to come again"
    yield Figure(section, f"{name}, p50", percentile(times, 0.5), " ms")
    yield Figure(section, f"{name}, p99", percentile(times, 0.99), " ms", Budget(MOST_MS), note)
