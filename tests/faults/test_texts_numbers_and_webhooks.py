"""Faults between us, the text service and a phone: rows 14 to 19 and 43 of the fault table, each by its number.

The text service is a program at the other end of real HTTP; its callbacks are signed as the real one signs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from extensions import db
from models import BUDGET, PhoneOptOut, PhoneVerification, TextConsent, TextMessage, User
from providers.base import TextGateway
from services import delivery, opt_outs, sending, users
from services.sending import Result, Sent
from services.users import Profile
from tests.support.factories import make_account, make_institution, make_texted_user, make_tracker
from tests.support.scripted_twilio import PUBLIC, ScriptedTwilio, post, signature

NOON = datetime(2026, 11, 10, 17, 0, tzinfo=UTC)
STATUS, INBOUND = "/webhooks/twilio/status", "/webhooks/twilio/inbound"
FIRST, SECOND, OTHER = "+14155552671", "+16046822344", "+14155552672"


@pytest.fixture
def twilio() -> Iterator[ScriptedTwilio]:
    with ScriptedTwilio() as vendor:
        yield vendor


@pytest.fixture
def site(app_with: Callable[..., Flask], twilio: ScriptedTwilio) -> Iterator[Flask]:
    made = app_with(**twilio.settings)
    with made.app_context():
        yield made


@pytest.fixture
def gateway(site: Flask) -> TextGateway:
    return site.extensions["texts"]


def enqueued(user: User, body: str = "CashView: you have spent $1.00.") -> TextMessage:
    """A budget text for today, written down and not yet sent."""
    tracker = make_tracker(make_account(make_institution(user)))
    row = TextMessage(
        user_id=user.id,
        budget_tracker_id=tracker.id,
        kind=BUDGET,
        local_date=date(2026, 11, 10),
        phone_hash=user.phone_hash,
        body=body,
    )
    db.session.add(row)
    db.session.commit()
    return row


def send(row: TextMessage, gateway: TextGateway) -> Sent:
    return sending.send(row.id, NOON, gateway, PUBLIC)


def state(row: TextMessage) -> tuple[str, str | None]:
    db.session.expire_all()
    kept = db.session.get_one(TextMessage, row.id)
    return kept.status, kept.reason


def report(site: Flask, row: TextMessage, word: str, error: str | None = None) -> None:
    """A signed callback about this text."""
    db.session.expire_all()
    sid = db.session.get_one(TextMessage, row.id).provider_sid or "SM" + f"{1:032x}"
    fields = {"MessageSid": sid, "MessageStatus": word, **({"ErrorCode": error} if error else {})}
    assert post(site, f"{STATUS}?text={row.callback_id}", fields).status_code == 204


def reply(site: Flask, number: str, body: str) -> None:
    assert (
        post(site, INBOUND, {"From": number, "Body": body, "MessageSid": "SM" + "a" * 32}).status_code == 200
    )


def tables() -> dict[str, list[Any]]:
    """Everything that a webhook may change."""
    db.session.rollback()
    watched = (User, TextMessage, PhoneOptOut, TextConsent, PhoneVerification)
    return {
        model.__tablename__: [tuple(row) for row in db.session.execute(select(*model.__table__.columns))]
        for model in watched
    }


ROW_14 = [
    (21610, "skipped", "opted_out", None),
    (21211, "failed", "21211", "21211"),
    (21614, "failed", "21614", "21614"),
    (21608, "failed", "21608", None),
]


@pytest.mark.parametrize("code, status, reason, problem", ROW_14)
def test_row_14_a_refused_number_pauses_its_person_alone(
    site, twilio, gateway, code, status, reason, problem
):
    broken, sound = make_texted_user(), make_texted_user(phone_number=OTHER)
    first, second = enqueued(broken), enqueued(sound)
    twilio.refuse_next(400, code)
    send(first, gateway)
    assert send(second, gateway).result is Result.SENT
    assert state(first) == (status, reason)
    assert state(second) == ("sent", None)
    assert broken.phone_problem == problem or db.session.get_one(User, broken.id).phone_problem == problem
    assert opt_outs.is_opted_out(FIRST) is (code == 21610)
    assert db.session.get_one(User, sound.id).phone_problem is None
    calls = len(twilio.texts)
    send(first, gateway)
    assert len(twilio.texts) == calls, "not tried again"


def test_row_15_delivered_stays_delivered(site, gateway):
    row = enqueued(make_texted_user())
    send(row, gateway)
    for word in ("delivered", "sent", "delivered", "queued", "undelivered", "sending"):
        report(site, row, word, "30003" if word == "undelivered" else None)
        assert state(row) == ("delivered", None)


def test_row_15_a_callback_before_the_answer_is_kept(site, twilio, gateway, monkeypatch):
    """The report arrives while our own request is still open: when it is answered, nothing goes back."""
    row = enqueued(make_texted_user())
    answer = twilio.answer

    def told_first(form):
        status, body = answer(form)
        fields = {"MessageSid": body["sid"], "MessageStatus": "delivered"}
        assert post(site, f"{STATUS}?text={row.callback_id}", fields).status_code == 204
        return status, body

    monkeypatch.setattr(twilio, "answer", told_first)
    send(row, gateway)
    assert state(row) == ("delivered", None)


@pytest.mark.parametrize("code", ["30034", "30007"])
def test_row_16_a_failure_told_later_is_visible_and_not_sent_again(site, twilio, gateway, code):
    row = enqueued(make_texted_user())
    send(row, gateway)
    report(site, row, "undelivered", code)
    assert state(row) == ("failed", code)
    assert delivery.parked_texts(datetime.now(UTC)) == 1, "a person must look"
    assert sending.waiting() == []
    send(row, gateway)
    assert len(twilio.texts) == 1


FORGERIES: dict[str, Callable[[str, dict[str, str]], str | None]] = {
    "missing": lambda _url, _fields: None,
    "empty": lambda _url, _fields: " ",
    "nonsense": lambda _url, _fields: "é\x7f",
    "another key": lambda url, fields: signature(PUBLIC + url, fields, "guess"),
    "an empty key": lambda url, fields: signature(PUBLIC + url, fields, ""),
    "http": lambda url, fields: signature(f"http://cashview.example{url}", fields),
    "another host": lambda url, fields: signature(f"https://evil.example{url}", fields),
    "another path": lambda url, fields: signature(f"{PUBLIC}/webhooks/twilio/other", fields),
    "another query": lambda url, fields: signature(f"{PUBLIC}{url}&more=1", fields),
    "other fields": lambda url, fields: signature(PUBLIC + url, {**fields, "From": OTHER}),
    "no fields": lambda url, _fields: signature(PUBLIC + url, {}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("which", ["status", "inbound"])
def test_row_17_forged_or_missing_signature_is_403_and_changes_nothing(site, gateway, forgery, which):
    row = enqueued(make_texted_user())
    send(row, gateway)
    sid = db.session.get_one(TextMessage, row.id, populate_existing=True).provider_sid
    path, fields = {
        "status": (
            f"{STATUS}?text={row.callback_id}",
            {"MessageSid": str(sid), "MessageStatus": "delivered"},
        ),
        "inbound": (INBOUND, {"From": FIRST, "Body": "STOP"}),
    }[which]
    before = tables()
    answer = post(site, path, fields, signed=FORGERIES[forgery](path, fields))
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "bad_signature")
    assert tables() == before
    assert post(site, path, fields).status_code < 300, "the same request with its own signature is believed"
    assert tables() != before


@pytest.mark.parametrize("missing", [{"public_base_url": None}, {"twilio_auth_token": None}])
@pytest.mark.parametrize("path", [STATUS, INBOUND])
def test_row_17_without_address_or_token_nobody_is_believed(app_with, site, twilio, missing, path):
    unset = app_with(**{**twilio.settings, **missing})
    fields = {"From": FIRST, "Body": "STOP"}
    before = tables()
    for signed in (
        signature(PUBLIC + path, fields),
        signature(path, fields),
        signature(PUBLIC + path, fields, ""),
    ):
        assert post(unset, path, fields, signed=signed).status_code == 403
    assert tables() == before


def test_row_17_a_replay_changes_nothing_more(site, gateway):
    row = enqueued(make_texted_user())
    send(row, gateway)
    report(site, row, "delivered")
    reply(site, FIRST, "STOP")
    before = tables()
    for _ in range(3):
        report(site, row, "delivered")
        report(site, row, "sent")
        reply(site, FIRST, "STOP")
    assert tables() == before


def test_row_17_a_replayed_report_is_not_another_texts(site, gateway):
    """The address is signed too: a report cannot be moved to another text."""
    user = make_texted_user()
    first, second = enqueued(user), enqueued(user)
    for row in (first, second):
        send(row, gateway)
    fields = {
        "MessageSid": str(db.session.get_one(TextMessage, first.id).provider_sid),
        "MessageStatus": "delivered",
    }
    kept = signature(f"{PUBLIC}{STATUS}?text={first.callback_id}", fields)
    assert post(site, f"{STATUS}?text={second.callback_id}", fields, signed=kept).status_code == 403
    assert state(second) == ("sent", None)


@pytest.mark.parametrize("words", ["STOP", "please stop", "Stop!!", "opt out"])
def test_row_18_stop_between_enqueue_and_send(site, twilio, gateway, words):
    row = enqueued(make_texted_user())
    reply(site, FIRST, words)
    assert send(row, gateway).result is Result.SKIPPED
    assert state(row) == ("skipped", "opted_out")
    assert twilio.texts == []


def test_row_18_stop_holds_for_everybody_with_the_number(site, twilio, gateway):
    rows = [enqueued(make_texted_user()), enqueued(make_texted_user())]
    other = enqueued(make_texted_user(phone_number=OTHER))
    reply(site, FIRST, "STOP")
    assert [send(row, gateway).result for row in rows] == [Result.SKIPPED] * 2
    assert send(other, gateway).result is Result.SENT
    assert [text["To"] for text in twilio.texts] == [OTHER]


def save_number(user: User, number: str) -> None:
    """As the profile page does."""
    fields = {name: getattr(user, name) for name in Profile.__dataclass_fields__}
    users.update_profile(user, Profile(**{**fields, "phone_number": number}))
    db.session.expire_all()


def test_row_19_stop_then_the_same_number_saved_again_is_still_stopped(site, twilio, gateway):
    user = make_texted_user()
    reply(site, FIRST, "STOP")
    save_number(user, FIRST)
    row = enqueued(user)
    assert send(row, gateway).result is Result.SKIPPED
    save_number(user, SECOND)
    save_number(user, FIRST)
    assert opt_outs.is_opted_out(FIRST)
    assert twilio.texts == []


def test_row_19_nor_does_deleting_the_profile_and_coming_back(site, twilio, gateway):
    user = make_texted_user()
    reply(site, FIRST, "STOP")
    users.delete_user(user)
    row = enqueued(make_texted_user())
    assert send(row, gateway).result is Result.SKIPPED
    assert twilio.texts == []


def test_row_19_only_start_resumes(site, twilio, gateway):
    user = make_texted_user()
    reply(site, FIRST, "STOP")
    for words in ("ok", "thanks", "why?", "yes I know"):
        reply(site, FIRST, words)
        assert opt_outs.is_opted_out(FIRST)
    reply(site, OTHER, "START")
    assert opt_outs.is_opted_out(FIRST)
    reply(site, FIRST, "START")
    assert send(enqueued(user), gateway).result is Result.SENT


def test_row_43_a_phone_changed_between_enqueue_and_send_gets_nothing(site, twilio, gateway):
    user = make_texted_user()
    row = enqueued(user)
    save_number(user, SECOND)
    assert send(row, gateway).result is Result.SKIPPED
    assert state(row) == ("skipped", "number_changed")
    assert twilio.texts == []


def test_row_43_nor_before_the_new_one_is_verified(site, twilio, gateway):
    user = make_texted_user()
    save_number(user, SECOND)
    row = enqueued(db.session.get_one(User, user.id))
    assert send(row, gateway).result is Result.SKIPPED
    later = datetime.now(UTC) - timedelta(minutes=1)
    db.session.execute(update(User).values(phone_verified_at=later, texts_agreed_at=later))
    db.session.commit()
    assert send(enqueued(db.session.get_one(User, user.id)), gateway).result is Result.SENT
    assert [text["To"] for text in twilio.texts] == [SECOND]


def test_row_43_there_and_back_leaves_it_unverified(site, twilio, gateway):
    user = make_texted_user()
    row = enqueued(user)
    save_number(user, SECOND)
    save_number(user, FIRST)
    assert send(row, gateway).result is Result.SKIPPED
    assert twilio.texts == []


def test_row_43_a_report_about_the_old_number_leaves_the_new_one_alone(site, gateway):
    user = make_texted_user()
    row = enqueued(user)
    send(row, gateway)
    save_number(user, SECOND)
    report(site, row, "undelivered", "30006")
    assert state(row) == ("failed", "30006")
    assert db.session.get_one(User, user.id).phone_problem is None
