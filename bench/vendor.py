"""A bank vendor that costs next to nothing: canned answers, each 100 ms after its question, over real HTTP.

`python -m bench.vendor PORT LATENCY_MS ACCOUNTS ROWS`. The simulator keeps books for every Item and takes a third of
a core for what the job asks at full speed (bench/simulated.py measures it); on two cores that would be measured too.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

ITEM = {
    "item_id": "item",
    "institution_id": "ins_1",
    "institution_name": "First Bank",
    "webhook": None,
    "error": None,
    "available_products": [],
    "billed_products": ["transactions"],
    "consent_expiration_time": None,
    "update_type": "background",
}


def answers(accounts: int, rows: int) -> dict[bytes, dict[str, Any]]:
    """The body to each path: so many accounts, and a sync page of so many new rows."""
    listed = [_account(index) for index in range(accounts)]
    page = {
        "accounts": listed,
        "added": [_transaction(number, number % accounts) for number in range(rows)],
        "modified": [],
        "removed": [{"transaction_id": "gone-1", "account_id": "account-0"}],
        "next_cursor": "c1",
        "has_more": False,
        "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE",
    }
    return {b"/accounts/get": {"accounts": listed, "item": ITEM}, b"/transactions/sync": page}


def _account(index: int) -> dict[str, Any]:
    kind, subtype = (("depository", "checking"), ("credit", "credit card"), ("loan", "student"))[index % 3]
    return {
        "account_id": f"account-{index}",
        "persistent_account_id": f"persistent-{index}",
        "name": f"Everyday {subtype} {index}",
        "official_name": f"Official name of {subtype} {index}",
        "mask": f"{index:04d}",
        "type": kind,
        "subtype": subtype,
        "balances": {
            "available": 1184.22 + index,
            "current": 1204.91 + index,
            "limit": 3000 if kind == "credit" else None,
            "iso_currency_code": "USD",
            "unofficial_currency_code": None,
        },
        "holder_category": "personal",
    }


def _transaction(number: int, account: int) -> dict[str, Any]:
    day = (datetime.now(UTC).date() - timedelta(days=number % 30)).isoformat()
    return {
        "transaction_id": f"transaction-{number}",
        "account_id": f"account-{account}",
        "pending_transaction_id": None,
        "amount": 12.34 + number,
        "iso_currency_code": "USD",
        "unofficial_currency_code": None,
        "date": day,
        "authorized_date": day,
        "name": f"Shop number {number}",
        "merchant_name": f"Merchant {number}",
        "pending": number % 5 == 0,
        "payment_channel": "in store",
        "location": {"address": None, "city": None, "country": None, "lat": None, "lon": None},
        "personal_finance_category": {
            "primary": "FOOD_AND_DRINK",
            "detailed": "FOOD_AND_DRINK_GROCERIES",
            "confidence_level": "HIGH",
        },
        "counterparties": [{"name": f"Merchant {number}", "type": "merchant", "confidence_level": "LOW"}],
    }


class Vendor:
    """Answers what the job asks; GET /spent says how many calls that were and the CPU seconds they took."""

    def __init__(self, latency: float, bodies: dict[bytes, dict[str, Any]]) -> None:
        self._latency = latency
        self._bodies = {
            path: _response(json.dumps({"request_id": "bench", **body}).encode())
            for path, body in bodies.items()
        }
        self._calls = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection until it closes."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                if length:
                    await reader.readexactly(int(length))
                path = head.split(b" ", 2)[1]
                if path in self._bodies:
                    self._calls += 1
                    await asyncio.sleep(self._latency)
                writer.write(self._bodies.get(path) or self._spent())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _spent(self) -> bytes:
        return _response(json.dumps({"calls": self._calls, "cpu": time.process_time()}).encode())


def _response(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _main(port: int, latency_ms: int, accounts: int, rows: int) -> None:
    vendor = Vendor(latency_ms / 1000, answers(accounts, rows))
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(*(int(argument) for argument in sys.argv[1:5])))
