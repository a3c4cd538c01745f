"""A bank vendor that says exactly what a test tells it to, over real HTTP, in Plaid's words.

For what the simulator does not do on command: a page that fails, a row that changes between two calls,
an answer that is not JSON. The unmodified plaid-python client talks to it.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Answer = dict[str, Any] | tuple[int, Any] | Callable[[dict[str, Any]], Any]

ITEM = {
    "item_id": "item-1",
    "institution_id": "ins_1",
    "institution_name": "Bank of Tests",
    "webhook": None,
    "error": None,
    "available_products": [],
    "billed_products": ["transactions"],
    "consent_expiration_time": None,
    "update_type": "background",
}


class ScriptedPlaid:
    """Answers per path: queued ones first, in order, then the standing one. `requests` keeps what was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._queued: dict[str, deque[Answer]] = defaultdict(deque)
        self._standing: dict[str, Answer] = {}
        self._lock = threading.Lock()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length) or b"{}")
                status, payload = script._answer(self.path, body)
                data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
                head = f"HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nContent-Length: {len(data)}"
                self.wfile.write(head.encode() + b"\r\n\r\n" + data)

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self.always("/item/get", {"item": ITEM, "status": None})
        self.always("/item/remove", {})
        self.always(
            "/institutions/get_by_id", {"institution": {"institution_id": "ins_1", "name": "Bank of Tests"}}
        )
        self.always("/accounts/get", {"accounts": [], "item": ITEM})
        self.always("/transactions/sync", page(cursor="c1"))

    def always(self, path: str, answer: Answer) -> None:
        """The standing answer: a body (200), (status, body or bytes), or a function of the request's body."""
        self._standing[path] = answer

    def next(self, path: str, *answers: Answer) -> None:
        """Answers for the next requests to this path, in order, before the standing one."""
        self._queued[path].extend(answers)

    def asked(self, path: str) -> list[dict[str, Any]]:
        """The bodies of all requests to this path so far."""
        return [body for asked, body in self.requests if asked == path]

    def _answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        with self._lock:
            self.requests.append((path, body))
            queue = self._queued[path]
            answer = (
                queue.popleft() if queue else self._standing.get(path, (404, {"error_code": "NOT_FOUND"}))
            )
        if callable(answer):
            answer = answer(body)
        status, payload = answer if isinstance(answer, tuple) else (200, answer)
        if isinstance(payload, dict):
            payload = {"request_id": "scripted", **payload}
        return status, payload

    def __enter__(self) -> ScriptedPlaid:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def failure(code: str, error_type: str = "ITEM_ERROR", status: int = 400) -> tuple[int, dict[str, Any]]:
    """Plaid's error envelope."""
    return status, {
        "error_type": error_type,
        "error_code": code,
        "error_message": "scripted",
        "display_message": None,
        "documentation_url": "",
        "suggested_action": None,
    }


def account(account_id: str = "a1", **changes: Any) -> dict[str, Any]:
    """A checking account with 100 available and 110 current, in USD; change top-level keys or balances."""
    balances = {
        "available": 100,
        "current": 110,
        "limit": None,
        "iso_currency_code": "USD",
        "unofficial_currency_code": None,
    }
    balances |= {key: changes.pop(key) for key in list(changes) if key in balances}
    base = {
        "account_id": account_id,
        "balances": balances,
        "mask": "0000",
        "name": "Checking",
        "official_name": None,
        "type": "depository",
        "subtype": "checking",
    }
    return {**base, **changes}


def accounts(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"accounts": list(rows), "item": ITEM}


def transaction(transaction_id: str, amount: Any = 10, **changes: Any) -> dict[str, Any]:
    """A posted purchase in November 2026 on account a1."""
    base = {
        "transaction_id": transaction_id,
        "account_id": "a1",
        "pending_transaction_id": None,
        "amount": amount,
        "iso_currency_code": "USD",
        "unofficial_currency_code": None,
        "date": "2026-11-10",
        "authorized_date": None,
        "name": "Shop",
        "merchant_name": None,
        "pending": False,
        "personal_finance_category": {"primary": "FOOD_AND_DRINK", "detailed": "FOOD_AND_DRINK_GROCERIES"},
    }
    return {**base, **changes}


def page(
    added: list[dict[str, Any]] | None = None,
    *,
    modified: list[dict[str, Any]] | None = None,
    removed: list[str] | None = None,
    cursor: str,
    more: bool = False,
    status: str = "HISTORICAL_UPDATE_COMPLETE",
    accounts: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """One page of /transactions/sync."""
    return {
        "accounts": accounts or [],
        "added": added or [],
        "modified": modified or [],
        "removed": [{"transaction_id": key, "account_id": "a1"} for key in removed or []],
        "next_cursor": cursor,
        "has_more": more,
        "transactions_update_status": status,
    }


NOT_READY = page(cursor="", status="NOT_READY")
