"""What PlaidGateway asks of Plaid, byte for byte where it matters, and how it reads good answers."""

from __future__ import annotations

import base64
import inspect
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from providers.base import BankGateway, Exchanged, ItemInfo, LinkToken, ProviderError
from providers.plaid import PlaidGateway
from tests.providers.calls import CALLS, GOOD
from tests.providers.conftest import ACCESS_TOKEN, CLIENT_ID, PUBLIC_TOKEN, SECRET, make_gateway
from tests.providers.raw_vendor import RawVendor, http
from tests.support import scripted_plaid as plaid
from tests.support.scripted_plaid import account, accounts, page, transaction

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"


def test_the_gateway_has_every_method_of_the_protocol_with_its_arguments():
    methods = {name for name in vars(BankGateway) if not name.startswith("_")}
    assert methods == CALLS.keys(), "a method was added: give it a row in calls.py"
    for name in methods:
        wanted = inspect.signature(getattr(BankGateway, name)).parameters.keys()
        assert inspect.signature(getattr(PlaidGateway, name)).parameters.keys() == wanted


@pytest.mark.parametrize("method", CALLS)
def test_every_method_posts_to_its_path_with_keys_and_version_in_the_headers(method):
    path, call = CALLS[method]
    with RawVendor(http(200, json.dumps(GOOD[method]).encode())) as vendor:
        call(make_gateway(vendor.url))
    assert len(vendor.heads) == 1
    first, *lines = vendor.heads[0].split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert first == f"POST {path} HTTP/1.1"
    assert headers["plaid-client-id"] == CLIENT_ID
    assert headers["plaid-secret"] == SECRET
    assert headers["plaid-version"] == "2020-09-14"
    assert headers["content-type"] == "application/json"


def test_a_base_url_with_a_path_is_kept(vendor):
    vendor.always("/plaid/item/remove", {})
    make_gateway(f"{vendor.url}/plaid").remove(ACCESS_TOKEN)
    assert vendor.asked("/plaid/item/remove") == [{"access_token": ACCESS_TOKEN}]


def test_link_token_for_a_user(gateway, vendor):
    vendor.always("/link/token/create", GOOD["create_link_token"])
    assert gateway.create_link_token(7) == LinkToken("link-sandbox-1", "2026-11-23T12:00:00Z")
    assert vendor.asked("/link/token/create") == [
        {
            "client_name": "CashView",
            "language": "en",
            "country_codes": ["US", "CA"],
            "user": {"client_user_id": "7"},
            "products": ["transactions"],
            "transactions": {"days_requested": 730},
        }
    ]


UPDATE = {
    "client_name": "CashView",
    "language": "en",
    "country_codes": ["US", "CA"],
    "user": {"client_user_id": "7"},
    "access_token": ACCESS_TOKEN,
}


@pytest.mark.parametrize(
    "choose, consent, more",
    [
        (False, False, {}),
        (True, False, {"update": {"account_selection_enabled": True}}),
        (False, True, {"additional_consented_products": ["transactions"]}),
    ],
)
def test_in_update_mode_the_item_is_named_and_no_product(gateway, vendor, choose, consent, more):
    vendor.always("/link/token/create", GOOD["create_link_token"])
    token = gateway.create_update_token(7, ACCESS_TOKEN, choose_accounts=choose, ask_consent=consent)
    assert token == LinkToken("link-sandbox-1", "2026-11-23T12:00:00Z")
    assert vendor.asked("/link/token/create") == [{**UPDATE, **more}]


def test_update_mode_goes_by_the_redirect_too_and_leaves_the_webhook_alone(gateway_with, vendor):
    vendor.always("/link/token/create", GOOD["create_link_token"])
    gateway = gateway_with(redirect_uri="https://example.com/oauth", webhook_url="https://example.com/hook")
    gateway.create_update_token(7, ACCESS_TOKEN, choose_accounts=False, ask_consent=False)
    assert vendor.asked("/link/token/create") == [{**UPDATE, "redirect_uri": "https://example.com/oauth"}]


@pytest.mark.parametrize(
    "said, read",
    [
        ("2027-05-03T10:00:00Z", datetime(2027, 5, 3, 10, tzinfo=UTC)),
        (None, None),
        ("soon", None),
        (7, None),
        ("2027-05-03T10:00:00", None),  # no zone: it means nothing
    ],
)
def test_when_the_consent_ends_comes_with_the_accounts_and_the_item(gateway, vendor, said, read):
    item = {**plaid.ITEM, "consent_expiration_time": said}
    vendor.always("/accounts/get", {"accounts": [], "item": item})
    vendor.always("/item/get", {"item": item, "status": None})
    assert gateway.accounts(ACCESS_TOKEN).consent_ends_at == read
    assert gateway.item(ACCESS_TOKEN).consent_ends_at == read


def test_more_products_are_optional_and_addresses_go_only_when_set(gateway_with, vendor):
    vendor.always("/link/token/create", GOOD["create_link_token"])
    gateway_with(
        products=["transactions", "investments", "liabilities"],
        redirect_uri="https://example.com/oauth",
        webhook_url="https://example.com/webhooks/plaid",
    ).create_link_token(7)
    asked = vendor.asked("/link/token/create")[0]
    assert asked["products"] == ["transactions"]
    assert asked["optional_products"] == ["investments", "liabilities"]
    assert asked["redirect_uri"] == "https://example.com/oauth"
    assert asked["webhook"] == "https://example.com/webhooks/plaid"


def test_a_sandbox_public_token(gateway, vendor):
    vendor.always("/sandbox/public_token/create", {"public_token": PUBLIC_TOKEN})
    start, end = date(2026, 8, 25), date(2026, 11, 23)
    token = gateway.create_sandbox_public_token(
        "ins_109508", ["transactions"], "user_custom", "{}", start, end
    )
    assert token == PUBLIC_TOKEN
    assert vendor.asked("/sandbox/public_token/create") == [
        {
            "institution_id": "ins_109508",
            "initial_products": ["transactions"],
            "options": {
                "override_username": "user_custom",
                "override_password": "{}",
                "transactions": {"start_date": "2026-08-25", "end_date": "2026-11-23"},
            },
        }
    ]


def test_an_exchange_is_secret_even_when_shown(gateway, vendor):
    vendor.always("/item/public_token/exchange", GOOD["exchange"])
    exchanged = gateway.exchange(PUBLIC_TOKEN)
    assert exchanged == Exchanged(ACCESS_TOKEN, "item-1")
    assert vendor.asked("/item/public_token/exchange") == [{"public_token": PUBLIC_TOKEN}]
    assert ACCESS_TOKEN not in repr(exchanged)


def test_an_item(gateway, vendor):
    read_at = "2026-11-23T09:00:00Z"
    item = plaid.ITEM | {"error": {"error_code": "ITEM_LOGIN_REQUIRED"}}
    vendor.always(
        "/item/get", {"item": item, "status": {"transactions": {"last_successful_update": read_at}}}
    )
    assert gateway.item(ACCESS_TOKEN) == ItemInfo(
        "ins_1", "Bank of Tests", "ITEM_LOGIN_REQUIRED", datetime(2026, 11, 23, 9, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "status", [None, {}, {"transactions": None}, {"transactions": {"last_successful_update": "?"}}]
)
def test_an_item_nobody_has_read_yet(gateway, vendor, status):
    vendor.always("/item/get", {"item": {"item_id": "item-1", "institution_id": None}, "status": status})
    assert gateway.item(ACCESS_TOKEN) == ItemInfo(None, None, None, None)


@pytest.mark.parametrize(
    "raw, color, logo",
    [
        ({"primary_color": "#095aa6", "logo": base64.b64encode(PNG).decode()}, "#095aa6", PNG),
        ({"primary_color": None, "logo": None}, None, None),
        ({}, None, None),
        ({"primary_color": "red;background:url(//evil)"}, None, None),
        ({"primary_color": "#095AA6\n"}, None, None),
        ({"logo": base64.b64encode(b"<svg onload=alert(1)>").decode()}, None, None),
        ({"logo": base64.b64encode(b"GIF89a").decode()}, None, None),
        ({"logo": "%%%"}, None, None),
        ({"logo": base64.b64encode(PNG + b"x" * 200_000).decode()}, None, None),
        ({"primary_color": 7, "logo": {"a": 1}}, None, None),
    ],
)
def test_an_institutions_face_is_a_colour_and_a_png_or_nothing(gateway, vendor, raw, color, logo):
    entry = {"institution_id": "ins_1", "name": "Bank", **raw}
    vendor.always("/institutions/get_by_id", {"institution": entry})
    institution = gateway.institution("ins_1")
    assert (institution.primary_color, institution.logo) == (color, logo)
    assert vendor.asked("/institutions/get_by_id") == [
        {
            "institution_id": "ins_1",
            "country_codes": ["US", "CA"],
            "options": {"include_optional_metadata": True},
        }
    ]


@pytest.mark.parametrize(
    "method, path", [("accounts", "/accounts/get"), ("realtime_accounts", "/accounts/balance/get")]
)
def test_accounts_are_read_exactly(gateway, vendor, method, path):
    body = json.dumps(
        accounts(account("a1", mask="1234", official_name="Gold", available=0, current="CURRENT", limit=None))
    )
    vendor.always(path, (200, body.replace('"CURRENT"', "23631.9805").encode()))
    (read,) = getattr(gateway, method)(ACCESS_TOKEN).rows
    assert (read.account_id, read.name, read.official_name, read.mask) == ("a1", "Checking", "Gold", "1234")
    assert (read.type, read.subtype, read.currency) == ("depository", "checking", "USD")
    assert (read.available, read.current, read.limit) == (Decimal(0), Decimal("23631.9805"), None)
    assert vendor.asked(path) == [{"access_token": ACCESS_TOKEN}]


@pytest.mark.parametrize(
    "literal, amount",
    [
        ("110", "110"),
        ("0.1", "0.1"),
        ("-12.345678", "-12.3457"),
        ("1e2", "100"),
        ("0.30000000000000004", "0.3"),
        ("9007199254740993.5", None),
        ("1e400", None),
        ("NaN", None),
        ("-Infinity", None),
        ("null", None),
        ('"110"', None),
        ("true", None),
        ("[]", None),
        ("9" * 5000, None),
        ("10000000000000", None),
    ],
)
def test_an_amount_as_the_vendor_wrote_it_is_exact_or_unknown(gateway, vendor, literal, amount):
    body = json.dumps(accounts(account("a1", current="CURRENT"))).replace('"CURRENT"', literal)
    vendor.always("/accounts/get", (200, body.encode()))
    (read,) = gateway.accounts(ACCESS_TOKEN).rows
    assert read.current == (None if amount is None else Decimal(amount))


def test_what_a_bank_leaves_out_or_invents_does_not_stop_it(gateway, vendor):
    bare = {"account_id": "a1", "balances": {}, "name": None, "type": "crypto vault", "subtype": None}
    coin = account(
        "a2", iso_currency_code=None, unofficial_currency_code="BTC", name="N\x00ame\ud800", mask="1" * 40
    )
    vendor.always("/accounts/get", accounts(bare, coin))
    first, second = gateway.accounts(ACCESS_TOKEN).rows
    assert (first.name, first.type, first.currency, first.available, first.mask) == (
        "Account",
        "crypto vault",
        None,
        None,
        None,
    )
    assert (second.name, second.currency, second.mask) == ("Name", "BTC", "1" * 16)


def test_the_first_sync_sends_no_cursor(gateway, vendor):
    gateway.sync(ACCESS_TOKEN, None)
    gateway.sync(ACCESS_TOKEN, "c1")
    common = {"access_token": ACCESS_TOKEN, "count": 500, "options": {"days_requested": 730}}
    assert vendor.asked("/transactions/sync") == [common, {**common, "cursor": "c1"}]


def test_a_page_of_changes(gateway, vendor):
    added = transaction("t1", 12.5, merchant_name="Shop", authorized_date="2026-11-09", pending=True)
    modified = transaction("t2", -3, pending_transaction_id="t0", personal_finance_category=None)
    vendor.always(
        "/transactions/sync",
        page([added], modified=[modified], removed=["t9"], cursor="c2", more=True, accounts=[account("a1")]),
    )
    read = gateway.sync(ACCESS_TOKEN, "c1")
    assert (read.next_cursor, read.has_more, read.status) == ("c2", True, "HISTORICAL_UPDATE_COMPLETE")
    assert read.removed == ["t9"]
    assert [row.account_id for row in read.accounts] == ["a1"]
    first, second = read.upserts
    assert (first.transaction_id, first.amount, first.date) == ("t1", Decimal("12.5"), date(2026, 11, 10))
    assert (first.pending, first.authorized_date, first.merchant_name) == (True, date(2026, 11, 9), "Shop")
    assert (first.category, first.category_detail) == ("FOOD_AND_DRINK", "FOOD_AND_DRINK_GROCERIES")
    assert (second.amount, second.pending_transaction_id, second.category) == (Decimal(-3), "t0", None)


def test_not_ready_is_an_empty_page_with_an_empty_cursor(gateway, vendor):
    vendor.always("/transactions/sync", plaid.NOT_READY)
    read = gateway.sync(ACCESS_TOKEN, None)
    assert (read.upserts, read.removed, read.next_cursor, read.status) == ([], [], "", "NOT_READY")


@pytest.mark.parametrize("literal", ["NaN", "1e400", "null", '"12"', "10000000000000"])
def test_a_transaction_without_a_usable_amount_is_left_out(gateway, vendor, literal):
    body = json.dumps(page([transaction("t1", "AMOUNT"), transaction("t2", 5)], cursor="c1"))
    vendor.always("/transactions/sync", (200, body.replace('"AMOUNT"', literal).encode()))
    assert [row.transaction_id for row in gateway.sync(ACCESS_TOKEN, None).upserts] == ["t2"]


def test_amounts_of_an_unreadable_page_are_not_told(gateway, vendor):
    vendor.always("/transactions/sync", page([transaction("t1", 98765.43, date="soon")], cursor="c1"))
    with pytest.raises(ProviderError) as caught:
        gateway.sync(ACCESS_TOKEN, None)
    assert caught.value.code == "INVALID_RESPONSE"
    assert "98765" not in repr(caught.value)


def test_removing_answers_nothing(gateway, vendor):
    assert gateway.remove(ACCESS_TOKEN) is None
    assert vendor.asked("/item/remove") == [{"access_token": ACCESS_TOKEN}]


def test_where_news_go_is_part_of_a_sandbox_token_and_can_be_moved(gateway_with, vendor):
    url = "https://example.com/webhooks/plaid"
    vendor.always("/sandbox/public_token/create", GOOD["create_sandbox_public_token"])
    vendor.always("/item/webhook/update", GOOD["move_webhook"])
    gateway = gateway_with(webhook_url=url)
    assert gateway.webhook_url == url
    CALLS["create_sandbox_public_token"][1](gateway)
    assert vendor.asked("/sandbox/public_token/create")[0]["options"]["webhook"] == url
    gateway.move_webhook(ACCESS_TOKEN, url)
    assert vendor.asked("/item/webhook/update") == [{"access_token": ACCESS_TOKEN, "webhook": url}]


def test_a_key_of_webhooks_is_read_with_its_end(gateway, vendor):
    vendor.always("/webhook_verification_key/get", GOOD["webhook_key"])
    key = gateway.webhook_key("key-1")
    assert (key.jwk["kid"], key.expired) == ("key-1", False)
    assert vendor.asked("/webhook_verification_key/get") == [{"key_id": "key-1"}]
    ended = GOOD["webhook_key"]["key"] | {"expired_at": 1_700_000_000}
    vendor.always("/webhook_verification_key/get", {"key": ended})
    assert gateway.webhook_key("key-1").expired
