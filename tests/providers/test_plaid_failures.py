"""Every documented code and every way a network can fail becomes one ProviderError that says nothing secret."""

from __future__ import annotations

import json
import logging
import traceback

import pytest

import providers.plaid as plaid_module
from domain.wording import failure_sentence
from providers.base import Kind, ProviderError
from providers.plaid_errors import KIND_OF_CODE, from_response
from tests.providers.calls import CALLS, GOOD
from tests.providers.conftest import ACCESS_TOKEN, CLIENT_ID, PUBLIC_TOKEN, SECRET, make_gateway
from tests.providers.raw_vendor import HANG, RESET, RawVendor, http
from tests.support.scripted_plaid import account, accounts, failure

# code, error_type, HTTP status, what it asks of us: Plaid's error reference, in the words of DESIGN.md 4.
CODES = [
    ("ITEM_LOGIN_REQUIRED", "ITEM_ERROR", 400, Kind.LOGIN),
    ("INVALID_CREDENTIALS", "ITEM_ERROR", 400, Kind.LOGIN),
    ("INVALID_MFA", "ITEM_ERROR", 400, Kind.LOGIN),
    ("ITEM_LOCKED", "ITEM_ERROR", 400, Kind.LOGIN),
    ("PASSWORD_RESET_REQUIRED", "ITEM_ERROR", 400, Kind.LOGIN),
    ("USER_SETUP_REQUIRED", "ITEM_ERROR", 400, Kind.LOGIN),
    ("ACCESS_NOT_GRANTED", "ITEM_ERROR", 400, Kind.LOGIN),
    ("NO_ACCOUNTS", "ITEM_ERROR", 400, Kind.LOGIN),
    ("ADDITIONAL_CONSENT_REQUIRED", "INVALID_INPUT", 400, Kind.LOGIN),
    ("INSUFFICIENT_CREDENTIALS", "ITEM_ERROR", 400, Kind.PERMANENT),
    ("INVALID_UPDATED_USERNAME", "ITEM_ERROR", 400, Kind.PERMANENT),
    ("PENDING_DISCONNECT", "ITEM_ERROR", 400, Kind.EXPIRING),
    ("PENDING_EXPIRATION", "ITEM_ERROR", 400, Kind.EXPIRING),
    ("ITEM_NOT_FOUND", "ITEM_ERROR", 400, Kind.GONE),
    ("INVALID_ACCESS_TOKEN", "INVALID_INPUT", 400, Kind.GONE),
    ("USER_PERMISSION_REVOKED", "INVALID_INPUT", 400, Kind.GONE),
    ("PRODUCT_NOT_READY", "ITEM_ERROR", 400, Kind.NOT_READY),
    ("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", "TRANSACTIONS_ERROR", 400, Kind.MUTATION),
    ("PRODUCTS_NOT_SUPPORTED", "ITEM_ERROR", 400, Kind.UNSUPPORTED),
    ("NO_INVESTMENT_ACCOUNTS", "ITEM_ERROR", 400, Kind.UNSUPPORTED),
    ("NO_LIABILITY_ACCOUNTS", "ITEM_ERROR", 400, Kind.UNSUPPORTED),
    ("INVALID_PRODUCT", "INVALID_INPUT", 400, Kind.UNSUPPORTED),  # of an Item: it was linked without it
    ("ITEM_NOT_SUPPORTED", "ITEM_ERROR", 400, Kind.PERMANENT),
    ("MFA_NOT_SUPPORTED", "ITEM_ERROR", 400, Kind.PERMANENT),
    ("INSTITUTION_NO_LONGER_SUPPORTED", "INSTITUTION_ERROR", 400, Kind.PERMANENT),
    ("UNSUPPORTED_RESPONSE", "INSTITUTION_ERROR", 400, Kind.PERMANENT),
    ("UNAUTHORIZED_INSTITUTION", "INVALID_INPUT", 400, Kind.PERMANENT),
    ("INSTITUTION_REGISTRATION_REQUIRED", "INVALID_INPUT", 400, Kind.PERMANENT),
    ("CREDITS_EXHAUSTED", "RATE_LIMIT_EXCEEDED", 429, Kind.PERMANENT),
    ("TRIAL_CONNECTION_LIMIT", "RATE_LIMIT_EXCEEDED", 429, Kind.PERMANENT),
    ("ACCOUNTS_LIMIT", "RATE_LIMIT_EXCEEDED", 429, Kind.LIMIT),
    ("BALANCE_LIMIT", "RATE_LIMIT_EXCEEDED", 429, Kind.LIMIT),
    ("ACCOUNTS_BALANCE_GET_LIMIT", "RATE_LIMIT_EXCEEDED", 429, Kind.LIMIT),
    ("TRANSACTIONS_SYNC_LIMIT", "RATE_LIMIT_EXCEEDED", 429, Kind.LIMIT),
    ("TRANSACTIONS_LIMIT", "RATE_LIMIT_EXCEEDED", 429, Kind.LIMIT),
    ("ITEM_GET_LIMIT", "RATE_LIMIT_EXCEEDED", 429, Kind.LIMIT),
    ("RATE_LIMIT", "RATE_LIMIT_EXCEEDED", 429, Kind.LIMIT),
    ("INSTITUTION_RATE_LIMIT", "RATE_LIMIT_EXCEEDED", 429, Kind.LIMIT),
    ("INSTITUTION_DOWN", "INSTITUTION_ERROR", 400, Kind.RETRY),
    ("INSTITUTION_NOT_RESPONDING", "INSTITUTION_ERROR", 400, Kind.RETRY),
    ("INSTITUTION_NOT_AVAILABLE", "INSTITUTION_ERROR", 400, Kind.RETRY),
    ("INTERNAL_SERVER_ERROR", "API_ERROR", 500, Kind.RETRY),
    ("PLANNED_MAINTENANCE", "API_ERROR", 503, Kind.RETRY),
    ("ITEM_CONCURRENTLY_DELETED", "ITEM_ERROR", 400, Kind.RETRY),
    ("INVALID_LINK_TOKEN", "INVALID_INPUT", 400, Kind.INPUT),
    ("INVALID_PUBLIC_TOKEN", "INVALID_INPUT", 400, Kind.INPUT),
    ("INVALID_ACCOUNT_ID", "INVALID_INPUT", 400, Kind.INPUT),
    ("INVALID_INSTITUTION", "INVALID_INPUT", 400, Kind.INPUT),
    ("INVALID_WEBHOOK_VERIFICATION_KEY_ID", "INVALID_INPUT", 400, Kind.INPUT),
    ("INVALID_API_KEYS", "INVALID_INPUT", 400, Kind.CONFIG),
    ("MISSING_FIELDS", "INVALID_REQUEST", 400, Kind.CONFIG),
    ("UNKNOWN_FIELDS", "INVALID_REQUEST", 400, Kind.CONFIG),
    ("INVALID_FIELD", "INVALID_REQUEST", 400, Kind.CONFIG),
    ("INVALID_BODY", "INVALID_REQUEST", 400, Kind.CONFIG),
    # Codes of tomorrow: by their type and status.
    ("NEW_LIMIT", "RATE_LIMIT_EXCEEDED", 400, Kind.LIMIT),
    ("NEW_THING", "SOMETHING_ELSE", 429, Kind.LIMIT),
    ("NEW_FIELD_TROUBLE", "INVALID_REQUEST", 400, Kind.CONFIG),
    ("NEW_TROUBLE", "ITEM_ERROR", 400, Kind.RETRY),
    ("NEW_TROUBLE", None, 418, Kind.RETRY),
]
SHORT = (0.3, 0.3)


def caught_from(vendor_url: str, method: str = "accounts") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        CALLS[method][1](make_gateway(vendor_url))
    return caught.value


@pytest.mark.parametrize("code, error_type, status, kind", CODES, ids=[f"{row[0]}-{row[2]}" for row in CODES])
def test_every_code_asks_one_thing_of_us(vendor, gateway, code, error_type, status, kind):
    vendor.always("/accounts/get", failure(code, error_type, status))
    with pytest.raises(ProviderError) as caught:
        gateway.accounts(ACCESS_TOKEN)
    assert (caught.value.code, caught.value.kind) == (code, kind)
    assert caught.value.request_id == "scripted"


def test_the_table_of_this_test_knows_every_code_of_the_gateway():
    extra = KIND_OF_CODE.keys() - {row[0] for row in CODES}
    assert extra <= {
        "COUNTRY_NOT_SUPPORTED", "INVALID_HEADERS", "NOT_FOUND", "SANDBOX_ONLY", "PRODUCT_NOT_ENABLED",
        "UNAUTHORIZED_ENVIRONMENT", "UNAUTHORIZED_ROUTE_ACCESS",
    }  # fmt: skip


@pytest.mark.parametrize("method", CALLS)
def test_every_method_turns_a_refusal_into_the_error(vendor, gateway, method):
    path, call = CALLS[method]
    vendor.always(path, failure("INSTITUTION_DOWN", "INSTITUTION_ERROR"))
    with pytest.raises(ProviderError) as caught:
        call(gateway)
    assert caught.value.code == "INSTITUTION_DOWN"
    assert len(vendor.asked(path)) == 1, "a gateway does not retry by itself: services know when"


def test_the_vendors_own_sentence_is_kept_for_the_person(vendor, gateway):
    status, body = failure("ITEM_LOCKED")
    vendor.always("/accounts/get", (status, body | {"display_message": "Unlock it at the bank."}))
    with pytest.raises(ProviderError) as caught:
        gateway.accounts(ACCESS_TOKEN)
    assert caught.value.display == "Unlock it at the bank."


@pytest.mark.parametrize(
    "status, body, code, kind",
    [
        (502, b"<html>Bad Gateway</html>", "HTTP_502", Kind.RETRY),
        (500, b"", "HTTP_500", Kind.RETRY),
        (503, b'{"error_code": ', "HTTP_503", Kind.RETRY),
        (500, b'["error_code"]', "HTTP_500", Kind.RETRY),
        (400, b'{"error_code": null}', "HTTP_400", Kind.RETRY),
        (400, b'{"error_code": {"a": 1}}', "HTTP_400", Kind.RETRY),
        (400, b'{"error_code": "", "error_type": "ITEM_ERROR"}', "HTTP_400", Kind.RETRY),
        (400, b"[" * 100_000, "HTTP_400", Kind.RETRY),
        (429, b"slow down", "HTTP_429", Kind.LIMIT),
        (401, b"<html>", "HTTP_401", Kind.RETRY),
        (404, b"", "HTTP_404", Kind.RETRY),
        (301, b"", "HTTP_301", Kind.RETRY),
    ],
)
def test_an_answer_that_is_not_plaids_envelope(status, body, code, kind):
    with RawVendor(http(status, body, "text/html")) as vendor:
        error = caught_from(vendor.url)
    assert (error.code, error.kind) == (code, kind)
    assert error.request_id is None


def test_an_error_body_that_is_not_utf8():
    with RawVendor(http(500, b'{"error_code": "\xff\xfe"}')) as vendor:
        assert caught_from(vendor.url).kind is Kind.RETRY
    assert from_response(500, b"\xff\xfe").code == "HTTP_500"


UNREADABLE = [
    b"<html>Welcome</html>",
    b'{"accounts": [{"account_id": "a1", "bal',
    b"",
    b"[]",
    b"null",
    b'"accounts"',
    b"7",
    b"{}",
    b'{"accounts": null}',
    b'{"accounts": {"a": 1}}',
    b'{"accounts": [null]}',
    b'{"accounts": [7]}',
    b'{"accounts": ["a"]}',
    b'{"accounts": [{}]}',
    b'{"accounts": [{"account_id": null, "balances": {}}]}',
    b'{"accounts": [{"account_id": "", "balances": {}}]}',
    b'{"accounts": [{"account_id": "a1", "balances": null}]}',
    b'{"accounts": [{"account_id": "a1", "balances": 7}]}',
    b'{"accounts": [{"account_id": "a\xff"}]}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: repr(body[:40]))
def test_a_200_that_cannot_be_read_is_the_vendors_failure(body):
    with RawVendor(http(200, body)) as vendor:
        error = caught_from(vendor.url)
    assert (error.code, error.kind) == ("INVALID_RESPONSE", Kind.RETRY)


SPOILT = [(method, field) for method in CALLS for field in GOOD[method]]


@pytest.mark.parametrize("method, field", SPOILT)
def test_a_missing_or_null_field_never_raises_anything_else(vendor, gateway, method, field):
    path, call = CALLS[method]
    without = {key: value for key, value in GOOD[method].items() if key != field}
    for answer in (
        without,
        without | {field: None},
        without | {field: 7},
        without | {field: "x"},
        without | {field: []},
    ):
        vendor.next(path, answer)
        try:
            call(gateway)
        except ProviderError as error:
            assert (error.code, error.kind) == ("INVALID_RESPONSE", Kind.RETRY)  # noqa: PT017 - or it was optional


TOKENS = [("create_link_token", "link_token"), ("exchange", "access_token"), ("exchange", "item_id")]


@pytest.mark.parametrize("method, field", [*TOKENS, ("create_sandbox_public_token", "public_token")])
@pytest.mark.parametrize("wrong", [None, "", 7, [], {"a": 1}])
def test_a_token_that_is_no_text_is_no_token(vendor, gateway, method, field, wrong):
    """What cannot be stored must be noticed here, not when the database refuses it."""
    path, call = CALLS[method]
    vendor.always(path, GOOD[method] | {field: wrong})
    with pytest.raises(ProviderError) as caught:
        call(gateway)
    assert caught.value.code == "INVALID_RESPONSE"


def test_a_body_shorter_than_promised():
    with RawVendor(http(200, b'{"accounts": []', length=1000)) as vendor:
        assert caught_from(vendor.url).kind is Kind.RETRY


def test_a_reset_connection():
    with RawVendor(RESET) as vendor:
        error = caught_from(vendor.url)
    assert error.kind is Kind.RETRY
    assert error.code.startswith("TRANSPORT_")


def test_what_is_not_http():
    with RawVendor(b"SSH-2.0-OpenSSH_9.6\r\n") as vendor:
        assert caught_from(vendor.url).code.startswith("TRANSPORT_")


def test_a_refused_connection():
    error = caught_from("http://127.0.0.1:9")
    assert error.kind is Kind.RETRY
    assert error.code.startswith("TRANSPORT_")


@pytest.mark.parametrize("method", CALLS)
def test_every_method_gives_up_on_a_vendor_that_hangs(monkeypatch, method):
    for name in ("IN_REQUEST", "BACKGROUND", "REALTIME"):
        monkeypatch.setattr(plaid_module, name, SHORT)
    with RawVendor(HANG) as vendor:
        error = caught_from(vendor.url, method)
    assert error.kind is Kind.RETRY
    assert error.code == "TRANSPORT_ReadTimeoutError"
    assert len(vendor.heads) == 1, "a call that may have been carried out is not repeated"


def test_time_outs_keep_a_request_under_ten_seconds_and_realtime_at_sixty():
    assert sum(plaid_module.IN_REQUEST) < 10
    assert plaid_module.REALTIME[1] == 60
    assert plaid_module.BACKGROUND[1] <= 60


def test_a_redirect_is_not_followed_with_our_keys():
    with RawVendor(http(200, b'{"accounts": []}')) as elsewhere:
        moved = http(307, b"").replace(
            b"Connection:", b"Location: " + elsewhere.url.encode() + b"/x\r\nConnection:"
        )
        with RawVendor(moved) as vendor:
            error = caught_from(vendor.url)
    assert error.code == "HTTP_307"
    assert elsewhere.heads == []


SECRETS = (SECRET, CLIENT_ID, ACCESS_TOKEN, PUBLIC_TOKEN, "98765.43")


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        http(
            400,
            json.dumps({"error_code": "ITEM_LOCKED", "error_message": f"{ACCESS_TOKEN} 98765.43"}).encode(),
        ),
        http(200, f'{{"accounts": "98765.43 {ACCESS_TOKEN}", "item": 98765.43}}'.encode()),
        http(502, f"<html>{ACCESS_TOKEN} 98765.43".encode()),
        RESET,
        HANG,
    ],
    ids=["envelope", "unreadable", "html", "reset", "hang"],
)
def test_no_secret_and_no_amount_is_told_or_logged(monkeypatch, caplog, method, answer):
    for name in ("IN_REQUEST", "BACKGROUND", "REALTIME"):
        monkeypatch.setattr(plaid_module, name, SHORT)
    caplog.set_level(logging.DEBUG)
    with RawVendor(answer) as vendor:
        try:
            CALLS[method][1](make_gateway(vendor.url))
        except ProviderError as error:
            told = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
        else:
            told = ""
    told += "".join(f"{record.getMessage()} {record.exc_text}" for record in caplog.records)
    assert [secret for secret in SECRETS if secret in told] == []


def test_options_do_not_show_the_secret():
    assert SECRET not in repr(make_gateway("http://127.0.0.1:9")._options)


def test_every_code_has_words_for_the_person():
    assert all(failure_sentence(code) for code, *_ in CODES)


@pytest.mark.parametrize("code", ["ITEM_LOGIN_REQUIRED", "USER_PERMISSION_REVOKED"])
def test_cached_accounts_of_an_item_that_waits_for_its_person_are_no_fresh_numbers(vendor, gateway, code):
    answer = accounts(account("a1"))
    answer["item"] = {**answer["item"], "error": {"error_code": code, "error_type": "ITEM_ERROR"}}
    vendor.always("/accounts/get", answer)
    with pytest.raises(ProviderError) as caught:
        gateway.accounts("access")
    assert caught.value.code == code
