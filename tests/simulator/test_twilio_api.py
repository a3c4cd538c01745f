"""Twilio's Messages API as the simulator speaks it: over raw HTTP, by Twilio's OpenAPI, and with Twilio's client."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.simulator.controls import ask, lift_all
from tests.simulator.phone import ADA, BOB, MESSAGES, NO_SPEC, SPEC, Phone
from tests.support.simulator import (
    TWILIO_ACCOUNT_SID,
    TWILIO_AUTH_TOKEN,
    TWILIO_MESSAGING_SERVICE_SID,
    TWILIO_NUM,
    SimulatorProcess,
)

TEST_SID, TEST_TOKEN = "AC00000000000000000000000000000002", "simulator-test-token"


@pytest.fixture
def phone(simulator_process: SimulatorProcess):
    lift_all(simulator_process)
    return Phone(simulator_process)


@pytest.fixture
def client(simulator_process: SimulatorProcess) -> Client:
    """Twilio's own client, changed in nothing but where it calls."""
    made = Client(TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, http_client=TwilioHttpClient(timeout=20))
    made.api.base_url = simulator_process.url
    return made


def test_twilios_client_sends_fetches_lists_redacts_and_deletes(client, phone):
    sent = client.messages.create(to=ADA, from_=TWILIO_NUM, body="Hello", validity_period=600)
    assert (sent.status, sent.direction, sent.from_, sent.to) == ("queued", "outbound-api", TWILIO_NUM, ADA)
    assert (sent.num_segments, sent.error_code, sent.date_sent) == ("1", None, None)
    phone.until(sent.sid, "delivered")
    fetched = client.messages(sent.sid).fetch()
    assert (fetched.status, fetched.body, fetched.price) == ("delivered", "Hello", "-0.00790")
    assert fetched.date_sent >= fetched.date_created
    assert sent.sid in [each.sid for each in client.messages.list(to=ADA, limit=20)]
    assert client.messages(sent.sid).update(body="").body == ""
    assert client.messages(sent.sid).delete()
    with pytest.raises(TwilioRestException) as refused:
        client.messages(sent.sid).fetch()
    assert (refused.value.status, refused.value.code) == (404, 20404)


def test_a_messaging_service_chooses_the_sender_later(client, phone):
    sent = client.messages.create(to=ADA, messaging_service_sid=TWILIO_MESSAGING_SERVICE_SID, body="Hello")
    assert (sent.status, sent.from_, sent.num_segments) == ("accepted", None, "0")
    later = phone.until(sent.sid, "delivered")
    assert (later["from"], later["num_segments"]) == (TWILIO_NUM, "1")
    assert later["messaging_service_sid"] == TWILIO_MESSAGING_SERVICE_SID


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"To": None}, 21604),
        ({"To": "12"}, 21211),
        ({"To": "+11155552671"}, 21211),
        ({"From": None}, 21603),
        ({"From": "CashView"}, 21212),
        ({"From": "+14155550000"}, 21606),
        ({"To": TWILIO_NUM}, 21266),
        ({"Body": None}, 21602),
        ({"Body": "  "}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"MessagingServiceSid": "MG1", "From": None}, 21705),
        ({"MessagingServiceSid": "MG" + "1" * 32, "From": None}, 21701),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "soon"}, 21624),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"StatusCallback": "ftp://example.com/"}, 21609),
        ({"StatusCallback": "https://under_score.example.com/"}, 21609),
        # the magic numbers of Twilio's documentation
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "+15005550008"}, 21611),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_code(phone, changes, code):
    before = len(phone.messages())
    status, answer = phone.create(**changes)
    assert (status, answer["status"], answer["code"]) == (400, 400, code)
    assert answer["more_info"].endswith(f"/{code}")
    assert len(phone.messages()) == before


def test_the_limits_themselves_are_accepted(phone):
    longest = phone.send(Body="x" * 1600, ValidityPeriod=36000, StatusCallback="")
    assert phone.fetch(longest)["num_segments"] == "11"
    assert phone.fetch(phone.send(To="(415) 555-2671", ValidityPeriod=1))["to"] == ADA


@pytest.mark.parametrize(
    "body, segments",
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 159 + "€", 2),
        ("$" * 160, 1),
        ("’" * 70, 1),
        ("’" * 71, 2),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("`", 1),
    ],
)
def test_segments_are_counted_as_twilio_counts_them(phone, body, segments):
    assert phone.create(Body=body)[1]["num_segments"] == str(segments)


def test_smart_encoding_keeps_a_text_in_gsm_7(phone):
    plain, smart = (
        phone.create(Body="Tom’s — " + "a" * 100, SmartEncoded=way)[1] for way in ("false", "true")
    )
    assert (plain["num_segments"], smart["num_segments"]) == ("2", "1")
    assert smart["body"].startswith("Tom's - ")


@pytest.mark.parametrize(
    "auth, code",
    [
        (None, 20003),
        ((TWILIO_ACCOUNT_SID, "wrong"), 20003),
        (("AC" + "9" * 32, TWILIO_AUTH_TOKEN), 20003),
        ((TWILIO_ACCOUNT_SID, TEST_TOKEN), 20003),
        ((TEST_SID, TEST_TOKEN), 20404),
    ],
)
def test_only_the_accounts_own_keys_open_it(phone, auth, code):
    status, headers, body = phone.call("GET", f"{MESSAGES}.json", auth=auth)
    assert json.loads(body)["code"] == code
    assert status == (401 if code == 20003 else 404)
    assert ("WWW-Authenticate" in headers) == (status == 401)


def test_test_credentials_check_and_keep_nothing(phone):
    path, auth = f"/2010-04-01/Accounts/{TEST_SID}/Messages", (TEST_SID, TEST_TOKEN)
    form = {"To": BOB, "From": TWILIO_NUM, "Body": "Hello"}
    before = len(phone.messages(BOB))
    status, _, body = phone.call("POST", f"{path}.json", form, auth)
    assert (status, json.loads(body)["status"]) == (201, "queued")
    assert len(phone.messages(BOB)) == before
    service = {"To": BOB, "MessagingServiceSid": TWILIO_MESSAGING_SERVICE_SID, "Body": "Hello"}
    assert json.loads(phone.call("POST", f"{path}.json", service, auth)[2])["code"] == 21701
    assert json.loads(phone.call("GET", f"{path}.json", auth=auth)[2])["code"] == 20008


@pytest.mark.parametrize(
    "method, path, status, code",
    [
        ("GET", "/2010-04-01/Accounts.json", 404, 20404),
        ("PUT", f"{MESSAGES}.json", 405, 20004),
        ("GET", f"{MESSAGES}/SM{'0' * 32}.json", 404, 20404),
        ("GET", f"{MESSAGES}.json?PageSize=1001", 400, 20007),
        ("GET", f"{MESSAGES}.json?PageSize=none", 400, 20001),
        ("GET", f"{MESSAGES}.json?DateSent=yesterday", 400, 20001),
        ("GET", f"{MESSAGES}.json?PageToken=x", 400, 20001),
    ],
)
def test_other_mistakes_get_twilios_envelope(phone, method, path, status, code):
    phone.send()
    answered, _, body = phone.call(method, path)
    assert (answered, json.loads(body)["code"]) == (status, code)


def test_what_is_not_through_cannot_be_deleted_or_redacted_or_canceled(phone):
    phone.switch("hold", to=BOB)
    path = f"{MESSAGES}/{phone.send(To=BOB)}.json"
    for method, form, code in (
        ("DELETE", None, 20009),
        ("POST", {"Body": ""}, 20009),
        ("POST", {"Body": "other words"}, 20001),
        ("POST", {"Status": "canceled"}, 30409),
    ):
        assert json.loads(phone.call(method, path, form)[2])["code"] == code


LISTED = "+12125550100"


@pytest.fixture(scope="module")
def sids(simulator_process: SimulatorProcess) -> list[str]:
    """Five texts to one number, oldest first."""
    lift_all(simulator_process)
    phone = Phone(simulator_process)
    sids = [phone.send(To=LISTED, Body=f"Text {number}") for number in range(5)]
    for sid in sids:
        phone.until(sid, "delivered")
    return sids


def listed(client: Client, **filters: Any) -> list[str]:
    return [each.sid for each in client.messages.list(to=LISTED, **filters)]


def test_pages_follow_one_another_newest_first(client, phone, sids):
    assert listed(client, page_size=2) == sids[::-1]
    assert listed(client, limit=3) == sids[:1:-1]
    first = json.loads(phone.call("GET", f"{MESSAGES}.json?To=%2B12125550100&PageSize=2")[2])
    newer = phone.send(To=LISTED)
    phone.until(newer, "delivered")
    second = json.loads(phone.call("GET", first["next_page_uri"])[2])
    assert [each["sid"] for each in second["messages"]] == sids[2:0:-1]
    assert (second["page"], second["start"], second["end"]) == (1, 2, 3)
    assert phone.call("DELETE", f"{MESSAGES}/{newer}.json")[0] == 204


def test_the_time_of_sending_bounds_a_list_by_the_day_or_the_second(client, phone, sids):
    sent = [parsedate_to_datetime(phone.fetch(sid)["date_sent"]) for sid in sids]
    now, day = datetime.now(UTC), timedelta(days=1)
    assert listed(client, date_sent_after=sent[0]) == sids[::-1]
    assert listed(client, date_sent_after=sent[-1] + timedelta(seconds=1)) == []
    assert listed(client, date_sent_before=sent[0] - timedelta(seconds=1)) == []
    assert set(listed(client, date_sent=sent[0].date())) >= {sids[0]}
    assert (
        listed(client, date_sent_after=(now - day).date(), date_sent_before=(now + day).date()) == sids[::-1]
    )
    assert listed(client, date_sent_before=(now - 2 * day).date()) == []


def test_the_sender_bounds_a_list_too(client, sids):
    assert listed(client, from_=TWILIO_NUM) == sids[::-1]
    assert listed(client, from_="+14155550000") == []


def test_a_text_that_waits_has_no_date_and_is_in_no_dated_list(client, phone):
    phone.switch("hold", to=BOB)
    sid = phone.send(To=BOB)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    assert sid not in [each.sid for each in client.messages.list(to=BOB, date_sent_after=yesterday)]
    assert sid in [each.sid for each in client.messages.list(to=BOB)]


# Twilio's own description


def _schema(name: str, **properties: Any) -> dict[str, Any]:
    components = json.loads(SPEC.read_text())["components"]
    return {"$ref": f"#/components/schemas/{name}", "components": components, **properties}


def _wrong(schema: dict[str, Any], value: Any) -> list[str]:
    return [error.message for error in OAS30Validator(schema).iter_errors(value)]


@pytest.mark.skipif(not SPEC.exists(), reason=NO_SPEC)
def test_every_answer_is_valid_by_twilios_openapi(phone):
    message = _schema("api.v2010.account.message")
    fields = set(message["components"]["schemas"]["api.v2010.account.message"]["properties"])
    sid = phone.send(MessagingServiceSid=TWILIO_MESSAGING_SERVICE_SID, From=None)
    phone.switch("outcome", code=30007, to=BOB, times=1)
    failed = phone.send(To=BOB)
    phone.until(sid, "delivered")
    phone.until(failed, "undelivered")
    phone.reply("thanks")
    listed = json.loads(phone.call("GET", f"{MESSAGES}.json?PageSize=1000")[2])
    answers = [phone.create()[1], phone.fetch(sid), phone.fetch(failed), *listed["messages"]]
    assert {each["direction"] for each in answers} >= {"inbound", "outbound-api"}
    for answer in answers:
        assert _wrong(message, answer) == []
        assert set(answer) == fields
        assert re.search(r"GMT|\+0000", answer["date_created"])
    page = json.loads(SPEC.read_text())["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]
    schema = page["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert _wrong(schema | {"components": message["components"]}, listed) == []
    assert set(listed) == set(schema["properties"])


def test_texts_and_opt_outs_outlive_a_kill_and_waiting_ones_go_on(tmp_path):
    with SimulatorProcess(data_dir=tmp_path) as first:
        phone = Phone(first)
        done = phone.send()
        phone.until(done, "delivered")
        held = phone.switch("hold", to=BOB)
        waiting = phone.send(To=BOB)
        phone.reply("STOP")
        phone.listen_at("http://127.0.0.1:9/nobody")
        before = phone.messages()
        first.kill()
        with SimulatorProcess(data_dir=tmp_path) as later:
            phone = Phone(later)
            assert phone.messages() == before
            assert phone.create()[1]["code"] == 21610
            assert phone.fetch(waiting)["status"] == "queued"
            assert ask(later, "DELETE", f"/switches/{held}")[0] == 200
            phone.until(waiting, "delivered")
