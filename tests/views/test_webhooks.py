"""What the text service calls: only with its signature, as often and in whatever order it likes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from extensions import db
from models import BUDGET, PhoneOptOut, TextMessage
from services import opt_outs
from tests.support.factories import make_texted_user
from tests.support.scripted_twilio import PUBLIC, post, signature

STATUS, INBOUND = "/webhooks/twilio/status", "/webhooks/twilio/inbound"
NUMBER, SID = "+14155552671", "SM" + "7f" * 16
STOP = {"From": NUMBER, "Body": "STOP", "MessageSid": SID, "To": "+15005550006"}


@pytest.fixture
def text(rows) -> TextMessage:
    """A text the vendor has taken."""

    def make():
        row = TextMessage(
            user_id=make_texted_user().id,
            kind=BUDGET,
            local_date=date(2026, 11, 10),
            phone_hash="",
            body="CashView: x",
            status="sent",
            provider_sid=SID,
            provider_status="queued",
            sent_at=datetime(2026, 11, 10, 15, tzinfo=UTC),
        )
        db.session.add(row)
        db.session.commit()
        return row

    return rows(make)


@pytest.fixture
def now_of(rows, text):
    """(status, reason) of the text now."""

    def read() -> tuple[str, str | None]:
        row = db.session.get_one(TextMessage, text.id)
        return row.status, row.reason

    return lambda: rows(read)


def report(word: str, **changes: str) -> dict[str, str]:
    return {
        "MessageSid": SID,
        "SmsSid": SID,
        "MessageStatus": word,
        "SmsStatus": word,
        "To": NUMBER,
        **changes,
    }


def status_path(text: TextMessage) -> str:
    return f"{STATUS}?text={text.callback_id}"


def is_opted_out(rows) -> bool:
    return rows(lambda: opt_outs.is_opted_out(NUMBER))


def test_a_report_is_applied(texting_app, text, now_of):
    answer = post(texting_app, status_path(text), report("delivered"))
    assert (answer.status_code, answer.data) == (204, b"")
    assert now_of() == ("delivered", None)


def test_a_failure_keeps_its_code(texting_app, text, now_of):
    post(texting_app, status_path(text), report("undelivered", ErrorCode="30007"))
    assert now_of() == ("failed", "30007")


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "a" * 5000, "%00", "%F0%9F%98%80", "..%2F"])
def test_an_unknown_text_is_no_error(texting_app, token):
    assert post(texting_app, f"{STATUS}?text={token}", report("delivered")).status_code == 204


def test_without_the_field_for_the_text_it_is_no_error(texting_app):
    assert post(texting_app, STATUS, report("delivered")).status_code == 204


ODD = [
    {},
    {"MessageStatus": "delivered"},
    {"MessageSid": SID},
    {"MessageSid": "x" * 500, "MessageStatus": "delivered"},
    {"MessageSid": SID, "MessageStatus": "of tomorrow"},
    {"MessageSid": SID, "MessageStatus": "\x00"},
    {"MessageSid": "SM" + "0" * 32, "MessageStatus": "delivered"},
]


@pytest.mark.parametrize("fields", ODD, ids=str)
def test_a_signed_report_that_makes_no_sense_changes_nothing(texting_app, text, now_of, fields):
    assert post(texting_app, status_path(text), fields).status_code == 204
    assert now_of() == ("sent", None)


@pytest.mark.parametrize("code", ["", "abc", "0", "1" * 40, "-5", "30007; DROP"])
def test_an_odd_error_code_is_none(texting_app, text, now_of, code):
    assert post(texting_app, status_path(text), report("failed", ErrorCode=code)).status_code == 204
    assert now_of() == ("failed", None)


@pytest.mark.parametrize("path, fields", [(STATUS, report("delivered")), (INBOUND, STOP)])
def test_two_tokens_during_a_rotation(app_with, twilio, path, fields):
    both = app_with(**twilio.settings, twilio_other_auth_tokens=("the-older-one",))
    for token in (twilio.settings["twilio_auth_token"], "the-older-one"):
        assert post(both, path, fields, signed=signature(PUBLIC + path, fields, token)).status_code < 300
    assert post(both, path, fields, signed=signature(PUBLIC + path, fields, "")).status_code == 403


def test_stop_and_start_are_heeded_and_not_answered(texting_app, rows):
    answer = post(texting_app, INBOUND, STOP)
    assert answer.status_code == 200
    assert answer.mimetype == "text/xml"
    assert answer.text.endswith("<Response/>")
    assert is_opted_out(rows)
    assert post(texting_app, INBOUND, {**STOP, "Body": "Start"}).text.endswith("<Response/>")
    assert not is_opted_out(rows)


@pytest.mark.parametrize("body", ["HELP", "thanks", "", "\x00", "x" * 1600, "don't stop", "🙂"])
def test_other_replies_change_nothing(texting_app, rows, body):
    rows(lambda: opt_outs.record(NUMBER, opt_outs.REPLY))
    assert post(texting_app, INBOUND, {**STOP, "Body": body}).status_code == 200
    assert is_opted_out(rows)


@pytest.mark.parametrize("body", ["please stop", "opt out", "Stop!!", "UNSUBSCRIBE me"])
def test_other_wordings_of_stopping(texting_app, rows, body):
    post(texting_app, INBOUND, {**STOP, "Body": body})
    assert is_opted_out(rows)


def test_the_vendors_own_reading_goes_before_the_words(texting_app, rows):
    post(texting_app, INBOUND, {**STOP, "Body": "basta", "OptOutType": "STOP"})
    assert is_opted_out(rows)
    post(texting_app, INBOUND, {**STOP, "Body": "STOP", "OptOutType": "START"})
    assert not is_opted_out(rows)


@pytest.mark.parametrize(
    "number", ["", "12345", "whatsapp:+14155552671", "+1415555267x", "+" + "1" * 400, "\x00"]
)
def test_a_sender_that_is_no_number(texting_app, rows, number):
    assert post(texting_app, INBOUND, {**STOP, "From": number}).status_code == 200
    assert rows(lambda: db.session.scalars(select(PhoneOptOut)).all()) == []


@pytest.mark.parametrize("path", [STATUS, INBOUND])
@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/octet-stream", ""],
)
def test_another_content_type_is_refused(texting_app, rows, path, kind):
    """Its fields are not read, so the signature over them does not fit."""
    answer = texting_app.test_client().post(
        path,
        data=b'{"From": "+14155552671", "Body": "STOP"}',
        content_type=kind,
        headers={"X-Twilio-Signature": signature(PUBLIC + path, STOP)},
        base_url=PUBLIC,
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "bad_signature")
    assert not is_opted_out(rows)


@pytest.mark.parametrize("path", [STATUS, INBOUND])
def test_an_oversized_body_is_413(texting_app, rows, path):
    answer = post(texting_app, path, {**STOP, "Body": "x" * 70_000})
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")
    assert not is_opted_out(rows)


@pytest.mark.parametrize("path", [STATUS, INBOUND])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post(texting_app, path, method):
    assert texting_app.test_client().open(path, method=method, base_url=PUBLIC).status_code in (403, 405)


@pytest.mark.parametrize("path", [STATUS, INBOUND])
def test_no_session_is_begun(texting_app, path):
    assert "Set-Cookie" not in post(texting_app, path, STOP).headers
    assert "Set-Cookie" not in post(texting_app, path, STOP, signed=None).headers


def test_nothing_personal_is_logged(texting_app, caplog):
    caplog.set_level("DEBUG")
    post(texting_app, INBOUND, {**STOP, "Body": "STOP it, says Ada"})
    post(texting_app, INBOUND, STOP, signed="forged")
    assert "4155552671" not in caplog.text
    assert "says Ada" not in caplog.text
