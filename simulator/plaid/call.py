"""One call of Plaid's API: keys, version, body, answer and errors, the same for every endpoint."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from simulator.errors import PlaidError
from simulator.plaid import faults
from simulator.plaid.fields import Fields
from simulator.records import Item
from simulator.state import State
from simulator.switches import FAULTS, Target
from simulator.tokens import request_id

VERSIONS = frozenset({"2020-09-14"})
"""The version whose shapes are spoken here; without a header it is taken for granted, as it is a client's default."""

View = Callable[["Call"], "dict[str, Any] | str"]


@dataclass(frozen=True)
class Keys:
    """What a client has to send; the secret says which environment it means."""

    client_id: str
    sandbox: str
    production: str

    def environment(self, client_id: str, secret: str) -> str | None:
        """`sandbox` or `production`; None when the keys are wrong."""
        if not _same(client_id, self.client_id):
            return None
        if _same(secret, self.sandbox):
            return "sandbox"
        return "production" if _same(secret, self.production) else None


def _same(given: str, kept: str) -> bool:
    return hmac.compare_digest(given.encode(), kept.encode())


@dataclass(frozen=True)
class Call:
    """What an endpoint works on. `fields` is the body without the keys."""

    state: State
    environment: str
    fields: Fields
    target: Target

    def item(self) -> Item:
        """The Item of the call's access_token, whatever state it is in."""
        return self.state.item(self.environment, self.fields.text("access_token"))

    def error_code(self, item: Item) -> str | None:
        """The error an Item is in: its own, or one that a switch puts it into."""
        return item.error_code or self.state.switches.error_code("ITEM_ERROR", self.target)

    def healthy_item(self) -> Item:
        """The Item of the call's access_token; PlaidError when it is in an error state."""
        item = self.item()
        if item.error_code:
            raise PlaidError(item.error_code)
        return item


class Endpoints:
    """Collects endpoints in a blueprint. An endpoint's view gives a JSON object, or one written out already but for
    its last brace.
    """

    def __init__(self, state: State, keys: Keys) -> None:
        self.blueprint = Blueprint("plaid", __name__)
        self._state, self._keys = state, keys

    def add(
        self,
        path: str,
        view: View,
        *,
        required: Collection[str],
        optional: Collection[str] = (),
        sandbox_only: bool = False,
    ) -> None:
        """A POST endpoint with the top-level fields that it knows."""

        def answer() -> Response:
            with _errors() as caught:
                sent = _body()
                target = self._target(sent)
                time.sleep(self._state.switches.delay(path, target))
                environment, body = self._authorised(sent)
                fault = self._state.switches.take(FAULTS, path, target)
                if fault and not faults.comes_after(fault):
                    return faults.meet(fault, None)
                if sandbox_only and environment != "sandbox":
                    raise PlaidError(
                        "SANDBOX_ONLY", f"access to {path} is only available in the sandbox environment"
                    )
                fields = Fields(body)
                fields.check(required, optional)
                answer = _success(view(Call(self._state, environment, fields, target)))
                return faults.meet(fault, answer) if fault else answer
            return _failure(caught[0])

        self.blueprint.add_url_rule(path, path.strip("/").replace("/", "_"), answer, methods=["POST"])

    def _target(self, body: dict[str, Any]) -> Target:
        institution_id, item_id = self._state.owner(body.get("access_token"), body.get("public_token"))
        named = body.get("institution_id")
        return Target(institution_id or (named if isinstance(named, str) else None), item_id)

    def _authorised(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The environment of the keys, which come as headers or in the body, and the rest of the body."""
        version = request.headers.get("Plaid-Version")
        if version is not None and version not in VERSIONS:
            raise PlaidError("INVALID_HEADERS", f"the Plaid-Version header is invalid: {version[:20]}")
        rest = {key: value for key, value in body.items() if key not in {"client_id", "secret"}}
        client_id = request.headers.get("PLAID-CLIENT-ID") or body.get("client_id")
        secret = request.headers.get("PLAID-SECRET") or body.get("secret")
        missing = [name for name, value in (("client_id", client_id), ("secret", secret)) if not value]
        if missing:
            raise PlaidError(
                "MISSING_FIELDS", f"the following required fields are missing: {', '.join(missing)}"
            )
        environment = self._keys.environment(str(client_id), str(secret))
        if environment is None:
            raise PlaidError("INVALID_API_KEYS")
        return environment, rest


@contextmanager
def _errors() -> Iterator[list[PlaidError]]:
    """Catches the PlaidError that ends a call."""
    caught: list[PlaidError] = []
    try:
        yield caught
    except PlaidError as error:
        caught.append(error)


def _body() -> dict[str, Any]:
    try:
        body = json.loads(request.get_data(cache=False) or b"", parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise PlaidError("INVALID_BODY") from None
    if not isinstance(body, dict):
        raise PlaidError("INVALID_BODY", "body must be a JSON object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _success(answer: dict[str, Any] | str) -> Response:
    opened = answer if isinstance(answer, str) else dumps(answer)[:-1]
    comma = "" if opened == "{" else ","
    return Response(f'{opened}{comma}"request_id":"{request_id()}"}}', mimetype="application/json")


def _failure(error: PlaidError) -> Response:
    body = error.kind.body(error.message) | {"request_id": request_id()}
    return Response(dumps(body), error.kind.status, mimetype="application/json")


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
