"""What the simulator's tests share: raw calls of its API, and a client that keeps a ledger of transactions."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker

from tests.support.simulator import CLIENT_ID, REPOSITORY, SANDBOX_SECRET, SimulatorProcess

TODAY = "2026-11-20"
SPEC = (
    Path(os.environ.get("CASHVIEW_SPECS", REPOSITORY.parent / "shared" / "specs"))
    / "plaid-openapi-subset.json"
)
NO_SPEC = f"Plaid's OpenAPI description is not there ({SPEC.name}; CASHVIEW_SPECS names its directory)"


class Refused(Exception):
    """An answer that is no 200."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body.get('error_code')}: {body.get('error_message')}")
        self.status, self.body, self.code = status, body, body.get("error_code")


class Bank:
    """The simulator over plain HTTP."""

    def __init__(self, process: SimulatorProcess, secret: str = SANDBOX_SECRET) -> None:
        self.process, self.secret = process, secret

    def send(self, path: str, data: bytes, headers: dict[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(self.process.url + path, data=data, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read(), parse_float=Decimal)
        except urllib.error.HTTPError as refused:
            with refused:
                raise Refused(refused.code, json.loads(refused.read())) from None

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        headers = {
            "PLAID-CLIENT-ID": CLIENT_ID,
            "PLAID-SECRET": self.secret,
            "Plaid-Version": "2020-09-14",
            "Content-Type": "application/json",
        }
        return self.send(path, json.dumps(body, default=str).encode(), headers)

    def public_token(
        self,
        institution_id: str = "ins_109508",
        username: str = "user_good",
        password: str | dict[str, Any] = "pass_good",
        products: tuple[str, ...] = ("transactions",),
        **options: Any,
    ) -> str:
        if isinstance(password, dict):
            password = json.dumps(password, default=float)
        login = {"override_username": username, "override_password": password}
        return self.call(
            "/sandbox/public_token/create",
            institution_id=institution_id,
            initial_products=list(products),
            options=login | options,
        )["public_token"]

    def link(self, *args: Any, **options: Any) -> str:
        """The access token of a new Item."""
        public_token = self.public_token(*args, **options)
        return self.call("/item/public_token/exchange", public_token=public_token)["access_token"]

    def ready(self, *args: Any, days: int = 90, **options: Any) -> str:
        """The access token of a new Item whose transactions are there (the simulator must run with ready_ms=0)."""
        token = self.link(*args, **options)
        first = self.call("/transactions/sync", access_token=token, options={"days_requested": days})
        assert first["transactions_update_status"] == "NOT_READY"
        return token

    def accounts(self, token: str) -> dict[str, dict[str, Any]]:
        """Accounts by their ids."""
        return {
            each["account_id"]: each for each in self.call("/accounts/get", access_token=token)["accounts"]
        }


@dataclass
class Ledger:
    """A client of /transactions/sync that believes what it is told, and checks that it can be believed."""

    bank: Bank
    token: str
    count: int = 500
    cursor: str = ""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: list[dict[str, Any]] = field(default_factory=list)

    def sync(self, **options: Any) -> list[dict[str, Any]]:
        """Reads to the end. Added must be new; modified and removed must be known."""
        read: list[dict[str, Any]] = []
        more = True
        while more:
            asked: dict[str, Any] = {"cursor": self.cursor} if self.cursor else {}
            if options:
                asked["options"] = options
            page = self.bank.call("/transactions/sync", access_token=self.token, count=self.count, **asked)
            self._apply(page)
            read.append(page)
            self.cursor, more = page["next_cursor"], page["has_more"]
        self.pages += read
        return read

    def _apply(self, page: dict[str, Any]) -> None:
        for row in page["added"]:
            assert row["transaction_id"] not in self.rows, "added twice"
            self.rows[row["transaction_id"]] = row
        for row in page["modified"]:
            assert row["transaction_id"] in self.rows, "modified before it was added"
            self.rows[row["transaction_id"]] = row
        for row in page["removed"]:
            assert set(row) == {"transaction_id", "account_id"}
            gone = self.rows.pop(row["transaction_id"])
            assert gone["account_id"] == row["account_id"]


@lru_cache(maxsize=1)
def specification() -> dict[str, Any]:
    spec = json.loads(SPEC.read_text())
    for schema in spec["components"]["schemas"].values():
        # OpenAPI 3.0 wants null to be listed in the enum of a nullable schema; Plaid's forgets it (account subtypes).
        if schema.get("nullable") and "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return spec


def violations(path: str, answer: dict[str, Any], *, status: str = "200") -> list[str]:
    """What is wrong with an answer by Plaid's OpenAPI description, as sentences."""
    spec = specification()
    answers = spec["paths"][path]["post"]["responses"]
    schema = dict(answers[status]["content"]["application/json"]["schema"])
    validator = OAS30Validator(
        schema | {"components": spec["components"]}, format_checker=oas30_format_checker
    )
    plain = json.loads(json.dumps(answer, default=float))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(plain)]
