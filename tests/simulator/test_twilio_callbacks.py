"""What the simulated Twilio posts to the app: status callbacks and replies, signed, and in every disorder."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator

from simulator.twilio.posting import signature
from tests.simulator.controls import ask, lift_all
from tests.simulator.phone import ADA, BOB, Phone, eventually, running_hook
from tests.support.simulator import (
    TWILIO_ACCOUNT_SID,
    TWILIO_AUTH_TOKEN,
    TWILIO_MESSAGING_SERVICE_SID,
    TWILIO_NUM,
)

DELIVERED = ["sending", "sent", "delivered"]


@pytest.fixture
def phone(simulator_process):
    lift_all(simulator_process)
    made = Phone(simulator_process)
    yield made
    made.listen_at(None)
    for number in (ADA, BOB):
        made.reply("START", number)


@pytest.fixture
def hook():
    with running_hook() as running:
        yield running


def genuine(hook, form, signed) -> bool:
    return RequestValidator(TWILIO_AUTH_TOKEN).validate(hook.url, form, signed)


def test_the_signature_is_the_documented_one():
    form = {
        "To": "+18005551212",
        "From": "+14158675309",
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "Caller": "+14158675309",
    }
    assert (
        signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form)
        == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    )


def test_every_change_of_status_is_reported_in_order_and_signed(phone, hook):
    sid = phone.send(StatusCallback=hook.url)
    told = [hook.next() for _ in range(3)]
    assert [form["MessageStatus"] for form, _ in told] == DELIVERED
    assert all(genuine(hook, form, signed) for form, signed in told)
    form, signed = told[-1]
    assert form | {"RawDlrDoneDate": ""} == {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "To": ADA,
        "From": TWILIO_NUM,
        "AccountSid": TWILIO_ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "RawDlrDoneDate": "",
    }
    assert len(form["RawDlrDoneDate"]) == 10
    assert not genuine(hook, form | {"MessageStatus": "failed"}, signed)


def test_a_messaging_service_reports_that_it_was_queued_too(phone, hook):
    phone.send(StatusCallback=hook.url, From=None, MessagingServiceSid=TWILIO_MESSAGING_SERVICE_SID)
    form, _ = hook.next()
    assert (form["MessageStatus"], form["From"]) == ("queued", TWILIO_NUM)
    assert form["MessagingServiceSid"] == TWILIO_MESSAGING_SERVICE_SID
    assert hook.statuses(3) == DELIVERED


@pytest.mark.parametrize(
    "code, more, told",
    [
        (30007, {}, ["sending", "sent", "undelivered"]),
        (30034, {}, ["sending", "sent", "undelivered"]),
        (30001, {}, ["sending", "failed"]),
        (30003, {"status": "failed"}, ["sending", "failed"]),
    ],
)
def test_a_text_can_end_badly_after_it_was_accepted(phone, hook, code, more, told):
    phone.switch("outcome", code=code, times=1, to=ADA, **more)
    sid = phone.send(StatusCallback=hook.url)
    forms = [hook.next()[0] for _ in told]
    assert [form["MessageStatus"] for form in forms] == told
    assert [form.get("ErrorCode") for form in forms] == [None] * (len(told) - 1) + [str(code)]
    assert (phone.fetch(sid)["status"], phone.fetch(sid)["error_code"]) == (told[-1], code)
    phone.send(StatusCallback=hook.url)
    assert hook.statuses(3) == DELIVERED


def test_a_text_that_waits_too_long_expires(phone, hook):
    phone.switch("hold", to=ADA)
    phone.send(StatusCallback=hook.url, ValidityPeriod=1)
    form, _ = hook.next()
    assert (form["MessageStatus"], form["ErrorCode"]) == ("failed", "30036")


def test_callbacks_can_come_twice_or_not_at_all(phone, hook):
    phone.switch("callback_repeat", times=1)
    phone.send(StatusCallback=hook.url)
    assert hook.statuses(4) == ["sending", *DELIVERED]
    phone.switch("callback_drop", times=2)
    sid = phone.send(StatusCallback=hook.url)
    assert hook.statuses(1) == ["delivered"]
    requests = ask(phone.process, "GET", "/phone/requests.json")[1]["requests"]
    dropped = [
        each["status"] for each in requests if each["sid"] == sid and "dropped" in str(each["outcome"])
    ]
    assert dropped == ["sent", "sending"]


def test_callbacks_can_come_in_the_wrong_order(phone, hook):
    phone.switch("callback_reorder")
    phone.send(StatusCallback=hook.url)
    assert hook.statuses(3) == ["delivered", "sent", "sending"]


def test_callbacks_can_come_late(phone, hook):
    phone.switch("callback_delay", seconds=0.5, times=1)
    phone.send(StatusCallback=hook.url)
    assert hook.statuses(3) == ["sent", "delivered", "sending"]


def test_a_callback_can_beat_the_answer_to_the_call(phone, hook):
    """The text is accepted and delivered while its answer still waits."""
    phone.switch("latency", milliseconds=700, after=True, times=1)
    sid = phone.send(StatusCallback=hook.url)
    assert hook.received.qsize() == 3
    assert hook.next()[0]["MessageSid"] == sid


def test_a_switch_for_one_number_leaves_the_others_alone(phone, hook):
    phone.switch("callback_drop", to=BOB)
    phone.send(To=BOB, StatusCallback=hook.url)
    sid = phone.send(StatusCallback=hook.url)
    assert {hook.next()[0]["MessageSid"] for _ in range(3)} == {sid}


def test_an_app_that_is_away_disturbs_nothing(phone, hook):
    sid = phone.send(StatusCallback="http://127.0.0.1:9/nobody")
    phone.until(sid, "delivered")
    hook.answer = (500, b"broken")
    broken = phone.send(StatusCallback=hook.url)
    assert hook.statuses(3) == DELIVERED

    def outcomes(sid: str) -> set:
        requests = ask(phone.process, "GET", "/phone/requests.json")[1]["requests"]
        return {each["outcome"] for each in requests if each["sid"] == sid}

    eventually(lambda: outcomes(sid), lambda found: found == {"ConnectionRefusedError"})
    eventually(lambda: outcomes(broken), lambda found: found == {500})


# Replies


def test_a_reply_reaches_the_app_signed(phone, hook):
    phone.listen_at(hook.url)
    phone.reply("How much is left?")
    form, signed = hook.next()
    assert genuine(hook, form, signed)
    assert form.pop("MessageSid") == form.pop("SmsSid") == form.pop("SmsMessageSid")
    assert form == {
        "AccountSid": TWILIO_ACCOUNT_SID,
        "From": ADA,
        "To": TWILIO_NUM,
        "Body": "How much is left?",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
        "FromCountry": "US",
        "ToCountry": "US",
    }
    eventually(lambda: phone.messages()[-1]["note"], lambda note: note == "200")


@pytest.mark.parametrize(
    "twiml",
    [
        b'<?xml version="1.0" encoding="UTF-8"?><Response><Message>$12 &amp; more</Message></Response>',
        b"<Response><Message><Body>$12 &amp; more</Body></Message></Response>",
    ],
)
def test_the_apps_answer_is_texted_back(phone, hook, twiml):
    hook.answer = (200, twiml)
    phone.listen_at(hook.url)
    before = len(phone.messages())
    phone.reply("How much is left?")
    texts = eventually(phone.messages, lambda texts: len(texts) == before + 2)
    assert (texts[-1]["body"], texts[-1]["direction"]) == ("$12 & more", "outbound-reply")


@pytest.mark.parametrize(
    "answer", [(200, b"<Response/>"), (200, b"no xml"), (500, b"<Response><Message>x</Message></Response>")]
)
def test_no_answer_texts_nothing(phone, hook, answer):
    hook.answer = answer
    phone.listen_at(hook.url)
    phone.reply("hi there")
    eventually(lambda: phone.messages()[-1], lambda text: text["note"] == str(answer[0]))
    assert phone.messages()[-1]["direction"] == "inbound"


@pytest.mark.parametrize(
    "word", ["STOP", "stopall", " Unsubscribe ", "END", "quit", "CANCEL", "revoke", "OptOut"]
)
def test_twilio_blocks_a_number_that_says_stop_and_tells_the_app(phone, hook, word):
    phone.listen_at(hook.url)
    phone.reply(word)
    assert hook.next()[0]["Body"] == word.strip()
    assert phone.create()[1]["code"] == 21610
    assert phone.create(To=BOB)[0] == 201
    said = [text["body"] for text in phone.messages() if text["direction"] == "outbound-reply"]
    assert "unsubscribed" in said[-1]
    phone.reply("START")
    assert phone.create()[0] == 201


def test_only_the_whole_message_counts_and_help_is_answered(phone):
    phone.reply("STOP please")
    assert phone.create()[0] == 201
    phone.reply("help")
    assert "Reply STOP" in phone.messages()[-1]["body"]
    assert phone.create()[0] == 201


def test_a_blocked_number_gets_no_answer_from_the_app(phone, hook):
    hook.answer = (200, b"<Response><Message>You said stop</Message></Response>")
    phone.listen_at(hook.url)
    phone.reply("STOP")
    hook.next()
    stop = [text for text in phone.messages() if text["direction"] == "inbound"][-1]["sid"]
    eventually(
        lambda: [text["note"] for text in phone.messages() if text["sid"] == stop],
        lambda note: note == ["200"],
    )
    assert "You said stop" not in [text["body"] for text in phone.messages()]


def test_the_kind_of_opt_out_is_told_when_that_feature_is_on(phone, hook):
    phone.listen_at(hook.url)
    phone.switch("advanced_opt_out")
    for word, kind in (("QUIT", "STOP"), ("yes", "START"), ("INFO", "HELP"), ("thanks", None)):
        phone.reply(word)
        assert hook.next()[0].get("OptOutType") == kind


def test_a_stop_can_be_lost_on_its_way_to_the_app(phone, hook):
    phone.listen_at(hook.url)
    phone.switch("inbound_drop", times=1)
    phone.reply("STOP")
    assert phone.create()[1]["code"] == 21610
    phone.switch("inbound_repeat", times=1)
    phone.reply("hello")
    assert [hook.next()[0]["Body"] for _ in range(2)] == ["hello", "hello"]
