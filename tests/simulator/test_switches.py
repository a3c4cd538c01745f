"""The switches: every one turned on by HTTP and met by a client, and what it leaves alone."""

from __future__ import annotations

import http.client
import json

import pytest
import urllib3

from simulator.errors import KINDS
from tests.simulator.bank import NO_SPEC, SPEC, TODAY, Bank, Ledger, Refused, violations
from tests.simulator.controls import ask, lift_all, switch, switches
from tests.support.simulator import CLIENT_ID, SANDBOX_SECRET, SimulatorProcess

READERS = ["/accounts/get", "/accounts/balance/get", "/transactions/sync", "/transactions/refresh"]


@pytest.fixture(autouse=True)
def everything_off(simulator_process):
    yield
    lift_all(simulator_process)


@pytest.fixture(scope="module")
def item(simulator_process) -> tuple[str, str]:
    """Access token and item_id of an Item with transactions."""
    bank = Bank(simulator_process)
    token = bank.ready("ins_sim_family")
    Ledger(bank, token).sync()
    return token, bank.call("/item/get", access_token=token)["item"]["item_id"]


@pytest.fixture(scope="module")
def other(simulator_process) -> str:
    return Bank(simulator_process).link("ins_sim_cards")


def code_of(bank: Bank, path: str, **body: object) -> str | None:
    try:
        bank.call(path, **body)
    except Refused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_error_is_given_in_plaids_envelope(simulator_process, bank, other, code):
    switch(simulator_process, "error", code=code, endpoint="/accounts/get", times=1)
    with pytest.raises(Refused) as refused:
        bank.call("/accounts/get", access_token=other)
    body = refused.value.body
    assert (body["error_code"], body["error_type"]) == (code, KINDS[code].type)
    assert len(body["request_id"]) == 15
    expected = {"RATE_LIMIT_EXCEEDED": 429}.get(body["error_type"], 400)
    special = {"INTERNAL_SERVER_ERROR": 500, "PLANNED_MAINTENANCE": 503, "NOT_FOUND": 404}
    assert refused.value.status == special.get(code, expected)
    assert bank.call("/accounts/get", access_token=other)["accounts"]


@pytest.mark.skipif(not SPEC.exists(), reason=NO_SPEC)
def test_an_error_on_purpose_is_valid_by_plaids_openapi(simulator_process, bank, other):
    switch(simulator_process, "error", code="INSTITUTION_DOWN")
    with pytest.raises(Refused) as refused:
        bank.call("/transactions/sync", access_token=other)
    assert violations("/transactions/sync", refused.value.body, status="default") == []


def test_once_twice_and_until_lifted(simulator_process, bank, other):
    switch(simulator_process, "error", code="INTERNAL_SERVER_ERROR", times=2)
    met = [code_of(bank, "/accounts/get", access_token=other) for _ in range(3)]
    assert met == ["INTERNAL_SERVER_ERROR", "INTERNAL_SERVER_ERROR", None]
    assert switches(simulator_process) == []
    id_ = switch(simulator_process, "error", code="RATE_LIMIT")
    assert {code_of(bank, "/item/get", access_token=other) for _ in range(4)} == {"RATE_LIMIT"}
    assert ask(simulator_process, "DELETE", f"/switches/{id_}") == (200, {"lifted": 1})
    assert ask(simulator_process, "DELETE", f"/switches/{id_}")[0] == 404
    assert code_of(bank, "/item/get", access_token=other) is None


def test_for_a_while(simulator_process, bank, other):
    switch(simulator_process, "error", code="INSTITUTION_DOWN", for_seconds=3600)
    assert code_of(bank, "/accounts/get", access_token=other) == "INSTITUTION_DOWN"
    lift_all(simulator_process)
    switch(simulator_process, "error", code="INSTITUTION_DOWN", for_seconds=0)
    assert code_of(bank, "/accounts/get", access_token=other) is None


def test_one_institution_or_one_item_and_nobody_else(simulator_process, bank, item, other):
    switch(simulator_process, "error", code="INSTITUTION_NOT_RESPONDING", institution_id="ins_sim_family")
    assert [code_of(bank, path, access_token=item[0]) for path in READERS] == [
        "INSTITUTION_NOT_RESPONDING"
    ] * 4
    assert code_of(bank, "/accounts/get", access_token=other) is None
    lift_all(simulator_process)
    switch(simulator_process, "error", code="ITEM_LOCKED", item_id=item[1])
    second = bank.link("ins_sim_family")
    assert code_of(bank, "/accounts/get", access_token=item[0]) == "ITEM_LOCKED"
    assert code_of(bank, "/accounts/get", access_token=second) is None


def test_an_item_in_login_error_says_so_and_can_still_be_removed(simulator_process, bank):
    token = bank.link("ins_sim_cards")
    known = bank.call("/item/get", access_token=token)["item"]
    assert known["error"] is None
    switch(simulator_process, "error", code="PASSWORD_RESET_REQUIRED", item_id=known["item_id"])
    error = bank.call("/item/get", access_token=token)["item"]["error"]
    assert error["error_code"] == "PASSWORD_RESET_REQUIRED"
    assert code_of(bank, "/item/remove", access_token=token) is None


def test_the_same_on_every_endpoint_when_asked_for(simulator_process, bank, other):
    switch(simulator_process, "error", code="ITEM_LOGIN_REQUIRED", endpoint="*")
    assert code_of(bank, "/item/get", access_token=other) == "ITEM_LOGIN_REQUIRED"
    assert code_of(bank, "/institutions/search", query="a", country_codes=["US"]) == "ITEM_LOGIN_REQUIRED"


def raw(process: SimulatorProcess, path: str, timeout: float = 20, **body: object) -> tuple[int, str, bytes]:
    """Status, content type and bytes, whatever they are."""
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=timeout)
    headers = {"PLAID-CLIENT-ID": CLIENT_ID, "PLAID-SECRET": SANDBOX_SECRET}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read()
    finally:
        connection.close()


def test_http_500_html_and_truncated_json(simulator_process, bank, other):
    switch(simulator_process, "http_500", times=1)
    status, kind, body = raw(simulator_process, "/accounts/get", access_token=other)
    assert (status, kind.partition(";")[0]) == (500, "text/plain")
    switch(simulator_process, "html", times=1)
    status, kind, body = raw(simulator_process, "/accounts/get", access_token=other)
    assert (status, kind.partition(";")[0], body[:15]) == (200, "text/html", b"<!doctype html>")
    switch(simulator_process, "truncated", times=1)
    status, kind, body = raw(simulator_process, "/accounts/get", access_token=other)
    assert (status, kind, body[:12]) == (200, "application/json", b'{"accounts":')
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(body)
    assert bank.accounts(other)


def test_a_dropped_connection_before_and_after_the_work(simulator_process, bank):
    token = bank.link("ins_sim_cards")
    switch(simulator_process, "drop", endpoint="/item/remove", times=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        raw(simulator_process, "/item/remove", access_token=token)
    assert bank.accounts(token)
    switch(simulator_process, "drop", endpoint="/item/remove", times=1, after=True)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        raw(simulator_process, "/item/remove", access_token=token)
    assert code_of(bank, "/accounts/get", access_token=token) == "ITEM_NOT_FOUND"


def test_a_hang_outlasts_the_client_and_holds_up_nobody_else(simulator_process, bank, item, other):
    switch(simulator_process, "hang", seconds=600, item_id=item[1])
    client = simulator_process.plaid()
    from plaid.model.accounts_get_request import AccountsGetRequest

    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        client.accounts_get(AccountsGetRequest(access_token=item[0]), _request_timeout=0.5)
    assert bank.accounts(other)


def test_latency_is_added_up_and_listed(simulator_process, bank, other):
    switch(simulator_process, "latency", milliseconds=60_000, endpoint="/accounts/get")
    with pytest.raises(TimeoutError):
        raw(simulator_process, "/accounts/get", timeout=0.5, access_token=other)
    assert bank.call("/item/get", access_token=other)["item"]["error"] is None
    (listed,) = switches(simulator_process)
    assert (listed["kind"], listed["milliseconds"], listed["endpoint"]) == (
        "latency",
        60_000,
        "/accounts/get",
    )


def test_data_that_changes_between_two_pages(simulator_process, bank, item):
    token, item_id = item
    whole = Ledger(bank, token)
    (page,) = whole.sync()
    switch(simulator_process, "mutation", item_id=item_id)
    first = bank.call("/transactions/sync", access_token=token, count=500)
    assert first["has_more"] is True
    second = {"access_token": token, "count": 500, "cursor": first["next_cursor"]}
    assert code_of(bank, "/transactions/sync", **second) == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
    again = Ledger(bank, token)
    again.sync()
    assert again.rows == whole.rows
    assert len(page["added"]) == len(whole.rows)


def test_an_account_appears_vanishes_and_its_balance_becomes_unknown(simulator_process, bank):
    token = bank.ready("ins_sim_family")
    ledger = Ledger(bank, token)
    ledger.sync()
    item_id = bank.call("/item/get", access_token=token)["item"]["item_id"]
    before = bank.accounts(token)
    chosen = next(key for key, each in before.items() if each["subtype"] == "savings")
    switch(simulator_process, "account_appears", item_id=item_id)
    switch(simulator_process, "account_vanishes", item_id=item_id, account_id=chosen)
    switch(simulator_process, "balance_unknown", item_id=item_id)
    now = bank.accounts(token)
    (new,) = now.keys() - before.keys()
    assert (now[new]["name"], now[new]["balances"]["current"]) == ("Holiday Savings", 250)
    assert before.keys() - now.keys() == {chosen}
    first = next(iter(before))
    assert (now[first]["balances"]["current"], now[first]["balances"]["available"]) == (None, None)
    assert chosen not in {each["account_id"] for each in ledger.sync()[0]["accounts"]}
    for path in ("/accounts/get", "/accounts/balance/get"):
        assert not SPEC.exists() or violations(path, bank.call(path, access_token=token)) == []
    lift_all(simulator_process)
    assert bank.accounts(token) == before


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        "error",
        {},
        {"kind": "fire"},
        {"kind": ["error"]},
        {"kind": "error"},
        {"kind": "error", "code": "NO_SUCH_CODE"},
        {"kind": "error", "code": {}},
        {"kind": "html", "code": "ITEM_LOCKED"},
        {"kind": "html", "endpoint": "/nowhere"},
        {"kind": "html", "endpoint": 7},
        {"kind": "html", "institution_id": "ins_0"},
        {"kind": "html", "item_id": "nobody"},
        {"kind": "html", "times": 0},
        {"kind": "html", "times": True},
        {"kind": "html", "for_seconds": -1},
        {"kind": "html", "colour": "red"},
        {"kind": "latency"},
        {"kind": "webhook_retry"},
        {"kind": "webhook_lost", "endpoint": "/accounts/get"},
        {"kind": "latency", "milliseconds": "1"},
        {"kind": "account_vanishes"},
    ],
)
def test_nonsense_is_refused_in_words(simulator_process, wrong):
    status, answer = ask(simulator_process, "POST", "/switches", wrong)
    assert status == 400
    assert len(answer["error"]) > 10
    assert switches(simulator_process) == []


def test_no_json_is_refused(simulator_process):
    assert ask(simulator_process, "POST", "/switches", b"{nonsense")[0] == 400
    assert ask(simulator_process, "POST", "/switches", b"kind=html", Content_Type="text/plain")[0] == 400


def test_a_page_of_another_site_can_turn_nothing(simulator_process):
    status, _ = ask(simulator_process, "POST", "/switches", {"kind": "html"}, Sec_Fetch_Site="cross-site")
    assert status == 403
    assert switches(simulator_process) == []


def test_switches_survive_a_restart_and_a_kill():
    with SimulatorProcess(today=TODAY) as first:
        token = Bank(first).link("ins_sim_cards")
        switch(first, "error", code="INSTITUTION_DOWN", times=2)
        switch(first, "html", endpoint="/item/get")
        first.kill()
        with SimulatorProcess(today=TODAY, data_dir=first.data_dir) as later:
            assert [each["kind"] for each in switches(later)] == ["error", "html"]
            met = [code_of(Bank(later), "/accounts/get", access_token=token) for _ in range(3)]
            assert met == ["INSTITUTION_DOWN", "INSTITUTION_DOWN", None]
            assert lift_all(later) == 1
