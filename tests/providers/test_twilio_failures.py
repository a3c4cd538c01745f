"""Every documented refusal and every way a network can fail becomes one TextError that says nothing personal."""

from __future__ import annotations

import json
import logging
import socket
import struct
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

import providers.twilio as twilio_module
from providers.base import OutgoingText, TextError, TextKind
from providers.twilio_errors import KIND_OF_CODE, from_response
from tests.providers.raw_vendor import HANG, RESET, RawVendor, http
from tests.providers.twilio_calls import (
    ACCEPTED,
    ACCOUNT_SID,
    AUTH_TOKEN,
    BODY,
    CALLS,
    SENT,
    SERVICE_SID,
    TO,
    error_of,
    listing,
    make_texts,
    refusal,
)
from tests.support.tls import untrusted_server

# code, HTTP status, what it asks of us
REFUSALS = [
    (21730, 400, TextKind.NOT_SENT),
    (20429, 429, TextKind.LIMIT),
    (63038, 429, TextKind.LIMIT),  # whatever the code: a 429 is never processed
    (20003, 429, TextKind.LIMIT),
    (14107, 400, TextKind.LIMIT),
    (21611, 400, TextKind.LIMIT),
    (30001, 400, TextKind.LIMIT),
    (30022, 400, TextKind.LIMIT),
    (30023, 400, TextKind.LIMIT),
    (21211, 400, TextKind.NUMBER),
    (21265, 400, TextKind.NUMBER),
    (21266, 400, TextKind.NUMBER),
    (21408, 400, TextKind.NUMBER),
    (21408, 403, TextKind.NUMBER),
    (21612, 400, TextKind.NUMBER),
    (21614, 400, TextKind.NUMBER),
    (21635, 400, TextKind.NUMBER),
    (21610, 400, TextKind.OPTED_OUT),
    (21608, 400, TextKind.UNVERIFIED),
    (572005, 403, TextKind.UNVERIFIED),
    (20003, 401, TextKind.CONFIG),
    (20003, 403, TextKind.CONFIG),
    (20005, 403, TextKind.CONFIG),
    (20404, 404, TextKind.CONFIG),
    (21212, 400, TextKind.CONFIG),
    (21603, 400, TextKind.CONFIG),
    (21606, 400, TextKind.CONFIG),
    (21659, 400, TextKind.CONFIG),
    (21660, 400, TextKind.CONFIG),
    (21701, 400, TextKind.CONFIG),
    (21703, 400, TextKind.CONFIG),
    (21705, 400, TextKind.CONFIG),
    (30002, 400, TextKind.CONFIG),
    (30034, 400, TextKind.CONFIG),
    (29999, 401, TextKind.CONFIG),
    (29999, 403, TextKind.CONFIG),
    (21602, 400, TextKind.CONTENT),
    (21617, 400, TextKind.CONTENT),
    (29999, 400, TextKind.CONTENT),  # a refusal of tomorrow: refused again, if we tried again
    (20500, 500, TextKind.UNKNOWN),
    (21610, 500, TextKind.UNKNOWN),  # whatever the code: a 5xx says nothing about the text
    (20503, 503, TextKind.UNKNOWN),
]


@pytest.mark.parametrize("code, status, kind", REFUSALS, ids=[f"{row[0]}-{row[1]}" for row in REFUSALS])
def test_every_refusal_asks_one_thing_of_us(code, status, kind):
    with RawVendor(http(status, refusal(code, status))) as vendor:
        error = error_of(make_texts(vendor.url))
    assert (error.code, error.kind, error.retry_after) == (str(code), kind, None)
    assert len(vendor.heads) == 1


def test_the_table_of_this_test_knows_every_code_of_the_gateway():
    assert KIND_OF_CODE.keys() <= {str(row[0]) for row in REFUSALS}


@pytest.mark.parametrize("code, kind", [(21610, TextKind.OPTED_OUT), (20003, TextKind.CONFIG)])
def test_a_problem_details_answer_is_understood_alike(code, kind):
    """RFC 9457: the client raises another class for it, which a catch of its usual one would miss."""
    body = {"type": "https://example.com", "title": TO, "status": 400, "code": code, "detail": BODY}
    with RawVendor(http(400, json.dumps(body).encode(), "application/problem+json")) as vendor:
        error = error_of(make_texts(vendor.url))
    assert (error.code, error.kind) == (str(code), kind)


# status, body, code, what it asks of us
NOT_TWILIO = [
    (301, b"", "HTTP_301", TextKind.UNKNOWN),
    (307, b"", "HTTP_307", TextKind.UNKNOWN),
    (304, b"", "HTTP_304", TextKind.UNKNOWN),
    (400, b"<html>Bad Request</html>", "HTTP_400", TextKind.UNKNOWN),
    (400, b'{"code": null}', "HTTP_400", TextKind.UNKNOWN),
    (400, b'{"code": {"a": 1}}', "HTTP_400", TextKind.UNKNOWN),
    (400, b'{"code": true}', "HTTP_400", TextKind.UNKNOWN),
    (400, b'{"code": -21610}', "HTTP_400", TextKind.UNKNOWN),
    (400, b'["code"]', "HTTP_400", TextKind.UNKNOWN),
    (400, b'{"code": 21610', "HTTP_400", TextKind.UNKNOWN),
    (400, b'{"code": "\xff\xfe"}', "HTTP_400", TextKind.UNKNOWN),
    (400, b"[" * 100_000, "HTTP_400", TextKind.UNKNOWN),
    (400, b'{"code": "21610"}', "21610", TextKind.OPTED_OUT),
    (401, b"<html>", "HTTP_401", TextKind.CONFIG),
    (401, b'{"message": "Authenticate"}', "HTTP_401", TextKind.CONFIG),
    (403, b"", "HTTP_403", TextKind.CONFIG),
    (404, b"Not Found", "HTTP_404", TextKind.CONFIG),
    (407, b"", "HTTP_407", TextKind.CONFIG),
    (408, b"", "HTTP_408", TextKind.UNKNOWN),
    (429, b"slow down", "HTTP_429", TextKind.LIMIT),
    (500, b"", "HTTP_500", TextKind.UNKNOWN),
    (502, b"<html>Bad Gateway</html>", "HTTP_502", TextKind.UNKNOWN),
    (503, b'{"code": ', "HTTP_503", TextKind.UNKNOWN),
    (504, b"", "HTTP_504", TextKind.UNKNOWN),
]


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    "status, body, code, kind", NOT_TWILIO, ids=[f"{row[0]}-{row[1][:20]!r}" for row in NOT_TWILIO]
)
def test_an_answer_that_is_not_twilios_envelope(method, status, body, code, kind):
    with RawVendor(http(status, body, "text/html")) as vendor:
        error = error_of(make_texts(vendor.url), method)
    assert (error.code, error.kind) == (code, kind)


UNREADABLE = [
    b"<html>Welcome</html>",
    b'{"sid": "SM7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f", "bod',
    b"",
    b"{}",
    b"[]",
    b"null",
    b"7",
    b'"SM7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f"',
    b"[" * 100_000,
    json.dumps({**ACCEPTED, "sid": None}).encode(),
    json.dumps({**ACCEPTED, "sid": ""}).encode(),
    json.dumps({**ACCEPTED, "sid": 7}).encode(),
    json.dumps({**ACCEPTED, "sid": "SM7"}).encode(),
    json.dumps({**ACCEPTED, "sid": {"a": 1}}).encode(),
    json.dumps({key: value for key, value in ACCEPTED.items() if key != "sid"}).encode(),
    json.dumps({**ACCEPTED, "date_sent": 7}).encode(),
    json.dumps({**ACCEPTED, "date_created": "Sun, 99 Nov 2026 99:00:00 +0000"}).encode(),
]


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: repr(body[-40:]))
def test_an_acceptance_that_cannot_be_read_leaves_the_outcome_unknown(status, body):
    with RawVendor(http(status, body)) as vendor:
        error = error_of(make_texts(vendor.url))
    assert (error.code, error.kind) == ("INVALID_RESPONSE", TextKind.UNKNOWN)


def test_no_content_is_no_acceptance():
    with RawVendor(http(204, b"")) as vendor:
        assert error_of(make_texts(vendor.url)).kind is TextKind.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"messages": null}',
        b'{"messages": 7}',
        b'{"messages": [null]}',
        b'{"messages": [{}]}',
        listing(SENT, {**SENT, "sid": None}),
        b'{"messages": [], "more": []}',
        b'{"meta": 7}',
        b'{"meta": {"key": "messages"}}',
    ],
)
def test_a_look_up_that_cannot_be_read(body):
    with RawVendor(http(200, body)) as vendor:
        error = error_of(make_texts(vendor.url), "find")
    assert (error.code, error.kind) == ("INVALID_RESPONSE", TextKind.UNKNOWN)


# How a connection fails


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(twilio_module, "TIMEOUT", 0.5)


@pytest.mark.parametrize("method", CALLS)
def test_a_refused_connection_sent_nothing(method):
    error = error_of(make_texts("http://127.0.0.1:9"), method)
    assert error.kind is TextKind.NOT_SENT
    assert error.code.startswith("TRANSPORT_")


def test_a_name_that_does_not_resolve_sent_nothing():
    assert error_of(make_texts("https://twilio.invalid")).kind is TextKind.NOT_SENT


def test_a_connection_that_is_never_made_sent_nothing(short):
    """A listener whose queue is full answers no further connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            error = error_of(make_texts(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        finally:
            for one in waiting:
                one.close()
    assert error.kind is TextKind.NOT_SENT


@pytest.mark.parametrize("method", CALLS)
def test_a_vendor_that_hangs_is_given_up_and_not_asked_again(short, method):
    with RawVendor(HANG) as vendor:
        error = error_of(make_texts(vendor.url), method)
    assert (error.code, error.kind) == ("TRANSPORT_ReadTimeout", TextKind.UNKNOWN)
    assert len(vendor.heads) == 1


def test_the_time_out_is_ten_seconds():
    assert twilio_module.TIMEOUT == 10
    texts = make_texts("http://127.0.0.1:9")
    assert texts._messages._version.domain.twilio.http_client.timeout == 10


@pytest.mark.parametrize(
    "answer",
    [
        RESET,
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Le",
        http(201, json.dumps(ACCEPTED).encode(), length=5000),
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n{",
        http(201, b"not gzip", headers="Content-Encoding: gzip\r\n"),
    ],
    ids=["reset", "closed", "not HTTP", "half a head", "short body", "short chunk", "not gzip"],
)
def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown(answer):
    with RawVendor(answer) as vendor:
        error = error_of(make_texts(vendor.url))
    assert error.kind is TextKind.UNKNOWN
    assert len(vendor.heads) == 1


def test_a_redirect_is_not_followed_with_our_keys():
    with RawVendor(http(201, json.dumps(ACCEPTED).encode())) as elsewhere:
        moved = http(307, b"", headers=f"Location: {elsewhere.url}/x\r\n")
        with RawVendor(moved) as vendor:
            errors = [error_of(make_texts(vendor.url), method) for method in CALLS]
    assert [error.code for error in errors] == ["HTTP_307", "HTTP_307"]
    assert elsewhere.heads == []


def test_a_text_that_cannot_be_written_is_our_bug_and_costs_no_call():
    with RawVendor(http(201, json.dumps(ACCEPTED).encode())) as vendor, pytest.raises(TextError) as caught:
        make_texts(vendor.url).send(OutgoingText(TO, "half a pair: \ud83d", None, 60))
    assert caught.value.kind is TextKind.CONTENT
    assert vendor.heads == []


# TLS


@pytest.mark.parametrize("bundle", [None, "", "/dev/null"])
def test_row_41_a_certificate_that_nobody_trusts_stops_the_run_and_hears_nothing(
    monkeypatch, tmp_path, bundle
):
    """No environment variable turns the check off."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        if bundle is not None:
            monkeypatch.setenv(name, bundle)
    with untrusted_server(tmp_path) as (url, heard):
        error = error_of(make_texts(url))
    assert (error.code, error.kind) == ("TRANSPORT_SSLError", TextKind.CONFIG)
    assert not any(heard)


@contextmanager
def plain_server(*, reset: bool) -> Iterator[str]:
    """An https address where nobody speaks TLS: it answers in plain words, or resets the connection."""

    def serve() -> None:
        with listener.accept()[0] as connection:
            connection.recv(65536)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.sendall(http(400, b"speak up"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def test_row_41_a_server_that_does_not_speak_tls_stops_the_run():
    with plain_server(reset=False) as url:
        assert error_of(make_texts(url)).kind is TextKind.CONFIG


def test_a_connection_that_is_reset_while_it_becomes_secure_sent_nothing():
    with plain_server(reset=True) as url:
        assert error_of(make_texts(url)).kind is TextKind.NOT_SENT


# Retry-After


@pytest.mark.parametrize(
    "header, seconds",
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("999999999", 86_400.0),
        ("Sun, 22 Nov 2020 17:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2020 17:00:00 -0000", 0.0),
        ("Tue, 01 Jan 2999 00:00:00 GMT", 86_400.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1e9", None),
        ("inf", None),
        ("nan", None),
        ("Sun, 99 Nov 2020 99:00:00 GMT", None),
    ],
)
def test_retry_after_is_kept_in_either_form(header, seconds):
    answer = http(429, refusal(20429, 429), headers=f"Retry-After: {header}\r\n")
    with RawVendor(answer) as vendor:
        error = error_of(make_texts(vendor.url))
    assert (error.kind, error.retry_after) == (TextKind.LIMIT, seconds)


def test_a_date_in_retry_after_counts_from_now():
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True)
    wait = from_response(503, "", later).retry_after
    assert wait is not None
    assert 1700 < wait <= 1800


# What is told


PERSONAL = (AUTH_TOKEN, TO, TO.lstrip("+"), "212.40", "Café", ACCOUNT_SID, SERVICE_SID)


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        http(400, refusal(21211, 400)),
        http(400, json.dumps({"type": TO, "title": BODY, "status": 400, "code": 21211}).encode()),
        http(201, f'{{"sid": "{TO} {BODY}"}}'.encode()),
        http(502, f"<html>{TO} {BODY}".encode()),
        http(201, json.dumps(ACCEPTED).encode()),
        http(200, listing(SENT)),
        RESET,
        HANG,
    ],
    ids=["refusal", "problem", "unreadable", "html", "accepted", "listing", "reset", "hang"],
)
def test_nothing_personal_and_no_key_is_told_or_logged(short, caplog, method, answer):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "twilio.http_client")
    caplog.set_level(logging.WARNING, "urllib3")  # as create_app sets it: it would tell the address
    told = ""
    with RawVendor(answer) as vendor:
        try:
            told = repr(CALLS[method](make_texts(vendor.url)))
        except TextError as error:
            told = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
    told += "".join(f"{record.getMessage()} {record.exc_text}" for record in caplog.records)
    assert [secret for secret in PERSONAL if secret in told] == []


def test_options_and_texts_do_not_show_what_they_hold():
    told = repr(make_texts(None)._options) + repr(OutgoingText(TO, BODY, None, 60))
    assert [secret for secret in PERSONAL if secret in told] == []
