"""What the gateway asks Twilio for, byte by byte, and how it reads the answer."""

from __future__ import annotations

import base64
import json
import os
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from providers.base import OutgoingText, SentText
from providers.registry import LazyTexts
from tests.providers.raw_vendor import RawVendor, http
from tests.providers.twilio_calls import (
    ACCEPTED,
    ACCOUNT_SID,
    AUTH_TOKEN,
    BODY,
    NUMBER,
    SENT,
    SERVICE_SID,
    SID,
    SINCE,
    TEXT,
    TO,
    listing,
    make_texts,
)

CREATED = http(201, json.dumps(ACCEPTED, ensure_ascii=False).encode())
PATH = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"

TAKEN = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


def form_of(text: OutgoingText = TEXT, **changes: object) -> dict[str, str]:
    """The form that sending this text posts."""
    with RawVendor(CREATED) as vendor:
        make_texts(vendor.url, **changes).send(text)
    pairs = parse_qsl(vendor.bodies[0].decode(), strict_parsing=True)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def text_with(**changes: object) -> OutgoingText:
    values = {"to": TO, "body": BODY, "status_callback": None, "validity_seconds": 14_400}
    return OutgoingText(**{**values, **changes})  # type: ignore[arg-type]


def test_the_request_of_a_text():
    with RawVendor(CREATED) as vendor:
        make_texts(vendor.url).send(TEXT)
    request, *headers = vendor.heads[0].split("\r\n")
    assert request == f"POST {PATH} HTTP/1.1"
    key = base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
    assert f"Authorization: Basic {key}" in headers
    assert "Content-Type: application/x-www-form-urlencoded" in headers


def test_the_form_of_a_text_from_a_number():
    assert form_of() == {
        "To": TO,
        "From": NUMBER,
        "Body": BODY,
        "SmartEncoded": "true",
        "ValidityPeriod": "14400",
    }


def test_a_messaging_service_goes_before_a_number():
    form = form_of(messaging_service_sid=SERVICE_SID)
    assert form["MessagingServiceSid"] == SERVICE_SID
    assert "From" not in form


def test_the_status_callback_is_sent_only_when_there_is_one():
    url = "https://cash.example.com/webhooks/twilio/status?text=1a2b"
    assert form_of(text_with(status_callback=url))["StatusCallback"] == url
    assert "StatusCallback" not in form_of(text_with(status_callback=""))


@pytest.mark.parametrize("asked, sent", [(-5, "1"), (0, "1"), (1, "1"), (36_000, "36000"), (99_999, "36000")])
def test_validity_stays_in_what_twilio_takes(asked, sent):
    assert form_of(text_with(validity_seconds=asked))["ValidityPeriod"] == sent


def test_an_accepted_text():
    with RawVendor(CREATED) as vendor:
        sent = make_texts(vendor.url).send(TEXT)
    assert sent == SentText(sid=SID, status="queued", error_code=None, sent_at=TAKEN, body=BODY)


@pytest.mark.parametrize(
    "given, code", [(30034, "30034"), ("30034", "30034"), (None, None), ("x", None), ([], None)]
)
def test_a_text_that_failed_at_once_says_why(given, code):
    body = json.dumps({**ACCEPTED, "status": "failed", "error_code": given}).encode()
    with RawVendor(http(201, body)) as vendor:
        sent = make_texts(vendor.url).send(TEXT)
    assert (sent.status, sent.error_code) == ("failed", code)


def test_a_text_with_a_sid_was_accepted_whatever_else_is_missing():
    with RawVendor(http(201, json.dumps({"sid": SID}).encode())) as vendor:
        sent = make_texts(vendor.url).send(TEXT)
    assert sent == SentText(sid=SID, status="accepted", error_code=None, sent_at=None, body="")


def test_the_request_of_a_look_up_names_the_number_alone_and_has_no_body():
    with RawVendor(http(200, listing())) as vendor:
        assert make_texts(vendor.url).find(TO, SINCE) == []
    method, target, _ = vendor.heads[0].split("\r\n")[0].split(" ")
    assert (method, urlsplit(target).path) == ("GET", PATH)
    assert parse_qs(urlsplit(target).query) == {"To": [TO], "PageSize": ["100"]}


def test_a_look_up_finds_what_was_taken_since_then_though_it_waits_in_a_queue():
    there = timezone(timedelta(hours=-11))
    undated = {**ACCEPTED, "date_created": None}
    with RawVendor(http(200, listing(SENT, ACCEPTED, undated))) as vendor:
        texts = make_texts(vendor.url)
        found = texts.find(TO, SINCE.astimezone(there))
        later = texts.find(TO, TAKEN + timedelta(seconds=1))
    assert [(text.status, text.sent_at, text.body) for text in found] == [
        ("delivered", TAKEN, BODY),
        ("queued", TAKEN, BODY),
        ("queued", None, BODY),
    ]
    assert [text.sent_at for text in later] == [None]


def test_a_look_up_reads_one_page_and_never_goes_where_the_answer_says():
    with RawVendor(http(200, listing())) as elsewhere:
        page = json.loads(listing(SENT)) | {"next_page_uri": f"{elsewhere.url}/x"}
        with RawVendor(http(200, json.dumps(page).encode())) as vendor:
            assert len(make_texts(vendor.url).find(TO, SINCE)) == 1
    assert len(vendor.heads) == 1
    assert elsewhere.heads == []


# Where it goes


def test_a_base_url_may_have_a_path():
    with RawVendor(CREATED) as vendor:
        make_texts(f"{vendor.url}/twilio").send(TEXT)
    assert vendor.heads[0].startswith(f"POST /twilio{PATH} ")


def test_without_a_base_url_it_is_twilio():
    assert make_texts(None)._messages._version.absolute_url("x") == "https://api.twilio.com/2010-04-01/x"


@pytest.mark.parametrize("url", ["http://example.com", "http://192.168.1.4:5300", "ftp://127.0.0.2.example"])
def test_an_address_that_would_show_our_keys_is_refused(url):
    with pytest.raises(ValueError, match="https"):
        make_texts(url)


def test_the_environment_of_the_process_does_not_move_a_text(monkeypatch):
    """TWILIO_BASE_URL is the one setting that says where Twilio is; a proxy does not lie before this machine."""
    for name in ("TWILIO_REGION", "TWILIO_EDGE"):
        monkeypatch.setenv(name, "ie1")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with RawVendor(CREATED) as vendor:
        assert make_texts(vendor.url).send(TEXT).sid == SID


# Threads, and the first use


def test_threads_share_a_gateway():
    sids: list[str] = []
    with RawVendor(CREATED) as vendor:
        texts = make_texts(vendor.url)
        threads = [threading.Thread(target=lambda: sids.append(texts.send(TEXT).sid)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert sids == [SID] * 8


def test_the_lazy_gateway_is_built_on_first_use_and_once():
    with RawVendor(CREATED) as vendor:
        texts = LazyTexts(
            {
                "account_sid": ACCOUNT_SID,
                "auth_token": AUTH_TOKEN,
                "number": NUMBER,
                "base_url": vendor.url,
            }
        )
        assert texts._built is None
        assert texts.send(TEXT).sid == SID
        first = texts._built
        texts.send(TEXT)
        assert texts._built is first
    with RawVendor(http(200, listing(SENT))) as vendor:
        options = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "base_url": vendor.url}
        assert LazyTexts(options).find(TO, SINCE)[0].sid == SID


REPOSITORY = Path(__file__).resolve().parents[2]
SPEC = (
    Path(os.environ.get("CASHVIEW_SPECS", REPOSITORY.parent / "shared" / "specs"))
    / "twilio-messages-openapi.json"
)


@pytest.mark.skipif(not SPEC.is_file(), reason="Twilio's API description is not here")
@pytest.mark.parametrize("changes", [{}, {"messaging_service_sid": SERVICE_SID}])
def test_the_form_is_what_twilios_own_description_takes(changes):
    described = json.loads(SPEC.read_text(encoding="utf-8"))
    create = described["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    schema = create["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    form = form_of(text_with(status_callback="https://cash.example.com/x"), **changes)
    assert form.keys() <= schema["properties"].keys()
    assert set(schema["required"]) <= form.keys()
