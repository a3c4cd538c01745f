"""Every endpoint held against two authorities: plaid-python with its type checking on, and Plaid's OpenAPI."""

from __future__ import annotations

import copy
import json
from typing import Any

import plaid
import pytest
from plaid.model.accounts_balance_get_request import AccountsBalanceGetRequest
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.institutions_get_by_id_request import InstitutionsGetByIdRequest
from plaid.model.institutions_get_by_id_request_options import InstitutionsGetByIdRequestOptions
from plaid.model.institutions_search_request import InstitutionsSearchRequest
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.link_token_transactions import LinkTokenTransactions
from plaid.model.personal_finance_category_version import PersonalFinanceCategoryVersion
from plaid.model.products import Products
from plaid.model.sandbox_public_token_create_request import SandboxPublicTokenCreateRequest
from plaid.model.sandbox_public_token_create_request_options import SandboxPublicTokenCreateRequestOptions
from plaid.model.transactions_sync_request import TransactionsSyncRequest
from plaid.model.transactions_sync_request_options import TransactionsSyncRequestOptions

from simulator.institutions import catalogue
from tests.simulator.bank import NO_SPEC, SPEC, Bank, Refused, violations

OWN = [each.institution_id for each in catalogue.all() if each.institution_id.startswith("ins_sim_")]
PAGE = 25
"""Typed parsing costs 2 ms a row: small pages."""


@pytest.fixture(scope="module")
def client(simulator_process):
    return simulator_process.plaid()


@pytest.fixture(scope="module")
def answers(simulator_process) -> list[tuple[str, str, dict[str, Any]]]:
    """(path, what it is, answer) of every endpoint, for every institution of the simulator's own."""
    bank = Bank(simulator_process)
    told: list[tuple[str, str, dict[str, Any]]] = []

    def call(path: str, what: str = "", **body: Any) -> dict[str, Any]:
        answer = bank.call(path, **body)
        told.append((path, what, answer))
        return answer

    call("/link/token/create", **LINK)
    for institution in catalogue.all():
        call(
            "/institutions/get_by_id",
            institution.institution_id,
            institution_id=institution.institution_id,
            country_codes=["US", "CA"],
            options={"include_optional_metadata": True, "include_status": True},
        )
    call("/institutions/search", query="bank", country_codes=["US", "CA"], products=["transactions"])
    for institution_id, username in [
        ("ins_109508", "user_good"),
        ("ins_109508", "user_transactions_dynamic"),
    ] + [(each, "user_good") for each in OWN]:
        what = f"{institution_id} {username}"
        options = {"override_username": username, "override_password": "pass_good"}
        public = call(
            "/sandbox/public_token/create",
            what,
            institution_id=institution_id,
            initial_products=["transactions"],
            options=options,
        )
        token = call("/item/public_token/exchange", what, public_token=public["public_token"])["access_token"]
        call("/item/get", what, access_token=token)
        call("/accounts/get", what, access_token=token)
        call("/accounts/balance/get", what, access_token=token)
        call("/transactions/sync", f"{what}, not ready", access_token=token)
        original = {"include_original_description": True}
        call("/transactions/sync", what, access_token=token, count=500, options=original)
        call("/item/remove", what, access_token=token)
    return told


LINK: dict[str, Any] = {
    "client_name": "CashView",
    "language": "en",
    "country_codes": ["US", "CA"],
    "user": {"client_user_id": "7"},
    "products": ["transactions"],
    "required_if_supported_products": ["liabilities"],
    "transactions": {"days_requested": 730},
    "redirect_uri": "http://127.0.0.1:5000/oauth",
}


@pytest.mark.skipif(not SPEC.exists(), reason=NO_SPEC)
def test_every_answer_is_valid_by_plaids_openapi(answers):
    assert len({path for path, _, _ in answers}) == 10
    wrong = {(path, what): found for path, what, answer in answers if (found := violations(path, answer))}
    # The description that is stored lists fewer subtypes and products than Plaid has now; the client knows them all.
    assert wrong == {}


@pytest.mark.skipif(not SPEC.exists(), reason=NO_SPEC)
@pytest.mark.parametrize(
    "path, spoil",
    [
        ("/accounts/get", lambda answer: answer["accounts"][0].pop("mask")),
        ("/accounts/get", lambda answer: answer["accounts"][0]["balances"].update(current="110")),
        ("/accounts/get", lambda answer: answer["accounts"][0].update(type="piggy bank")),
        ("/transactions/sync", lambda answer: answer["added"][0].update(date="20 November")),
        ("/transactions/sync", lambda answer: answer["added"][0].pop("authorized_datetime")),
        ("/transactions/sync", lambda answer: answer.pop("request_id")),
        ("/item/get", lambda answer: answer["item"].update(error={"error_code": "X"})),
        ("/institutions/get_by_id", lambda answer: answer["institution"].update(oauth="no")),
    ],
)
def test_the_validator_bites(answers, path, spoil):
    answer = next(each for told, what, each in answers if told == path and "not ready" not in what)
    spoilt = copy.deepcopy(answer)
    spoil(spoilt)
    assert violations(path, answer) == []
    assert violations(path, spoilt) != []


@pytest.mark.skipif(not SPEC.exists(), reason=NO_SPEC)
def test_errors_are_valid_by_plaids_openapi(bank):
    with pytest.raises(Refused) as refused:
        bank.call("/accounts/get", access_token="access-sandbox-00000000-0000-4000-8000-000000000000")
    assert violations("/accounts/get", refused.value.body, status="default") == []
    assert violations("/accounts/get", {"error_code": 4}, status="default") != []


def _public_token(
    client, institution_id: str, username: str = "user_good", password: str = "pass_good"
) -> str:
    request = SandboxPublicTokenCreateRequest(
        institution_id=institution_id,
        initial_products=[Products("transactions")],
        options=SandboxPublicTokenCreateRequestOptions(
            override_username=username, override_password=password
        ),
    )
    return client.sandbox_public_token_create(request).public_token


def test_plaids_client_reads_link_tokens_and_institutions(client):
    token = client.link_token_create(
        LinkTokenCreateRequest(
            client_name="CashView",
            language="en",
            country_codes=[CountryCode("US"), CountryCode("CA")],
            user=LinkTokenCreateRequestUser(client_user_id="1"),
            products=[Products("transactions")],
            transactions=LinkTokenTransactions(days_requested=730),
        )
    )
    assert token.link_token.startswith("link-sandbox-")
    options = InstitutionsGetByIdRequestOptions(include_optional_metadata=True, include_status=True)
    for institution in catalogue.all():
        request = InstitutionsGetByIdRequest(
            institution_id=institution.institution_id,
            country_codes=[CountryCode(code) for code in institution.country_codes],
            options=options,
        )
        assert client.institutions_get_by_id(request).institution.name == institution.name
    found = client.institutions_search(
        InstitutionsSearchRequest(
            query="platypus oauth", products=[Products("transactions")], country_codes=[CountryCode("US")]
        )
    )
    assert [each.institution_id for each in found.institutions] == ["ins_127287"]


@pytest.mark.parametrize(
    "institution_id, username",
    [
        ("ins_109508", "user_good"),
        ("ins_109508", "user_transactions_dynamic"),
        *((each, "user_good") for each in OWN),
    ],
)
def test_plaids_client_reads_an_item_from_beginning_to_end(client, institution_id, username):
    public_token = _public_token(client, institution_id, username)
    exchanged = client.item_public_token_exchange(ItemPublicTokenExchangeRequest(public_token=public_token))
    token = exchanged.access_token
    item = client.item_get(ItemGetRequest(access_token=token)).item
    assert (item.item_id, item.institution_id) == (exchanged.item_id, institution_id)
    accounts = client.accounts_get(AccountsGetRequest(access_token=token)).accounts
    assert client.accounts_balance_get(AccountsBalanceGetRequest(access_token=token)).accounts == accounts
    options = TransactionsSyncRequestOptions(
        include_original_description=True,
        personal_finance_category_version=PersonalFinanceCategoryVersion("v1"),
    )
    assert client.transactions_sync(TransactionsSyncRequest(access_token=token)).next_cursor == ""
    page = client.transactions_sync(TransactionsSyncRequest(access_token=token, count=PAGE, options=options))
    assert page.transactions_update_status.value == "HISTORICAL_UPDATE_COMPLETE"
    assert {row.account_id for row in page.added} <= {account.account_id for account in accounts}
    client.item_remove(ItemRemoveRequest(access_token=token))


def test_plaids_client_reads_modified_and_removed_rows(simulator_process, bank, client):
    """A cursor from before a fortnight of changes: made by moving the date, here of a second simulator."""
    from tests.simulator.bank import Ledger
    from tests.support.simulator import SimulatorProcess

    with SimulatorProcess(today="2026-11-02") as first:
        ledger = Ledger(Bank(first), Bank(first).ready("ins_sim_family"))
        ledger.sync()
        first.stop()
        with SimulatorProcess(today="2026-11-16", data_dir=first.data_dir) as later:
            request = TransactionsSyncRequest(access_token=ledger.token, cursor=ledger.cursor, count=200)
            page = later.plaid().transactions_sync(request)
    assert page.added
    assert page.modified
    assert page.removed


@pytest.mark.parametrize(
    "call, status, error_type, code",
    [
        (
            lambda c: c.item_get(ItemGetRequest(access_token="nonsense")),
            400,
            "INVALID_INPUT",
            "INVALID_ACCESS_TOKEN",
        ),
        (
            lambda c: c.item_public_token_exchange(ItemPublicTokenExchangeRequest(public_token="nonsense")),
            400,
            "INVALID_INPUT",
            "INVALID_PUBLIC_TOKEN",
        ),
        (
            lambda c: c.institutions_get_by_id(
                InstitutionsGetByIdRequest(institution_id="ins_0", country_codes=[CountryCode("US")])
            ),
            400,
            "INVALID_INPUT",
            "INVALID_INSTITUTION",
        ),
        (
            lambda c: _public_token(c, "ins_109508", password="error_ITEM_LOCKED"),
            400,
            "ITEM_ERROR",
            "ITEM_LOCKED",
        ),
        (
            lambda c: _public_token(c, "ins_109508", password="error_INTERNAL_SERVER_ERROR"),
            500,
            "API_ERROR",
            "INTERNAL_SERVER_ERROR",
        ),
    ],
)
def test_plaids_client_raises_its_own_exceptions(client, call, status, error_type, code):
    with pytest.raises(plaid.ApiException) as raised:
        call(client)
    body = json.loads(raised.value.body)
    assert (raised.value.status, body["error_type"], body["error_code"]) == (status, error_type, code)
    assert len(body["request_id"]) == 15
    assert "display_message" in body
