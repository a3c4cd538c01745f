"""Keys, tokens, Items, institutions: what is answered and what is refused, with Plaid's codes."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from simulator.institutions import catalogue
from tests.simulator.bank import TODAY, Bank, Refused
from tests.support.simulator import CLIENT_ID, PRODUCTION_SECRET, SANDBOX_SECRET, SimulatorProcess

ENDPOINTS = [
    "/link/token/create",
    "/sandbox/public_token/create",
    "/item/public_token/exchange",
    "/item/get",
    "/item/remove",
    "/institutions/get_by_id",
    "/institutions/search",
    "/accounts/get",
    "/accounts/balance/get",
    "/transactions/sync",
]
LINK = {
    "client_name": "CashView",
    "language": "en",
    "country_codes": ["US"],
    "user": {"client_user_id": "7"},
    "products": ["transactions"],
}


@pytest.fixture
def production(simulator_process) -> Bank:
    return Bank(simulator_process, PRODUCTION_SECRET)


def refused(bank: Bank, path: str, **body) -> tuple[int, str, str]:
    """Status, type and code of a refusal; the envelope is checked on the way."""
    with pytest.raises(Refused) as caught:
        bank.call(path, **body)
    envelope = caught.value.body
    assert set(envelope) == {
        "error_type",
        "error_code",
        "error_message",
        "display_message",
        "documentation_url",
        "suggested_action",
        "request_id",
    }
    assert len(envelope["request_id"]) == 15
    return caught.value.status, envelope["error_type"], envelope["error_code"]


def _message(bank: Bank, path: str, **body) -> str:
    with pytest.raises(Refused) as caught:
        bank.call(path, **body)
    return caught.value.body["error_message"]


class TestKeys:
    @pytest.mark.parametrize("path", ENDPOINTS)
    @pytest.mark.parametrize(
        "keys, code",
        [
            ({}, "MISSING_FIELDS"),
            ({"PLAID-CLIENT-ID": CLIENT_ID}, "MISSING_FIELDS"),
            ({"PLAID-CLIENT-ID": CLIENT_ID, "PLAID-SECRET": "wrong"}, "INVALID_API_KEYS"),
            ({"PLAID-CLIENT-ID": "wrong", "PLAID-SECRET": SANDBOX_SECRET}, "INVALID_API_KEYS"),
            ({"PLAID-CLIENT-ID": CLIENT_ID, "PLAID-SECRET": "geh\u00e9im"}, "INVALID_API_KEYS"),
            (
                {"PLAID-CLIENT-ID": CLIENT_ID, "PLAID-SECRET": SANDBOX_SECRET, "Plaid-Version": "2031-01-01"},
                "INVALID_HEADERS",
            ),
        ],
    )
    def test_every_endpoint_asks_for_them(self, bank, path, keys, code):
        headers = {name: value.encode().decode("latin-1") for name, value in keys.items()}
        with pytest.raises(Refused) as caught:
            bank.send(path, b"{}", headers | {"Content-Type": "application/json"})
        assert (caught.value.status, caught.value.code) == (400, code)

    def test_they_may_be_in_the_body(self, bank):
        body = LINK | {"client_id": CLIENT_ID, "secret": SANDBOX_SECRET}
        assert bank.send("/link/token/create", json.dumps(body).encode(), {})["link_token"]

    def test_the_environment_names_them(self):
        env = {
            "SIMULATOR_CLIENT_ID": "me",
            "SIMULATOR_SECRET_SANDBOX": "s1",
            "SIMULATOR_SECRET_PRODUCTION": "s2",
        }
        with SimulatorProcess(env=env) as process:
            for secret, environment in (("s1", "sandbox"), ("s2", "production")):
                headers = {"PLAID-CLIENT-ID": "me", "PLAID-SECRET": secret}
                made = Bank(process).send("/link/token/create", json.dumps(LINK).encode(), headers)
                assert made["link_token"].startswith(f"link-{environment}-")
            assert refused(Bank(process), "/link/token/create", **LINK)[2] == "INVALID_API_KEYS"


class TestBodies:
    @pytest.mark.parametrize(
        "data", [b"", b"{", b"[]", b'"text"', b"\xff", b'{"count": NaN}', b"[" * 100_000]
    )
    def test_what_is_no_json_object_is_refused(self, bank, data):
        headers = {"PLAID-CLIENT-ID": CLIENT_ID, "PLAID-SECRET": SANDBOX_SECRET}
        with pytest.raises(Refused) as caught:
            bank.send("/accounts/get", data, headers)
        assert (caught.value.status, caught.value.code) == (400, "INVALID_BODY")

    def test_fields_are_checked_by_name_and_kind(self, bank):
        assert refused(bank, "/accounts/get") == (400, "INVALID_REQUEST", "MISSING_FIELDS")
        assert refused(bank, "/accounts/get", access_token="x", colour=1)[2] == "UNKNOWN_FIELDS"
        assert refused(bank, "/accounts/get", access_token=["x"])[2] == "INVALID_FIELD"
        token = bank.link()
        assert refused(bank, "/accounts/get", access_token=token, options=[])[2] == "INVALID_FIELD"
        assert (
            refused(bank, "/accounts/get", access_token=token, options={"colour": 1})[2] == "UNKNOWN_FIELDS"
        )
        assert (
            refused(bank, "/accounts/get", access_token=token, options={"account_ids": "x"})[2]
            == "INVALID_FIELD"
        )

    def test_unknown_paths_get_plaids_envelope_too(self, bank):
        assert refused(bank, "/auth/get", access_token="x") == (404, "INVALID_REQUEST", "NOT_FOUND")


class TestLinkTokens:
    def test_they_live_four_hours(self, bank):
        made = bank.call("/link/token/create", **LINK)
        left = datetime.fromisoformat(made["expiration"]) - datetime.fromisoformat(f"{TODAY}T00:00:00Z")
        assert timedelta(hours=4) <= left <= timedelta(hours=28)

    @pytest.mark.parametrize(
        "change, code",
        [
            ({"client_name": None}, "MISSING_FIELDS"),
            ({"user": {}}, "MISSING_FIELDS"),
            ({"products": []}, "MISSING_FIELDS"),
            ({"language": "xx"}, "INVALID_FIELD"),
            ({"country_codes": ["ZZ"]}, "INVALID_FIELD"),
            ({"country_codes": []}, "INVALID_FIELD"),
            ({"products": ["balance"]}, "INVALID_PRODUCT"),
            ({"products": ["telepathy"]}, "INVALID_PRODUCT"),
            ({"optional_products": ["transactions"]}, "INVALID_FIELD"),
            ({"transactions": {"days_requested": 731}}, "INVALID_FIELD"),
            ({"redirect_uri": "http://example.com/oauth"}, "INVALID_FIELD"),
            ({"redirect_uri": "https://example.com/oauth?x=1"}, "INVALID_FIELD"),
            ({"access_token": "nonsense"}, "INVALID_ACCESS_TOKEN"),
        ],
    )
    def test_what_is_wrong_is_said(self, bank, change, code):
        if "access_token" in change:
            change = change | {"products": []}
        assert refused(bank, "/link/token/create", **(LINK | change))[2] == code

    def test_update_mode_asks_for_no_products(self, bank):
        token = bank.link()
        asked = LINK | {"access_token": token}
        assert refused(bank, "/link/token/create", **asked)[2] == "INVALID_FIELD"
        made = bank.call("/link/token/create", **(asked | {"products": []}))
        left = datetime.fromisoformat(made["expiration"]) - datetime.fromisoformat(f"{TODAY}T00:00:00Z")
        assert left <= timedelta(hours=24, minutes=30)


class TestPublicTokens:
    def test_one_is_exchanged_once(self, bank):
        public_token = bank.public_token()
        made = bank.call("/item/public_token/exchange", public_token=public_token)
        assert made["access_token"].startswith("access-sandbox-")
        assert len(made["item_id"]) == 37
        assert refused(bank, "/item/public_token/exchange", public_token=public_token) == (
            400,
            "INVALID_INPUT",
            "INVALID_PUBLIC_TOKEN",
        )

    def test_one_expires_after_half_an_hour(self, tmp_path):
        with SimulatorProcess(today="2026-11-20", data_dir=tmp_path) as process:
            public_token = Bank(process).public_token()
        with SimulatorProcess(today="2026-11-21", data_dir=tmp_path) as process:
            assert "expired" in _message(
                Bank(process), "/item/public_token/exchange", public_token=public_token
            )

    def test_the_sandbox_endpoint_is_for_the_sandbox(self, production):
        body = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
        assert refused(production, "/sandbox/public_token/create", **body) == (
            400,
            "INVALID_REQUEST",
            "SANDBOX_ONLY",
        )

    def test_tokens_of_one_environment_do_not_work_in_the_other(self, bank, production):
        public_token, access_token = bank.public_token(), bank.link()
        assert (
            refused(production, "/item/public_token/exchange", public_token=public_token)[2]
            == "INVALID_PUBLIC_TOKEN"
        )
        for path in ENDPOINTS:
            if path.startswith(("/accounts", "/transactions")) or path in {"/item/get", "/item/remove"}:
                assert refused(production, path, access_token=access_token)[2] == "INVALID_ACCESS_TOKEN"

    @pytest.mark.parametrize(
        "change, code",
        [
            ({"institution_id": "ins_0"}, "INVALID_INSTITUTION"),
            ({"initial_products": []}, "INVALID_FIELD"),
            ({"initial_products": ["balance"]}, "INVALID_PRODUCT"),
            ({"initial_products": ["payment_initiation"]}, "PRODUCTS_NOT_SUPPORTED"),
            ({"options": {"override_password": "wrong"}}, "INVALID_CREDENTIALS"),
            ({"options": {"override_username": "user_nobody"}}, "INVALID_CREDENTIALS"),
            ({"options": {"transactions": {"start_date": "yesterday"}}}, "INVALID_FIELD"),
        ],
    )
    def test_what_is_wrong_is_said(self, bank, change, code):
        body = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
        assert refused(bank, "/sandbox/public_token/create", **(body | change))[2] == code


# name, type, subtype, mask, available, current, limit: Plaid's documented Sandbox accounts
FOURTEEN = """
Plaid Checking|depository|checking|0000|100|110|
Plaid Saving|depository|savings|1111|200|210|
Plaid CD|depository|cd|2222||1000|
Plaid Credit Card|credit|credit card|3333||410|2000
Plaid Money Market|depository|money market|4444|43200|43200|
Plaid IRA|investment|ira|5555||320.76|
Plaid 401k|investment|401k|6666||23631.9805|
Plaid Student Loan|loan|student|7777||65262|
Plaid Mortgage|loan|mortgage|8888||56302.06|
Plaid HSA|depository|hsa|9001|6009|6009|
Plaid Cash Management|depository|cash management|9002|12060|12060|
Plaid Auto Loan|loan|auto|9003||23211.33|
Plaid Home Equity Line of Credit|loan|home equity|9004||13500.5|
Plaid Business Credit Card|credit|credit card|9999|4980|5020|10000
"""


class TestItems:
    @pytest.mark.parametrize("institution_id", ["ins_109508", "ins_109512", "ins_43", "ins_130016"])
    def test_user_good_has_the_documented_fourteen_accounts(self, bank, institution_id):
        accounts = bank.accounts(bank.link(institution_id)).values()

        def shown(value) -> str:
            return "" if value is None else str(value)

        told = [
            "|".join(
                [account["name"], account["type"], account["subtype"], account["mask"]]
                + [shown(account["balances"][key]) for key in ("available", "current", "limit")]
            )
            for account in accounts
        ]
        assert told == FOURTEEN.strip().splitlines()
        assert {account["balances"]["iso_currency_code"] for account in accounts} == {"USD"}
        assert _holdings(accounts) == Decimal("81091.7405")
        assert _holdings(accounts) - _loans(accounts) == Decimal("-77184.1495")

    def test_its_sixteen_transactions_come_around_every_thirty_days(self, bank):
        token = bank.ready(days=730)
        rows, cursor, more = [], None, True
        while more:
            asked = {"cursor": cursor} if cursor else {}
            page = bank.call("/transactions/sync", access_token=token, count=500, **asked)
            rows += page["added"]
            cursor, more = page["next_cursor"], page["has_more"]
        assert 384 <= len(rows) <= 400
        assert not any(row["pending"] for row in rows)
        month = [
            row for row in rows if row["date"] > (date.fromisoformat(TODAY) - timedelta(days=30)).isoformat()
        ]
        assert len(month) == 16
        assert sorted((row["name"], str(row["amount"])) for row in month if "Uber" in row["name"]) == [
            ("Uber 063015 SF**POOL**", "5.4"),
            ("Uber 072515 SF**POOL**", "6.33"),
        ]
        assert sum(row["amount"] for row in month) == Decimal("10645.24")
        assert len([row for row in month if row["merchant_name"] is None]) == 8

    def test_ids_are_long_and_belong_to_one_item(self, bank):
        first, second = bank.ready("ins_sim_family"), bank.ready("ins_sim_family")
        accounts = [*bank.accounts(first), *bank.accounts(second)]
        assert len(set(accounts)) == 8
        rows = [
            row["transaction_id"]
            for token in (first, second)
            for row in bank.call("/transactions/sync", access_token=token, count=100)["added"]
        ]
        assert len(set(rows)) == 200
        assert {len(each) for each in (*accounts, *rows)} == {37}
        assert all(each.isalnum() for each in (*accounts, *rows))

    def test_an_item_tells_what_it_is(self, bank):
        token = bank.link(
            "ins_109509", products=("transactions", "liabilities"), webhook="https://example.com/hook"
        )
        answer = bank.call("/item/get", access_token=token)
        item = answer["item"]
        assert item["institution_name"] == "First Gingham Credit Union"
        assert item["billed_products"] == ["transactions", "liabilities"]
        assert "investments" in item["available_products"]
        assert item["webhook"] == "https://example.com/hook"
        assert item["error"] is None
        assert answer["status"]["transactions"]["last_successful_update"] is None
        bank.call("/transactions/sync", access_token=token)
        bank.call("/transactions/sync", access_token=token)
        answer = bank.call("/item/get", access_token=token)
        assert answer["status"]["transactions"]["last_successful_update"].startswith(TODAY)

    def test_a_removed_item_is_not_found(self, bank):
        token = bank.link()
        bank.call("/item/remove", access_token=token)
        for path in (
            "/item/get",
            "/item/remove",
            "/accounts/get",
            "/accounts/balance/get",
            "/transactions/sync",
        ):
            assert refused(bank, path, access_token=token) == (400, "ITEM_ERROR", "ITEM_NOT_FOUND")

    def test_tokens_that_never_were_are_invalid(self, bank):
        for token in (
            "nonsense",
            "access-sandbox-00000000-0000-4000-8000-000000000000",
            "\u2028",
            "a" * 10_000,
        ):
            assert refused(bank, "/accounts/get", access_token=token)[2] == "INVALID_ACCESS_TOKEN"

    def test_accounts_can_be_asked_for_by_id(self, bank):
        token = bank.link()
        ids = list(bank.accounts(token))
        asked = {"account_ids": [ids[3], ids[1]]}
        for path in ("/accounts/get", "/accounts/balance/get"):
            answer = bank.call(path, access_token=token, options=asked)
            assert [each["account_id"] for each in answer["accounts"]] == [ids[1], ids[3]]
            wrong = {"account_ids": [ids[0], "x" * 37]}
            assert refused(bank, path, access_token=token, options=wrong)[2] == "INVALID_ACCOUNT_ID"


def _holdings(accounts) -> Decimal:
    """Assets less cards: available if told, else current (the rule of the app this simulator is for)."""
    total = Decimal(0)
    for account in accounts:
        balances = account["balances"]
        if account["type"] == "depository":
            total += balances["current"] if balances["available"] is None else balances["available"]
        elif account["type"] == "investment":
            total += balances["current"]
        elif account["type"] == "credit":
            total -= balances["current"]
    return total


def _loans(accounts) -> Decimal:
    return sum((each["balances"]["current"] for each in accounts if each["type"] == "loan"), Decimal(0))


class TestInstitutions:
    def test_there_are_at_least_sixteen_and_the_documented_dozen(self, bank):
        documented = (
            109508,
            109509,
            109510,
            109511,
            109512,
            127287,
            130016,
            132363,
            132361,
            133402,
            135858,
            43,
        )
        ids = {each.institution_id for each in catalogue.all()}
        assert len(ids) >= 16
        assert {f"ins_{number}" for number in documented} <= ids

    def test_colour_address_and_logo_come_when_asked_for(self, bank):
        asked = {"institution_id": "ins_109508", "country_codes": ["US"]}
        plain = bank.call("/institutions/get_by_id", **asked)["institution"]
        assert not {"url", "primary_color", "logo", "status"} & set(plain)
        options = {"include_optional_metadata": True, "include_status": True}
        full = bank.call("/institutions/get_by_id", **asked, options=options)["institution"]
        assert base64.b64decode(full["logo"]).startswith(b"\x89PNG")
        assert full["primary_color"].startswith("#")
        assert full["status"]["item_logins"]["status"] == "HEALTHY"
        without = bank.call(
            "/institutions/get_by_id", **(asked | {"institution_id": "ins_109509"}), options=options
        )
        assert without["institution"]["logo"] is None

    def test_another_country_does_not_know_it(self, bank):
        asked = {"institution_id": "ins_sim_canada", "country_codes": ["US"]}
        assert refused(bank, "/institutions/get_by_id", **asked)[2] == "INVALID_INSTITUTION"

    def test_search_matches_words_countries_and_products(self, bank):
        def names(**asked) -> list[str]:
            found = bank.call("/institutions/search", **({"products": None, "country_codes": ["US"]} | asked))
            return [each["name"] for each in found["institutions"]]

        assert names(query="gingham") == ["First Gingham Credit Union"]
        assert names(query="CREDIT aurora", country_codes=["CA"]) == ["Aurora Credit Union"]
        assert names(query="aurora") == []
        assert names(query="gingham", products=["payment_initiation"]) == []
        assert names(query="platypus", options={"oauth": True}) == ["Platypus OAuth Bank"]
        assert len(names(query="a", country_codes=["US", "CA"])) == 10
