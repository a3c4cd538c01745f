"""POST /webhooks/plaid: what is answered to whom, and that nothing but a row is written meanwhile."""

from __future__ import annotations

import json

import pytest

import background
from extensions import db
from models import UserSession, WebhookReceipt
from tests.support.plaid_hooks import Signer, news, raw
from tests.support.scripted_plaid import failure
from tests.views.test_json_rules import is_error

PATH = "/webhooks/plaid"
KEYS = "/webhook_verification_key/get"


@pytest.fixture
def signer(bank, monkeypatch) -> Signer:
    """The vendor's key, for which a busy machine may take its time."""
    monkeypatch.setattr("providers.plaid_keys.PATIENCE", 10)
    signer = Signer()
    bank.always(KEYS, {"key": signer.jwk()})
    return signer


class Tasks:
    """An engine that remembers what was enqueued."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, dict[str, int]]] = []

    def submit(self, name: str, ids: dict[str, int], delay: float) -> None:
        self.tasks.append((name, ids))


@pytest.fixture
def tasks(linked_app):
    engine = Tasks()
    background.use(engine)
    yield engine.tasks
    background.use(None)


@pytest.fixture
def post(linked_app, tasks):
    def send(body: bytes, signature: str | None, kind: str = "application/json", **headers: str):
        named = {**headers, **({} if signature is None else {"Plaid-Verification": signature})}
        return linked_app.test_client().post(PATH, data=body, content_type=kind, headers=named)

    return send


def receipts() -> list[tuple[str, str | None]]:
    return [(row.webhook_code, row.item_id) for row in db.session.query(WebhookReceipt)]


def test_what_plaid_signed_is_kept_and_a_worker_woken(post, signer, rows, tasks, bank):
    body = raw(news("LOGIN_REPAIRED"))
    answer = post(body, signer.sign(body))
    assert (answer.status_code, answer.json) == (200, {"status": "received"})
    ((code, item_id),) = rows(receipts)
    assert (code, item_id) == ("LOGIN_REPAIRED", "item-1")
    receipt_id = rows(lambda: db.session.query(WebhookReceipt).one().id)
    assert tasks == [("webhook", {"receipt_id": receipt_id})]
    assert [path for path, _ in bank.requests] == [KEYS]


def test_a_content_type_with_a_charset_and_any_accept_are_fine(post, signer):
    body = raw(news("LOGIN_REPAIRED"))
    for accept in ("*/*", "text/html", ""):
        kind = "application/json; charset=utf-8"
        assert post(body, signer.sign(body), kind, Accept=accept).status_code == 200


def test_the_same_one_again_is_200_and_one_row(post, signer, rows, tasks):
    body = raw(news("LOGIN_REPAIRED"))
    signature = signer.sign(body)
    assert [post(body, signature).status_code for _ in range(3)] == [200] * 3
    assert len(rows(receipts)) == len(tasks) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 9000])
@pytest.mark.parametrize("signed", [True, False])
def test_what_is_no_json_object_is_400(post, signer, rows, body, signed):
    answer = post(body, signer.sign(body) if signed else None)
    assert is_error(answer, 400, "bad_input")
    assert rows(receipts) == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/html", ""])
def test_another_content_type_is_400(post, signer, rows, kind):
    body = raw(news("LOGIN_REPAIRED"))
    assert is_error(post(body, signer.sign(body), kind), 400, "bad_input")
    assert rows(receipts) == []


def test_a_bad_or_missing_signature_is_403(post, signer, rows, tasks):
    body = raw(news("LOGIN_REPAIRED"))
    for signature in (
        None,
        "",
        "x",
        Signer().sign(body),
        signer.sign(body + b" "),
        signer.sign(body, age=400),
        signer.sign(body, age=-60),
    ):
        assert is_error(post(body, signature), 403, "bad_signature")
    assert (rows(receipts), tasks) == ([], [])


def test_an_empty_object_without_a_signature_is_403(post):
    assert is_error(post(b"{}", None), 403, "bad_signature")


def test_an_oversized_one_is_413_before_its_signature_is_looked_at(post, signer, rows, bank):
    body = json.dumps(news("LOGIN_REPAIRED") | {"filler": "x" * 300_000}).encode()
    assert is_error(post(body, signer.sign(body)), 413, "too_large")
    assert (rows(receipts), bank.asked(KEYS)) == ([], [])


@pytest.mark.parametrize("answer", [failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500), (502, b"<html>")])
def test_a_vendor_that_gives_no_key_is_503_so_that_it_sends_again(post, signer, rows, bank, answer):
    bank.always(KEYS, answer)
    body = raw(news("LOGIN_REPAIRED"))
    assert is_error(post(body, signer.sign(body)), 503, "vendor_unavailable")
    assert rows(receipts) == []


def test_a_database_that_is_away_is_503(post, signer, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def away(*_args: object) -> None:
        raise OperationalError("INSERT", {}, Exception("no route"))

    monkeypatch.setattr("services.webhook_receipts._keep", away)
    body = raw(news("LOGIN_REPAIRED"))
    assert is_error(post(body, signer.sign(body)), 503, "unavailable")


@pytest.mark.parametrize(
    "type_, code", [("ITEM", "NEWS_OF_2031"), ("NEW_TYPE", "X"), (7, None), ("", "\x00")]
)
def test_what_nobody_knows_yet_is_kept_too(post, signer, rows, type_, code):
    body = raw(news("", item_id=7) | {"webhook_type": type_, "webhook_code": code})  # type: ignore[arg-type]
    assert post(body, signer.sign(body)).status_code == 200
    assert len(rows(receipts)) == 1


def test_a_session_is_neither_needed_nor_made(post, signer, rows):
    body = raw(news("LOGIN_REPAIRED"))
    post(body, signer.sign(body))
    assert rows(lambda: db.session.query(UserSession).count()) == 0


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH"])
def test_it_only_takes_posts(linked_app, verb):
    answer = linked_app.test_client().open(PATH, method=verb)
    assert answer.status_code in (400, 405)
