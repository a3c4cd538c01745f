"""Codes: sent at any hour, kept hashed, ten minutes, five tries, one use; and nobody can pump texts out of us."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from database import utcnow
from domain.errors import TooSoon
from extensions import db
from models import CODE, FAILED, SENT, UNKNOWN, PhoneVerification, TextMessage, User
from providers.base import TextError, TextKind
from services import consent, opt_outs, sending, users
from services.sending import Result
from services.verification import NotTaken, NumberRefused, OptedOut, WrongCode, send_code, verify
from tests.support.factories import make_user
from tests.support.texts import TakingTexts
from tests.support.together import together

BASE = "https://cashview.example"


@pytest.fixture
def user(context):
    return make_user(account_type="development")


@pytest.fixture
def texts():
    return TakingTexts()


def newest_code(texts: TakingTexts) -> str:
    return texts.calls[-1].body.split("code is ")[1][:6]


def rows() -> list[TextMessage]:
    db.session.expire_all()
    return list(db.session.scalars(select(TextMessage).order_by(TextMessage.id)))


def a_minute_later() -> None:
    for place in db.session.scalars(select(PhoneVerification)):
        place.sent_at = place.sent_at - timedelta(seconds=61)
    db.session.commit()


def wrong(code: str) -> str:
    return "000000" if code != "000000" else "000001"


def test_the_code_goes_to_the_number_with_a_short_validity_and_a_callback(user, texts):
    assert send_code(user, texts, BASE) is Result.SENT
    (call,) = texts.calls
    (row,) = rows()
    assert call.to == "+14155552671"
    assert call.validity_seconds == 600
    assert call.status_callback == f"{BASE}/webhooks/twilio/status?text={row.callback_id}"
    assert call.body.startswith("CashView: your code is ")
    assert newest_code(texts).isdigit()


def test_neither_the_code_nor_its_text_is_kept(user, texts):
    send_code(user, texts, BASE)
    (row,) = rows()
    assert (row.kind, row.body, row.status) == (CODE, "", SENT)
    kept = db.session.scalars(select(PhoneVerification)).one()
    assert newest_code(texts) not in kept.code_hash
    assert len(kept.code_hash) == 64


def test_the_right_code_verifies_the_number_and_clears_its_problem(user, texts):
    user.phone_problem = "30006"
    db.session.commit()
    send_code(user, texts, BASE)
    verify(user, newest_code(texts))
    assert user.phone_verified_at is not None
    assert user.phone_problem is None


def test_row_32_somebody_who_signed_up_with_the_code_of_before_there_were_hashes_can_verify(context, texts):
    user = make_user(account_type="development")
    right = user.phone_hash
    db.session.execute(update(User).where(User.id == user.id).values(phone_hash=""))
    db.session.commit()
    send_code(user, texts, BASE)
    verify(user, newest_code(texts))
    db.session.expire_all()
    assert user.phone_verified_at is not None
    assert user.phone_hash == right


def test_a_code_works_once(user, texts):
    send_code(user, texts, BASE)
    verify(user, newest_code(texts))
    with pytest.raises(WrongCode):
        verify(user, newest_code(texts))


def test_a_wrong_code_says_how_many_tries_are_left(user, texts):
    send_code(user, texts, BASE)
    for left in ("4 tries", "3 tries", "2 tries", "1 try"):
        with pytest.raises(WrongCode, match=f"You have {left} left"):
            verify(user, wrong(newest_code(texts)))
    with pytest.raises(WrongCode, match="used up"):
        verify(user, wrong(newest_code(texts)))


def test_after_five_tries_the_right_code_is_too_late(user, texts):
    send_code(user, texts, BASE)
    for _ in range(5):
        with pytest.raises(WrongCode):
            verify(user, wrong(newest_code(texts)))
    with pytest.raises(WrongCode, match="ask for a new one"):
        verify(user, newest_code(texts))
    assert user.phone_verified_at is None


def test_the_fifth_try_may_be_right(user, texts):
    send_code(user, texts, BASE)
    for _ in range(4):
        with pytest.raises(WrongCode):
            verify(user, wrong(newest_code(texts)))
    verify(user, newest_code(texts))
    assert user.phone_verified_at is not None


def test_many_tries_at_once_are_still_five(context, user, texts):
    send_code(user, texts, BASE)
    user_id, code = user.id, wrong(newest_code(texts))
    outcomes = together(context, *[lambda: verify(db.session.get_one(User, user_id), code)] * 12)
    looked_at = [error for error in outcomes if "That is not the code" in str(error)]
    assert len(looked_at) == 5
    assert all(isinstance(error, WrongCode) for error in outcomes)


def test_after_ten_minutes_it_is_too_late(user, texts):
    send_code(user, texts, BASE)
    db.session.execute(update(PhoneVerification).values(expires_at=utcnow() - timedelta(seconds=1)))
    db.session.commit()
    with pytest.raises(WrongCode, match="ask for a new one"):
        verify(user, newest_code(texts))


def test_it_lives_ten_minutes(user, texts):
    send_code(user, texts, BASE)
    kept = db.session.scalars(select(PhoneVerification)).one()
    assert kept.expires_at - kept.sent_at == timedelta(minutes=10)


def test_only_the_newest_works(user, texts):
    send_code(user, texts, BASE)
    older = newest_code(texts)
    a_minute_later()
    send_code(user, texts, BASE)
    if older != newest_code(texts):
        with pytest.raises(WrongCode):
            verify(user, older)
    verify(user, newest_code(texts))


def test_without_any_code_there_is_nothing_to_type(user):
    with pytest.raises(WrongCode):
        verify(user, "123456")


def test_a_code_is_one_persons_own(user, texts):
    other = make_user(account_type="development")
    send_code(user, texts, BASE)
    code = newest_code(texts)
    send_code(other, texts, BASE)
    if newest_code(texts) != code:
        with pytest.raises(WrongCode):
            verify(other, code)
    assert other.phone_verified_at is None


def test_another_one_comes_after_a_minute(user, texts):
    send_code(user, texts, BASE)
    with pytest.raises(TooSoon) as caught:
        send_code(user, texts, BASE)
    assert 1 <= caught.value.retry_after <= 61
    a_minute_later()
    assert send_code(user, texts, BASE) is Result.SENT
    assert len(texts.calls) == 2


def test_asking_many_times_at_once_is_one_text(context, user, texts):
    user_id = user.id
    outcomes = together(context, *[lambda: send_code(db.session.get_one(User, user_id), texts, BASE)] * 6)
    assert outcomes.count(Result.SENT) == 1
    assert sum(isinstance(error, TooSoon) for error in outcomes) == 5
    assert len(texts.calls) == 1


def test_five_codes_a_day_for_a_person_whatever_the_number(user, texts):
    for digit in range(5):
        move_to(user, f"+1415555267{digit}")
        send_code(user, texts, BASE)
        a_minute_later()
    move_to(user, "+14155552679")
    with pytest.raises(TooSoon) as caught:
        send_code(user, texts, BASE)
    assert caught.value.retry_after > 3600
    assert len(texts.calls) == 5


def move_to(user: User, number: str) -> None:
    profile = users.Profile(
        username=user.username,
        phone_number=number,
        first_name="A",
        last_name="B",
        account_type="development",
        timezone="UTC",
    )
    users.update_profile(user, profile)


def test_five_codes_a_day_to_a_number_whoever_asks(context, texts):
    for _ in range(5):
        send_code(make_user(account_type="development"), texts, BASE)
    with pytest.raises(TooSoon):
        send_code(make_user(account_type="development"), texts, BASE)
    assert send_code(make_user(account_type="development", phone_number="+16046822344"), texts, BASE)


def test_signing_up_anew_does_not_begin_a_new_day(context, texts):
    asked = 0
    for _ in range(15):
        user = make_user(account_type="development")
        consent.agree(user)
        try:
            send_code(user, texts, BASE)
            asked += 1
        except TooSoon:
            pass
        users.delete_user(user)
    assert asked <= 10


def test_codes_of_yesterday_do_not_count(user, texts):
    for _ in range(5):
        send_code(user, texts, BASE)
        a_minute_later()
    db.session.execute(update(TextMessage).values(created_at=utcnow() - timedelta(hours=25)))
    db.session.commit()
    assert send_code(user, texts, BASE) is Result.SENT


def test_a_refused_day_leaves_the_last_code_working(user, texts):
    for _ in range(5):
        send_code(user, texts, BASE)
        a_minute_later()
    with pytest.raises(TooSoon):
        send_code(user, texts, BASE)
    verify(user, newest_code(texts))


NOT_NOW = [
    TextError("TRANSPORT_ConnectTimeout", TextKind.NOT_SENT),
    TextError("20429", TextKind.LIMIT),
    TextError("20003", TextKind.CONFIG),
    TextError("21617", TextKind.CONTENT),
    TextError("21608", TextKind.UNVERIFIED),
]


@pytest.mark.parametrize("error", NOT_NOW, ids=lambda error: error.code)
def test_a_failed_send_may_be_tried_again_at_once(user, texts, error):
    texts.next(error)
    with pytest.raises(NotTaken) as caught:
        send_code(user, texts, BASE)
    assert error.code not in caught.value.message
    assert [row.status for row in rows()] == [FAILED]
    assert sending.waiting() == []
    assert send_code(user, texts, BASE) is Result.SENT


def test_but_not_for_ever(user, texts):
    for _ in range(20):
        texts.next(TextError("20003", TextKind.CONFIG))
        with pytest.raises(NotTaken):
            send_code(user, texts, BASE)
    with pytest.raises(TooSoon):
        send_code(user, texts, BASE)
    assert len(texts.calls) == 20


@pytest.mark.parametrize(
    "error", [TextError("TRANSPORT_ReadTimeout", TextKind.UNKNOWN), RuntimeError("broken")]
)
def test_a_code_that_may_have_gone_can_be_typed_in_and_is_not_sent_twice(user, texts, error):
    texts.next(error)
    assert send_code(user, texts, BASE) is Result.UNKNOWN
    assert [row.status for row in rows()] == [UNKNOWN]
    with pytest.raises(TooSoon):
        send_code(user, texts, BASE)
    verify(user, newest_code(texts))


def test_a_number_that_cannot_get_texts_is_said_to_be_one(user, texts):
    texts.next(TextError("21211", TextKind.NUMBER))
    with pytest.raises(NumberRefused):
        send_code(user, texts, BASE)
    db.session.refresh(user)
    assert user.phone_problem == "21211"
    assert [row.status for row in rows()] == [FAILED]


def test_an_opted_out_number_is_not_texted(user, texts):
    opt_outs.record(user.phone_number, opt_outs.REPLY)
    with pytest.raises(OptedOut):
        send_code(user, texts, BASE)
    assert texts.calls == []


def test_the_vendors_word_of_an_opt_out_is_kept(user, texts):
    texts.next(TextError("21610", TextKind.OPTED_OUT))
    with pytest.raises(OptedOut):
        send_code(user, texts, BASE)
    assert opt_outs.is_opted_out(user.phone_number)


def test_a_worker_that_dies_in_the_call_leaves_a_text_that_nobody_sends_again(user, texts):
    def die(_text) -> None:
        raise SystemExit

    texts.next(die)
    with pytest.raises(SystemExit):
        send_code(user, texts, BASE)
    db.session.rollback()
    assert [row.status for row in rows()] == ["sending"]
    assert sending.waiting() == []
