"""Everything that can go wrong with a call to the simulated Twilio, by switch, as Twilio's client meets it."""

from __future__ import annotations

import http.client
import json

import pytest
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from simulator.twilio.errors import KINDS, OUTCOMES
from simulator.twilio.faults import KINDS_OF_SWITCH
from tests.simulator.bank import Bank
from tests.simulator.controls import ask, lift_all, switches
from tests.simulator.phone import ADA, BOB, MESSAGES, Phone
from tests.support.simulator import TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_NUM


@pytest.fixture
def phone(simulator_process):
    yield Phone(simulator_process)
    lift_all(simulator_process)


@pytest.fixture
def client(simulator_process) -> Client:
    made = Client(TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, http_client=TwilioHttpClient(timeout=1))
    made.api.base_url = simulator_process.url
    return made


def send(client: Client, to: str = ADA):
    return client.messages.create(to=to, from_=TWILIO_NUM, body="Hello")


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_code_can_be_answered(phone, client, code):
    phone.switch("error", code=code, times=1)
    with pytest.raises(TwilioRestException) as refused:
        send(client)
    assert (refused.value.code, refused.value.status) == (code, KINDS[code].status)
    assert send(client).status == "queued"


def test_the_codes_that_the_app_must_tell_apart_are_there():
    account = {20003, 20005, 20404, 20429, 21606, 21603, 21703}
    number = {21211, 21614, 21612, 21608, 572005, 21610, 21408}
    text_or_queue = {21602, 21617, 21611, 30001}
    assert set(KINDS) >= account | number | text_or_queue


def test_the_codes_that_only_callbacks_tell_are_there():
    assert set(OUTCOMES) >= {*range(30001, 30009), 30022, 30023, 30034, 30036, 30047}


def test_newer_errors_come_as_another_exception(phone, client):
    phone.switch("problem", code=21211, times=1)
    with pytest.raises(TwilioServiceException) as refused:
        send(client)
    assert refused.value.code == 21211
    assert not isinstance(refused.value, TwilioRestException)


def test_too_many_requests_says_when_to_try_again(phone):
    phone.switch("error", code=20429, seconds=7, times=1)
    phone.switch("error", code=20429, times=1)
    form = {"To": ADA, "From": TWILIO_NUM, "Body": "Hello"}
    waits = []
    for _ in range(2):
        status, headers, _ = phone.call("POST", f"{MESSAGES}.json", form)
        waits.append((status, headers["Retry-After"]))
    assert waits == [(429, "7"), (429, "1")]


@pytest.mark.parametrize("kind, status", [("http_500", 500), ("html", 502)])
def test_a_broken_server_is_no_answer_of_twilios(phone, client, kind, status):
    phone.switch(kind, times=1)
    before = len(phone.messages())
    with pytest.raises(TwilioRestException) as refused:
        send(client)
    assert (refused.value.status, refused.value.code) == (status, status)
    assert len(phone.messages()) == before


def test_an_answer_can_be_cut_short_though_the_text_was_accepted(phone, client):
    phone.switch("truncated", times=1)
    before = len(phone.messages())
    with pytest.raises(json.JSONDecodeError):
        send(client)
    assert len(phone.messages()) == before + 1


def test_an_answer_can_be_empty_though_the_text_was_accepted(phone, client):
    phone.switch("empty", times=1)
    before = len(phone.messages())
    answer = send(client)
    assert (answer.sid, answer.status) == (None, None)
    assert len(phone.messages()) == before + 1


@pytest.mark.parametrize("after, accepted", [(False, 0), (True, 1)])
def test_the_connection_can_drop_before_or_after_the_text_was_accepted(phone, client, after, accepted):
    phone.switch("drop", after=after, times=1)
    before = len(phone.messages())
    with pytest.raises(requests.exceptions.ConnectionError):
        send(client)
    assert len(phone.messages()) == before + accepted


@pytest.mark.parametrize("after, accepted", [(False, 0), (True, 1)])
def test_a_call_can_hang(phone, client, after, accepted):
    phone.switch("hang", after=after, times=1, seconds=5)
    before = len(phone.messages())
    with pytest.raises(requests.exceptions.ReadTimeout):
        send(client)
    assert len(phone.messages()) == before + accepted


def test_a_call_can_take_long(phone, client):
    phone.switch("latency", milliseconds=5000, times=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        send(client)
    assert send(client).sid


def test_a_fault_holds_so_many_times_for_one_number(phone, client):
    phone.switch("error", code=21610, to=ADA, times=2)
    send(client, BOB)
    for _ in range(2):
        with pytest.raises(TwilioException):
            send(client)
    assert send(client).sid
    assert switches(phone.process) == []


def test_a_fault_holds_until_it_is_lifted(phone, client):
    id_ = phone.switch("error", code=20003)
    for to in (ADA, BOB):
        with pytest.raises(TwilioRestException) as refused:
            send(client, to)
        assert refused.value.code == 20003
    # Twilio's client has no code for a list that is refused.
    with pytest.raises(TwilioException):
        client.messages.list(limit=1)
    assert ask(phone.process, "DELETE", f"/switches/{id_}") == (200, {"lifted": 1})
    assert send(client).sid


def test_what_spoils_sending_leaves_looking_up_alone(phone, client):
    sid = send(client).sid
    phone.switch("http_500")
    assert client.messages(sid).fetch().sid == sid
    phone.switch("http_500", endpoint="fetch")
    with pytest.raises(TwilioRestException):
        client.messages(sid).fetch()


def test_the_switches_of_one_vendor_do_not_touch_the_other(phone, client, simulator_process):
    bank = Bank(simulator_process)
    phone.switch("drop", endpoint="*")
    token = bank.link()
    with pytest.raises(requests.exceptions.ConnectionError):
        send(client)
    lift_all(simulator_process)
    assert ask(simulator_process, "POST", "/switches", {"kind": "drop"})[0] == 201
    assert send(client).sid
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        bank.call("/item/get", access_token=token)


def test_every_call_is_written_down(phone, client):
    send(client)
    phone.switch("error", code=21610, times=1)
    with pytest.raises(TwilioRestException):
        send(client, BOB)
    newest = ask(phone.process, "GET", "/phone/calls.json")[1]["calls"][:2]
    assert [(call["endpoint"], call["to"], call["status"]) for call in newest] == [
        ("create", BOB, 400),
        ("create", ADA, 201),
    ]


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({}, "kind is missing"),
        ({"kind": "mutation"}, "kind must be one of"),
        ({"kind": "error"}, "code belongs to"),
        ({"kind": "error", "code": 30007}, "must be one of"),
        ({"kind": "error", "code": "many"}, "code must be"),
        ({"kind": "outcome", "code": 20003}, "must be one of"),
        ({"kind": "hold", "code": 30003}, "code belongs to"),
        ({"kind": "drop", "status": "failed"}, "status belongs to"),
        ({"kind": "outcome", "code": 30003, "status": "sent"}, "status must be"),
        ({"kind": "drop", "to": "12"}, "to must be"),
        ({"kind": "drop", "endpoint": "/accounts/get"}, "endpoint must be"),
        ({"kind": "hold", "endpoint": "create"}, "endpoint belongs to"),
        ({"kind": "latency"}, "needs milliseconds"),
        ({"kind": "drop", "times": 0}, "times must be"),
        ({"kind": "drop", "item_id": "x"}, "item_id must be left out"),
    ],
)
def test_a_switch_that_makes_no_sense_is_explained(phone, wrong, words):
    status, answer = ask(phone.process, "POST", "/switches", {"vendor": "twilio", **wrong})
    assert status == 400
    assert words in answer["error"]
    assert switches(phone.process) == []


def test_a_page_of_another_site_can_not_reply_or_redirect(phone):
    for method, path in (("POST", "/phone/reply"), ("PUT", "/phone/inbound"), ("POST", "/switches")):
        assert ask(phone.process, method, path, {"url": None}, Sec_Fetch_Site="cross-site")[0] == 403


@pytest.mark.parametrize("kind", sorted(KINDS_OF_SWITCH))
def test_the_switchboard_has_words_for_every_kind(phone, kind):
    code = {"error": 21610, "problem": 21610, "outcome": 30007}.get(kind)
    more = {"code": code, "milliseconds": 250 if kind == "latency" else None}
    phone.switch(kind, to=ADA, **more)
    status, page = ask(phone.process, "GET", "/switchboard")
    assert status == 200
    words = {"error": "refuses with 21610", "outcome": "Message filtered", "latency": "0.25 s late"}.get(
        kind, ""
    )
    assert words in page
    assert "+1 415 555 2671" in page
