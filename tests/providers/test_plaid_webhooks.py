"""Is a webhook Plaid's? Every way of forging one, and how often the vendor is asked about keys."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest

from providers.base import ForgedWebhookError, MalformedWebhookError, ProviderError
from providers.plaid_keys import (
    AWAY_SECONDS,
    BUDGET,
    BUDGET_SECONDS,
    KEY_SECONDS,
    MOST_UNKNOWN,
    PATIENCE,
    UNKNOWN_SECONDS,
)
from providers.plaid_webhooks import PlaidWebhooks
from tests.support.banks import banks_at
from tests.support.plaid_hooks import Signer, news, raw
from tests.support.scripted_plaid import ScriptedPlaid, failure

KEYS = "/webhook_verification_key/get"
UNKNOWN = failure("INVALID_WEBHOOK_VERIFICATION_KEY_ID", "INVALID_INPUT")
BODY = raw(news("LOGIN_REPAIRED"))


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def vendor(signer: Signer) -> Iterator[ScriptedPlaid]:
    """Knows the signer's key and no other."""
    with ScriptedPlaid() as server:
        server.always(
            KEYS, lambda body: {"key": signer.jwk()} if body["key_id"] == signer.key_id else UNKNOWN
        )
        yield server


@pytest.fixture
def read(vendor: ScriptedPlaid, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> PlaidWebhooks:
    monkeypatch.setattr("providers.plaid_keys.PATIENCE", 10)  # a busy machine may take its time
    return PlaidWebhooks(banks_at(vendor.url), monotonic=clock)


def forged(read: PlaidWebhooks, body: bytes, signature: str) -> str:
    with pytest.raises(ForgedWebhookError) as refused:
        read(body, signature)
    return str(refused.value)


def test_what_plaid_signed_is_read(read, signer):
    body = raw(news("ERROR", error={"error_type": "ITEM_ERROR", "error_code": "ITEM_LOGIN_REQUIRED"}))
    hook = read(body, signer.sign(body))
    assert (hook.webhook_type, hook.webhook_code, hook.environment, hook.item_id) == (
        "ITEM", "ERROR", "sandbox", "item-1",
    )  # fmt: skip
    assert hook.detail.pop("sent_at").isdigit()
    assert hook.detail == {"error_code": "ITEM_LOGIN_REQUIRED", "error_kind": "login"}


@pytest.mark.parametrize("indent", [None, 2, 4])
def test_the_signature_is_of_the_bytes_as_they_came(read, signer, indent):
    body = raw(news("LOGIN_REPAIRED"), indent)
    assert read(body, signer.sign(body)).webhook_code == "LOGIN_REPAIRED"
    for other in (None, 2, 4):
        if other != indent:
            assert forged(read, raw(news("LOGIN_REPAIRED"), other), signer.sign(body)) == "another body"


def test_a_changed_body_is_refused(read, signer):
    assert forged(read, BODY.replace(b"item-1", b"item-2"), signer.sign(BODY)) == "another body"
    assert forged(read, BODY + b"\n", signer.sign(BODY)) == "another body"


@pytest.mark.parametrize("claimed", [None, "", "0" * 64, 7, ["a"], "é", "\ud800"])
def test_a_hash_that_is_none_is_refused(read, signer, claimed):
    assert forged(read, BODY, signer.sign(BODY, request_body_sha256=claimed)) == "another body"


@pytest.mark.parametrize("age", [0, 295, -29])
def test_five_minutes_are_young_enough(read, signer, age):
    assert read(BODY, signer.sign(BODY, age=age)).webhook_code == "LOGIN_REPAIRED"


@pytest.mark.parametrize("age", [302, 3600, -35, -3600])
def test_old_ones_and_those_of_the_future_are_refused(read, signer, age):
    assert forged(read, BODY, signer.sign(BODY, age=age)) == "not of now"


@pytest.mark.parametrize("issued_at", [None, "now", True, [], {}])
def test_without_a_time_it_is_refused(read, signer, issued_at):
    forged(read, BODY, signer.sign(BODY, iat=issued_at))


def unsigned(header: dict[str, Any]) -> str:
    claims = {"iat": 0, "request_body_sha256": hashlib.sha256(BODY).hexdigest()}
    parts = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)
    )
    return ".".join(parts) + "."


@pytest.mark.parametrize(
    "signature",
    [
        "", "x", "a.b.c", "..", "é.é.é", "\x00", "a" * 5000,
        unsigned({"alg": "none", "kid": "key-of-tests"}), unsigned({"alg": "None", "kid": "key-of-tests"}),
        unsigned({"alg": "ES256", "kid": "key-of-tests"}), unsigned({"alg": "ES256"}),
        unsigned({"alg": "ES256", "kid": 7}), unsigned({"alg": "ES256", "kid": ""}),
        unsigned({"alg": "ES256", "kid": "a\nb"}), unsigned({"alg": "ES256", "kid": "k" * 129}),
        unsigned({"alg": ["ES256"], "kid": "key-of-tests"}),
    ],
)  # fmt: skip
def test_what_is_not_signed_is_refused(read, signature):
    forged(read, BODY, signature)


def test_another_algorithm_is_refused_before_any_key_is_looked_up(read, vendor, signer):
    public = signer.jwk()["x"] * 2
    claims = jwt.decode(signer.sign(BODY), options={"verify_signature": False})
    for algorithm in ("HS256", "HS512"):
        signature = jwt.encode(claims, public, algorithm, headers={"kid": signer.key_id})
        assert forged(read, BODY, signature) == "not signed as documented"
    assert vendor.asked(KEYS) == []


def test_another_key_under_the_same_name_is_refused(read):
    assert forged(read, BODY, Signer().sign(BODY)) == "wrong signature"


def test_a_signature_of_other_claims_is_refused(read, signer):
    head, _, end = signer.sign(BODY).split(".")
    other = signer.sign(BODY, request_body_sha256="0" * 64).split(".")[1]
    assert forged(read, BODY, f"{head}.{other}.{end}") == "wrong signature"


@pytest.mark.parametrize("environment", [None, 7, "development", "", ["sandbox"], "https://evil.example"])
def test_only_environments_of_ours_are_asked(read, vendor, signer, environment):
    body = raw(news("LOGIN_REPAIRED") | {"environment": environment})
    forged(read, body, signer.sign(body))
    assert vendor.asked(KEYS) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b"\xff", b"[" * 50_000])
def test_what_is_no_json_object_is_malformed(read, signer, body):
    with pytest.raises(MalformedWebhookError):
        read(body, signer.sign(body))


def test_the_same_one_again_has_the_same_hash_however_its_signature_is_spelled(read, signer):
    signature = signer.sign(BODY)
    first = read(BODY, signature).signature_hash
    assert read(BODY, signature).signature_hash == first
    assert read(BODY, signer.sign(BODY, age=60)).signature_hash != first
    signed, _, end = signature.rpartition(".")
    numbers = base64.urlsafe_b64decode(end + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    mirrored = (order - int.from_bytes(numbers[32:])).to_bytes(32)
    twin = base64.urlsafe_b64encode(numbers[:32] + mirrored).rstrip(b"=").decode()
    assert read(BODY, f"{signed}.{twin}").signature_hash == first


def test_detail_keeps_only_what_fits(read, signer):
    body = raw(
        news(
            "X" * 80,
            "Y" * 80,
            disconnect_time="2026-12-01T00:00:00-05:00",
            account_id="a" * 129,
            new_webhook_url="u" * 513,
            error="no object",
        )
    )
    hook = read(body, signer.sign(body))
    assert (len(hook.webhook_type), len(hook.webhook_code)) == (64, 64)
    assert {**hook.detail, "sent_at": ""} == {"ends_at": "2026-12-01T05:00:00+00:00", "sent_at": ""}


# Keys


def test_a_key_is_looked_up_once_and_again_after_a_day(read, vendor, signer, clock):
    for _ in range(5):
        read(BODY, signer.sign(BODY))
    assert vendor.asked(KEYS) == [{"key_id": signer.key_id}]
    clock.now += KEY_SECONDS + 1
    read(BODY, signer.sign(BODY))
    assert len(vendor.asked(KEYS)) == 2


def test_a_key_that_has_ended_is_refused(read, vendor, signer, clock):
    read(BODY, signer.sign(BODY))
    vendor.always(KEYS, {"key": signer.jwk(expired_at=1_700_000_000)})
    clock.now += KEY_SECONDS + 1
    for _ in range(3):
        assert forged(read, BODY, signer.sign(BODY)) == "no living key"
    assert len(vendor.asked(KEYS)) == 2


def test_an_unknown_key_is_not_asked_about_again_for_a_while(read, vendor, clock):
    stranger = Signer("stranger")
    for _ in range(5):
        assert forged(read, BODY, stranger.sign(BODY)) == "no living key"
    assert len(vendor.asked(KEYS)) == 1
    clock.now += UNKNOWN_SECONDS + 1
    forged(read, BODY, stranger.sign(BODY))
    assert len(vendor.asked(KEYS)) == 2


def flood(read: PlaidWebhooks, count: int, name: str = "flood") -> set[str]:
    stranger = Signer()
    reasons = set()
    for number in range(count):
        stranger.key_id = f"{name}-{number}"
        reasons.add(forged(read, BODY, stranger.sign(BODY)))
    return reasons


def test_a_flood_of_made_up_keys_asks_the_vendor_few_times_and_stops_nobody_known(
    read, vendor, signer, clock
):
    read(BODY, signer.sign(BODY))
    assert flood(read, 200) == {"no living key", "too many unknown keys"}
    assert len(vendor.asked(KEYS)) == BUDGET
    clock.now += 3 * BUDGET_SECONDS
    flood(read, 50, "later")
    assert len(vendor.asked(KEYS)) == BUDGET + 3
    assert read(BODY, signer.sign(BODY)).webhook_code == "LOGIN_REPAIRED"
    clock.now += KEY_SECONDS
    flood(read, 50, "much-later")
    assert read(BODY, signer.sign(BODY)).webhook_code == "LOGIN_REPAIRED", (
        "a known key's look-up is not theirs to use up"
    )


def test_what_is_remembered_of_strangers_is_bounded(read, clock):
    stranger = Signer()
    for number in range(MOST_UNKNOWN + 20):
        stranger.key_id = f"kid-{number}"
        clock.now += BUDGET_SECONDS
        if number % 100 == 0 or number > MOST_UNKNOWN:
            forged(read, BODY, stranger.sign(BODY))
        else:
            read._keys._remember(("sandbox", stranger.key_id), None)
    assert len(read._keys._unknown) == MOST_UNKNOWN


@pytest.mark.parametrize(
    "answer", [failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500), (200, b"<html>"), (200, {"key": {}})]
)
def test_a_vendor_that_fails_is_said_and_left_in_peace_for_some_seconds(read, vendor, signer, clock, answer):
    vendor.next(KEYS, answer)
    for _ in range(4):
        with pytest.raises(ProviderError):
            read(BODY, signer.sign(BODY))
    assert len(vendor.asked(KEYS)) == 1
    clock.now += AWAY_SECONDS + 0.1
    assert read(BODY, signer.sign(BODY)).webhook_code == "LOGIN_REPAIRED"


@pytest.mark.parametrize(
    "changes", [{"crv": "P-384"}, {"alg": "RS256"}, {"kty": "oct"}, {"x": "eA"}, {"y": None}]
)
def test_a_key_of_another_kind_is_the_vendors_failure(read, vendor, signer, changes):
    vendor.always(KEYS, {"key": signer.jwk(**changes)})
    with pytest.raises(ProviderError):
        read(BODY, signer.sign(BODY))


def test_webhooks_that_come_together_share_one_look_up(read, vendor, signer):
    together = threading.Barrier(6)
    seen = []

    def one() -> None:
        together.wait(10)
        seen.append(read(BODY, signer.sign(BODY)).webhook_code)

    _at_once(one, 6)
    assert seen == ["LOGIN_REPAIRED"] * 6
    assert len(vendor.asked(KEYS)) == 1


@pytest.fixture
def slow(vendor: ScriptedPlaid, signer: Signer) -> Iterator[threading.Event]:
    """The vendor answers when the event is set."""
    answering = threading.Event()

    def answer(_body: dict[str, Any]) -> dict[str, Any]:
        answering.wait(10)
        return {"key": signer.jwk()}

    vendor.always(KEYS, answer)
    yield answering
    answering.set()


def late(read: PlaidWebhooks, signer: Signer) -> float:
    """The seconds until it was said that there is no key just now."""
    begun = time.monotonic()
    with pytest.raises(ProviderError, match="KEY_LOOK_UP_LATE"):
        read(BODY, signer.sign(BODY))
    return time.monotonic() - begun


def test_nobody_waits_long_for_a_vendor_that_is_slow_and_the_key_is_kept_when_it_comes(
    read, vendor, signer, slow, monkeypatch
):
    monkeypatch.undo()
    assert PATIENCE <= late(read, signer) < 1
    assert late(read, Signer("another")) < PATIENCE / 2, "while it does not answer, nobody else waits or asks"
    slow.set()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(ProviderError):
            assert read(BODY, signer.sign(BODY)).webhook_code == "LOGIN_REPAIRED"
            break
        time.sleep(0.01)
    else:
        pytest.fail("the look-up went on, and its key is not here")
    assert len(vendor.asked(KEYS)) == 1


def test_those_who_come_while_a_slow_look_up_runs_share_it_and_wait_no_longer(
    read, vendor, signer, slow, monkeypatch
):
    monkeypatch.undo()
    waited: list[float] = []
    _at_once(lambda: waited.append(late(read, signer)), 6)
    assert len(waited) == 6
    assert max(waited) < 1
    slow.set()
    assert len(vendor.asked(KEYS)) == 1


def test_after_some_seconds_a_look_up_that_still_runs_is_joined_and_not_doubled(
    read, vendor, signer, slow, clock, monkeypatch
):
    monkeypatch.undo()
    late(read, signer)
    clock.now += AWAY_SECONDS + 0.1
    assert late(read, signer) >= PATIENCE
    assert len(vendor.asked(KEYS)) == 1


def _at_once(work: Callable[[], None], times: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
