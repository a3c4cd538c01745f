"""Webhooks from the simulator, verified as Plaid's documentation says, and the endpoints around them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import jwt
import pytest
from openapi_schema_validator import OAS30Validator

from simulator.clock import Clock
from simulator.records import Item
from simulator.scenarios import accounts, play
from simulator.state import State
from tests.simulator.bank import NO_SPEC, SPEC, Bank, Ledger, Refused, specification, violations
from tests.simulator.controls import ask, lift_all, switch
from tests.simulator.receiver import Receiver
from tests.support.simulator import SimulatorProcess


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def verified(bank: Bank, signature: str, body: bytes) -> bool:
    kid = jwt.get_unverified_header(signature)["kid"]
    key = bank.call("/webhook_verification_key/get", key_id=kid)["key"]
    claims = jwt.decode(
        signature, jwt.PyJWK.from_dict(key), algorithms=["ES256"], options={"verify_iat": False}
    )
    return claims["request_body_sha256"] == hashlib.sha256(body).hexdigest()


def test_a_webhook_is_signed_and_the_key_can_be_had(bank, receiver):
    token = bank.link("ins_sim_cards")
    answer = bank.call("/item/webhook/update", access_token=token, webhook=receiver.url)
    assert answer["item"]["webhook"] == receiver.url
    hook, signature, body = receiver.next()
    assert hook["webhook_code"] == "WEBHOOK_UPDATE_ACKNOWLEDGED"
    assert hook["new_webhook_url"] == receiver.url
    assert verified(bank, signature, body)
    assert not verified(bank, signature, body + b" ")
    told = bank.call("/item/get", access_token=token)
    assert told["status"]["last_webhook"]["code_sent"] == "WEBHOOK_UPDATE_ACKNOWLEDGED"
    with pytest.raises(Refused) as refused:
        bank.call("/webhook_verification_key/get", key_id="unknown")
    assert refused.value.code == "INVALID_WEBHOOK_VERIFICATION_KEY_ID"


def test_the_key_outlives_a_kill():
    with SimulatorProcess() as first:
        bank = Bank(first)
        with Receiver() as running:
            bank.call("/item/webhook/update", access_token=bank.link("ins_sim_cards"), webhook=running.url)
            _, signature, body = running.next()
        first.kill()
        with SimulatorProcess(data_dir=first.data_dir) as later:
            assert verified(Bank(later), signature, body)


SCHEMAS = {
    ("TRANSACTIONS", "DEFAULT_UPDATE"): "DefaultUpdateWebhook",
    ("HOLDINGS", "DEFAULT_UPDATE"): "HoldingsDefaultUpdateWebhook",
    ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE"): "InvestmentsDefaultUpdateWebhook",
    ("LIABILITIES", "DEFAULT_UPDATE"): "LiabilitiesDefaultUpdateWebhook",
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): "SyncUpdatesAvailableWebhook",
    ("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"): "RecurringTransactionsUpdateWebhook",
    ("ITEM", "ERROR"): "ItemErrorWebhook",
    ("ITEM", "LOGIN_REPAIRED"): "ItemLoginRepairedWebhook",
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): "NewAccountsAvailableWebhook",
    ("ITEM", "PENDING_DISCONNECT"): "PendingDisconnectWebhook",
    ("ITEM", "USER_ACCOUNT_REVOKED"): "UserAccountRevokedWebhook",
    ("ITEM", "USER_PERMISSION_REVOKED"): "UserPermissionRevokedWebhook",
}


@pytest.mark.skipif(not SPEC.exists(), reason=NO_SPEC)
def test_every_webhook_that_can_be_fired_is_valid_by_plaids_openapi(bank, receiver):
    token = bank.link("ins_sim_family", webhook=receiver.url)
    components = specification()["components"]
    for (type_, code), name in SCHEMAS.items():
        asked = {"access_token": token, "webhook_type": type_, "webhook_code": code}
        assert bank.call("/sandbox/item/fire_webhook", **asked)["webhook_fired"] is True
        hook, _, _ = receiver.next()
        assert (hook["webhook_type"], hook["webhook_code"]) == (type_, code)
        validator = OAS30Validator(components["schemas"][name] | {"components": components})
        assert [error.message for error in validator.iter_errors(hook)] == [], name


@pytest.mark.parametrize(
    "asked", [{"webhook_code": "NONSENSE"}, {"webhook_code": "ERROR", "webhook_type": "HOLDINGS"}]
)
def test_an_unknown_webhook_is_refused(bank, receiver, asked):
    token = bank.link("ins_sim_cards", webhook=receiver.url)
    with pytest.raises(Refused) as refused:
        bank.call("/sandbox/item/fire_webhook", access_token=token, **asked)
    assert refused.value.code == "SANDBOX_WEBHOOK_INVALID"


def test_nothing_is_posted_elsewhere_and_nobody_waits_for_a_dead_receiver(bank, simulator_process):
    token = bank.link("ins_sim_cards")
    with pytest.raises(Refused) as refused:
        bank.call("/item/webhook/update", access_token=token, webhook="http://192.0.2.1/hook")
    assert refused.value.code == "INVALID_FIELD"
    outside = bank.link("ins_sim_cards", webhook="http://192.0.2.1/hook")
    assert bank.call("/sandbox/item/reset_login", access_token=outside)["reset_login"] is True
    newest = ask(simulator_process, "GET", "/webhooks")[1]["webhooks"][0]
    assert newest["outcome"] == "not an https or loopback address"


def test_a_reset_login_is_repaired_by_link_in_update_mode(bank, simulator_process, receiver):
    token = bank.ready("ins_sim_cards", webhook=receiver.url)
    assert come(receiver, 1) == ["SYNC_UPDATES_AVAILABLE"]
    assert bank.call("/sandbox/item/reset_login", access_token=token)["reset_login"] is True
    hook, _, _ = receiver.next()
    assert hook["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"
    assert bank.call("/item/get", access_token=token)["item"]["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"
    with pytest.raises(Refused, match="ITEM_LOGIN_REQUIRED"):
        bank.accounts(token)
    link = {"client_name": "A", "language": "en", "country_codes": ["US"], "user": {"client_user_id": "1"}}
    link_token = bank.call("/link/token/create", access_token=token, **link)["link_token"]
    session = ask(simulator_process, "POST", "/link/api/start", {"link_token": link_token})[1]["session"]
    for step, more in (
        ("select", {}),
        ("credentials", {"username": "user_good", "password": "pass_good"}),
    ):
        answer = ask(simulator_process, "POST", f"/link/api/{step}", {"session": session} | more)[1]
    chosen = {"session": session, "accounts": answer["accounts"]}
    assert ask(simulator_process, "POST", "/link/api/finish", chosen)[1]["step"] == "done"
    assert bank.accounts(token)
    told = bank.call("/link/token/get", link_token=link_token)
    assert told["link_sessions"][0]["results"]["item_add_results"] == []
    assert not SPEC.exists() or violations("/link/token/get", told) == []


def test_refresh_brings_a_dinner_and_then_its_tip(bank, receiver):
    token = bank.ready("ins_109508", "user_transactions_dynamic", webhook=receiver.url)
    assert come(receiver, 1) == ["SYNC_UPDATES_AVAILABLE"]
    ledger = Ledger(bank, token)
    ledger.sync()
    before = bank.accounts(token)
    bank.call("/transactions/refresh", access_token=token)
    hook, _, _ = receiver.next()
    assert hook["webhook_code"] == "SYNC_UPDATES_AVAILABLE"
    (page,) = ledger.sync()
    (pending,) = page["added"]
    assert (pending["pending"], pending["amount"]) == (True, 48)
    bank.call("/transactions/refresh", access_token=token)
    (page,) = ledger.sync()
    (posted,) = page["added"]
    assert [each["transaction_id"] for each in page["removed"]] == [pending["transaction_id"]]
    assert posted["pending_transaction_id"] == pending["transaction_id"]
    assert float(posted["amount"]) == 57.6
    account = posted["account_id"]
    moved = bank.accounts(token)[account]["balances"]["current"] - before[account]["balances"]["current"]
    assert abs(moved) == posted["amount"]
    fresh = Ledger(bank, token)
    fresh.sync()
    assert fresh.rows.keys() == ledger.rows.keys()


def test_the_whole_catalogue_page_by_page(bank):
    asked = {"country_codes": ["US", "CA"], "count": 8}
    pages = [bank.call("/institutions/get", offset=offset, **asked) for offset in (0, 8, 16, 24)]
    ids = [each["institution_id"] for page in pages for each in page["institutions"]]
    assert len(ids) == len(set(ids)) == pages[0]["total"]
    assert not SPEC.exists() or violations("/institutions/get", pages[0]) == []
    with pytest.raises(Refused) as refused:
        bank.call("/institutions/get", offset=0, count=501, country_codes=["US"])
    assert refused.value.code == "INVALID_FIELD"


def test_link_token_get_of_an_unknown_one(bank):
    with pytest.raises(Refused) as refused:
        bank.call("/link/token/get", link_token="link-sandbox-0")
    assert refused.value.code == "INVALID_LINK_TOKEN"


def test_plaids_client_reads_the_new_endpoints(bank, simulator_process, receiver):
    from plaid.model.country_code import CountryCode
    from plaid.model.institutions_get_request import InstitutionsGetRequest
    from plaid.model.item_get_request import ItemGetRequest
    from plaid.model.item_webhook_update_request import ItemWebhookUpdateRequest
    from plaid.model.link_token_get_request import LinkTokenGetRequest
    from plaid.model.sandbox_item_fire_webhook_request import SandboxItemFireWebhookRequest
    from plaid.model.sandbox_item_reset_login_request import SandboxItemResetLoginRequest
    from plaid.model.transactions_refresh_request import TransactionsRefreshRequest
    from plaid.model.webhook_verification_key_get_request import WebhookVerificationKeyGetRequest

    client, token = simulator_process.plaid(), bank.ready("ins_sim_cards")
    assert client.item_webhook_update(ItemWebhookUpdateRequest(access_token=token, webhook=receiver.url)).item
    _, signature, _ = receiver.next()
    kid = jwt.get_unverified_header(signature)["kid"]
    assert client.webhook_verification_key_get(WebhookVerificationKeyGetRequest(key_id=kid)).key.kid == kid
    fired = SandboxItemFireWebhookRequest(access_token=token, webhook_code="NEW_ACCOUNTS_AVAILABLE")
    assert client.sandbox_item_fire_webhook(fired).webhook_fired
    assert client.transactions_refresh(TransactionsRefreshRequest(access_token=token)).request_id
    assert client.sandbox_item_reset_login(SandboxItemResetLoginRequest(access_token=token)).reset_login
    told = client.item_get(ItemGetRequest(access_token=token))
    assert told.item.error.error_code == "ITEM_LOGIN_REQUIRED"
    asked = InstitutionsGetRequest(count=3, offset=0, country_codes=[CountryCode("US")])
    assert len(client.institutions_get(asked).institutions) == 3
    link = {"client_name": "A", "language": "en", "country_codes": ["US"], "user": {"client_user_id": "1"}}
    made = bank.call("/link/token/create", products=["transactions"], **link)["link_token"]
    assert client.link_token_get(LinkTokenGetRequest(link_token=made)).metadata.client_name == "A"


# News of transactions


def news(receiver: Receiver) -> dict[str, Any]:
    """The next webhook, which must be one that says there is more to read: what it says of the history."""
    hook, _, _ = receiver.next()
    assert (hook["webhook_type"], hook["webhook_code"]) == ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE")
    return {name.partition("_")[0]: hook[name] for name in hook if name.endswith("_update_complete")}


def test_a_history_says_when_it_is_there_once_somebody_has_asked_for_it(receiver):
    """As Plaid does: nothing before the first /transactions/sync, then the last thirty days, then the rest."""
    with SimulatorProcess(ready_ms=400) as slow:
        bank = Bank(slow)
        token = bank.link("ins_sim_cards", webhook=receiver.url)
        time.sleep(0.8)
        assert receiver.received.empty()
        assert bank.call("/transactions/sync", access_token=token)["added"] == []
        hook, signature, body = receiver.next()
        assert verified(bank, signature, body)
        assert (hook["initial_update_complete"], hook["historical_update_complete"]) == (True, False)
        assert news(receiver) == {"initial": True, "historical": True}
        assert Ledger(bank, token).sync()
        assert receiver.received.empty()


def test_an_address_that_is_given_later_hears_of_it_too_and_a_restart_loses_nothing(receiver):
    with SimulatorProcess(ready_ms=1500) as first:
        bank = Bank(first)
        token = bank.link("ins_sim_cards")
        bank.call("/transactions/sync", access_token=token)
        bank.call("/item/webhook/update", access_token=token, webhook=receiver.url)
        assert come(receiver, 1) == ["WEBHOOK_UPDATE_ACKNOWLEDGED"]
        first.kill()
        with SimulatorProcess(data_dir=first.data_dir, ready_ms=1500):
            assert news(receiver)["initial"] is True


def test_an_item_in_error_and_one_that_was_removed_have_no_news(receiver):
    with SimulatorProcess(ready_ms=500) as slow:
        bank = Bank(slow)
        locked, gone = (bank.link("ins_sim_cards", webhook=receiver.url) for _ in range(2))
        for token in (locked, gone):
            bank.call("/transactions/sync", access_token=token)
        bank.call("/sandbox/item/reset_login", access_token=locked)
        bank.call("/item/remove", access_token=gone)
        assert come(receiver, 1) == ["ERROR"]
        time.sleep(1)
        assert receiver.received.empty()


class Watch(Clock):
    """The machine's time, put forward by a test."""

    ahead = timedelta()
    next_day: datetime | None = None

    def midnight(self) -> datetime | None:
        return self.next_day

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def today(self) -> date:
        return self.now().astimezone().date()


@pytest.fixture
def read(tmp_path, receiver) -> tuple[State, Item]:
    """A state in this process and an Item whose history was read and told of."""
    state = State(tmp_path, clock=Watch(), ready_ms=0)
    public = state.create_public_token(
        "sandbox",
        "ins_sim_family",
        "user_good",
        "pass_good",
        ["transactions"],
        None,
        None,
        webhook=receiver.url,
    )
    item = state.exchange("sandbox", public)
    state.advance(item)
    assert news(receiver) == {"initial": True, "historical": True}
    return state, item


def test_a_tip_that_posts_later_is_told_of_with_nobody_asking(read, receiver, monkeypatch):
    monkeypatch.setattr(accounts, "ENDS_IN", timedelta(seconds=0.5))
    state, item = read
    play(state, "tip_arrives")
    pending = news(receiver)
    rows = len(state.log(item).events)
    assert news(receiver) == pending
    assert len(state.log(item).events) == rows + 2  # the pending row is removed, the posted one added
    assert receiver.received.empty()


def test_another_day_is_told_of_when_it_brings_something(read, receiver):
    state, item = read
    rows = len(state.log(item).events)
    clock = cast("Watch", state.clock)
    clock.next_day = clock.now() + timedelta(seconds=0.3)
    state.history.look_ahead(item)
    clock.next_day, clock.ahead = None, timedelta(days=3)
    assert news(receiver)["historical"] is True
    assert len(state.log(item).events) > rows


# On their way


@pytest.fixture
def item(bank, simulator_process, receiver) -> Iterator[tuple[str, str]]:
    """Access token and id of an Item whose webhooks come to the receiver; switches end with the test."""
    token = bank.link("ins_sim_cards", webhook=receiver.url)
    yield token, bank.call("/item/get", access_token=token)["item"]["item_id"]
    lift_all(simulator_process)


def fire(bank: Bank, token: str, *codes: str) -> None:
    for code in codes:
        bank.call("/sandbox/item/fire_webhook", access_token=token, webhook_code=code)


def come(receiver: Receiver, count: int) -> list[str]:
    return [receiver.next()[0]["webhook_code"] for _ in range(count)]


def test_a_webhook_comes_twice(bank, simulator_process, receiver, item):
    token, item_id = item
    switch(simulator_process, "webhook_twice", item_id=item_id, times=1)
    fire(bank, token, "LOGIN_REPAIRED")
    assert come(receiver, 2) == ["LOGIN_REPAIRED"] * 2
    fire(bank, token, "NEW_ACCOUNTS_AVAILABLE")
    assert come(receiver, 1) == ["NEW_ACCOUNTS_AVAILABLE"]
    assert receiver.received.empty()


def test_a_webhook_comes_after_the_next_one(bank, simulator_process, receiver, item):
    token, item_id = item
    switch(simulator_process, "webhook_after_next", item_id=item_id, times=1)
    fire(bank, token, "ERROR", "LOGIN_REPAIRED")
    assert come(receiver, 2) == ["LOGIN_REPAIRED", "ERROR"]


def test_one_that_waits_in_vain_for_a_next_one_comes_all_the_same(bank, simulator_process, receiver, item):
    token, item_id = item
    switch(simulator_process, "webhook_after_next", item_id=item_id, times=1)
    fire(bank, token, "ERROR")
    assert come(receiver, 1) == ["ERROR"]


def test_a_webhook_is_lost(bank, simulator_process, receiver, item):
    token, item_id = item
    switch(simulator_process, "webhook_lost", item_id=item_id, times=1)
    fire(bank, token, "ERROR", "LOGIN_REPAIRED")
    assert come(receiver, 1) == ["LOGIN_REPAIRED"]
    outcomes = {
        each["webhook_code"]: each["outcome"]
        for each in ask(simulator_process, "GET", "/webhooks")[1]["webhooks"]
        if each["item_id"] == item_id
    }
    assert outcomes["ERROR"] == "lost"


def test_what_is_not_answered_200_comes_again_newly_signed(bank, simulator_process):
    with Receiver(503, 403, 204) as refusing:
        token = bank.link("ins_sim_cards", webhook=refusing.url)
        item_id = bank.call("/item/get", access_token=token)["item"]["item_id"]
        switch(simulator_process, "webhook_retry", item_id=item_id, milliseconds=20)
        fire(bank, token, "LOGIN_REPAIRED")
        came = [refusing.next() for _ in range(4)]
    assert len({body for _, _, body in came}) == 1
    assert all(verified(bank, signature, body) for _, signature, body in came)
    assert refusing.received.empty()
    lift_all(simulator_process)
