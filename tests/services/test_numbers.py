"""A person's number and zone change, they go, keys are rotated: who may be texted stays true throughout."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, text

from database import utcnow
from domain.periods import local_date
from extensions import db
from models import (
    BUDGET,
    DELIVERED,
    PENDING,
    PHONE,
    SKIPPED,
    PhoneOptOut,
    PhoneVerification,
    TextConsent,
    TextMessage,
    User,
)
from services import consent, delivery, opt_outs, phone_hashes, text_claims, users, verification
from services.delivery import Report
from services.rewrapping import rewrap_secrets
from services.text_claims import Dropped
from services.users import Profile
from tests.support.factories import make_account, make_institution, make_texted_user, make_tracker, make_user
from tests.support.reading import count
from tests.support.texts import TakingTexts
from vault import vault

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
FIRST, SECOND = "+14155552671", "+16046822344"
NOON = datetime(2026, 11, 10, 17, 0, tzinfo=UTC)


@pytest.fixture
def user(context):
    return make_texted_user()


@pytest.fixture
def keys(settings):
    yield vault.set_keys
    vault.set_keys(settings.encryption_keys)


def profile(user: User, **changes) -> Profile:
    fields = {name: getattr(user, name) for name in Profile.__dataclass_fields__}
    return replace(Profile(**fields), **changes)


def waiting_text(user: User, **changes) -> TextMessage:
    """A budget text for 2026-11-10 that waits for its turn."""
    tracker = make_tracker(make_account(make_institution(user)))
    values = {"phone_hash": user.phone_hash, "body": "CashView: you have spent $1.00.", "status": PENDING}
    row = TextMessage(
        user_id=user.id,
        budget_tracker_id=tracker.id,
        kind=BUDGET,
        local_date=date(2026, 11, 10),
        **{**values, **changes},
    )
    db.session.add(row)
    db.session.commit()
    return row


def fresh(row):
    db.session.expire_all()
    return db.session.get_one(type(row), row.id)


def test_a_changed_number_is_unverified_and_unasked(user):
    user.phone_problem = "30006"
    consent.agree(user)
    verification.send_code(user, TakingTexts(), None)
    users.update_profile(user, profile(user, phone_number=SECOND))
    after = fresh(user)
    assert (after.phone_number, after.phone_hash) == (SECOND, vault.digest(PHONE, SECOND))
    assert (after.phone_verified_at, after.texts_agreed_at, after.phone_problem) == (None, None, None)
    assert db.session.scalars(select(PhoneVerification)).all() == []


def test_the_same_number_again_changes_nothing(user):
    user.phone_problem = "30003"
    db.session.commit()
    verification.send_code(user, TakingTexts(), None)
    before = fresh(user).phone_hash, user.phone_verified_at, user.texts_agreed_at
    users.update_profile(user, profile(user, first_name="Augusta"))
    after = fresh(user)
    assert (after.phone_hash, after.phone_verified_at, after.texts_agreed_at) == before
    assert (after.first_name, after.phone_problem) == ("Augusta", "30003")
    assert len(db.session.scalars(select(PhoneVerification)).all()) == 1


def test_a_number_verified_while_it_is_changed_is_not_the_new_one(context):
    """The request knows the old row, in which nothing is verified; writing only what changed would keep it so."""
    user = make_user(account_type="development")
    assert user.phone_verified_at is None
    with db.engine.begin() as other:
        other.execute(text("UPDATE users SET phone_verified_at = created_at"))
    users.update_profile(user, profile(user, phone_number=SECOND))
    assert fresh(user).phone_verified_at is None


def test_a_code_for_the_old_number_does_not_verify_the_new_one(user):
    texts = TakingTexts()
    verification.send_code(user, texts, None)
    code = texts.calls[0].body.split("code is ")[1][:6]
    users.update_profile(user, profile(user, phone_number=SECOND))
    with pytest.raises(verification.WrongCode):
        verification.verify(fresh(user), code)
    assert fresh(user).phone_verified_at is None


def test_a_taken_name_keeps_the_number_too(user):
    make_user("ada")
    with pytest.raises(users.UsernameTaken):
        users.update_profile(user, profile(user, username="ADA", phone_number=SECOND, timezone="UTC"))
    after = fresh(user)
    assert (after.phone_number, after.timezone) == (FIRST, "America/New_York")
    assert after.phone_verified_at is not None


def test_a_late_report_about_the_old_number_says_nothing_about_the_new_one(user):
    for code in ("30006", "21610"):
        row = waiting_text(
            user, status="sent", provider_sid="SM" + "1" * 32, phone_hash=vault.digest(PHONE, SECOND)
        )
        assert delivery.apply_report(row.callback_id, Report("SM" + "1" * 32, "undelivered", code))
        assert fresh(row).status == "failed"
    assert fresh(user).phone_problem is None
    assert not opt_outs.is_opted_out(FIRST)


def test_whoever_goes_leaves_proof_and_opt_out_and_no_text(user):
    consent.agree(user)
    opt_outs.record(FIRST, opt_outs.REPLY)
    waiting_text(user)
    verification_of = make_user(account_type="development", phone_number=SECOND)
    verification.send_code(verification_of, TakingTexts(), None)
    users.delete_user(user)
    users.delete_user(verification_of)
    assert db.session.scalars(select(TextMessage)).all() == []
    assert db.session.scalars(select(PhoneVerification)).all() == []
    assert opt_outs.is_opted_out(FIRST)
    assert [(proof.user_id, proof.phone_number) for proof in db.session.scalars(select(TextConsent))] == [
        (None, None)
    ]


def test_another_zone_moves_no_text_nearer(user):
    tracker = make_tracker(
        make_account(make_institution(user)),
        notification_frequency=7,
        next_notification_date=local_date(utcnow(), "America/New_York") + timedelta(days=3),
    )
    before = tracker.next_notification_date
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"):
        users.update_profile(fresh(user), profile(fresh(user), timezone=zone))
        assert fresh(tracker).next_notification_date == before


@pytest.mark.parametrize("frequency", [1, 15])
def test_no_text_is_further_away_than_its_frequency_and_a_day(context, frequency, monkeypatch):
    """00:30 of the 12th on Kiritimati is 23:30 of the 10th on Pago Pago."""
    monkeypatch.setattr(users, "utcnow", lambda: datetime(2026, 11, 11, 10, 30, tzinfo=UTC))
    user = make_texted_user(timezone="Pacific/Kiritimati")
    own = make_tracker(
        make_account(make_institution(user)),
        notification_frequency=frequency,
        next_notification_date=date(2026, 11, 12) + timedelta(days=frequency),
    )
    other = make_tracker(
        make_account(make_institution(make_texted_user())), next_notification_date=date(2027, 1, 1)
    )
    users.update_profile(user, profile(user, timezone="Pacific/Pago_Pago"))
    assert fresh(own).next_notification_date == date(2026, 11, 11) + timedelta(days=frequency)
    assert fresh(other).next_notification_date == date(2027, 1, 1)


def test_hashes_follow_the_keys(context, keys):
    keys([OLD])
    user = make_texted_user()
    consent.agree(user)
    text_row = waiting_text(user)
    done = waiting_text(user, status=DELIVERED)
    elsewhere = waiting_text(user, phone_hash=vault.digest(PHONE, SECOND))
    opt_outs.record(SECOND, opt_outs.REPLY)
    keys([NEW, OLD])
    rewrap_secrets()
    keys([NEW])

    new_hash = vault.digest(PHONE, FIRST)
    assert opt_outs.is_opted_out(SECOND)
    assert fresh(user).phone_hash == new_hash
    assert db.session.scalars(select(TextConsent)).one().phone_hash == new_hash
    assert fresh(text_row).phone_hash == fresh(done).phone_hash == new_hash
    assert text_claims.claim(text_row.id, NOON).to == FIRST
    with pytest.raises(Dropped):
        text_claims.claim(elsewhere.id, NOON)
    assert fresh(elsewhere).reason == "number_changed"


def test_an_opt_out_is_heeded_while_hashes_are_moving(context, keys):
    keys([OLD])
    user = make_texted_user()
    row = waiting_text(user)
    opt_outs.record(FIRST, opt_outs.REPLY)
    keys([NEW, OLD])
    with pytest.raises(Dropped):
        text_claims.claim(row.id, NOON)
    assert (fresh(row).status, fresh(row).reason) == (SKIPPED, "opted_out")


def test_a_report_of_an_opt_out_that_comes_after_the_keys_were_rotated_counts(user, keys, settings):
    row = waiting_text(user, status="sent", provider_status="sent")
    keys([NEW, *settings.encryption_keys])
    phone_hashes._move(User, [(user.id, user.phone_hash, vault.digests(PHONE, user.phone_number))])
    db.session.commit()
    assert fresh(user).phone_hash != row.phone_hash, "its text has not been moved yet"
    assert delivery.apply_report(row.callback_id, Report("SM1", "failed", "21610"))
    assert opt_outs.is_opted_out(user.phone_number)


def test_a_report_about_a_number_that_no_key_opens_pauses_it(user, keys):
    row = waiting_text(user, status="sent", provider_status="sent")
    keys([NEW])
    db.session.expire_all()
    assert delivery.apply_report(row.callback_id, Report("SM1", "failed", "21610"))
    assert (fresh(row).status, user.phone_verified_at, user.phone_problem) == ("failed", None, "21610")
    assert count(PhoneOptOut) == 0


def test_moving_may_be_stopped_and_started_again(context, keys, monkeypatch):
    keys([OLD])
    people = [make_texted_user(phone_number=f"+1415555267{digit}") for digit in range(5)]
    rows = [waiting_text(user) for user in people]
    keys([NEW, OLD])
    monkeypatch.setattr(phone_hashes, "PAGE", 2)
    moves = []

    def stop_at_the_second(page):
        moves.append(page)
        if len(moves) == 2:
            raise KeyboardInterrupt
        return phone_hashes_move_texts(page)

    phone_hashes_move_texts = phone_hashes._move_texts
    monkeypatch.setattr(phone_hashes, "_move_texts", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        rewrap_secrets()
    db.session.rollback()
    agree = [fresh(row).phone_hash == fresh(user).phone_hash for row, user in zip(rows, people, strict=True)]
    assert agree == [True] * 5, "a person and their texts move together"

    rewrap_secrets()
    for user, row in zip(people, rows, strict=True):
        assert (
            fresh(user).phone_hash == vault.digest(PHONE, fresh(user).phone_number) == fresh(row).phone_hash
        )


def test_one_number_on_the_list_under_two_keys_is_there_once(context, keys):
    keys([OLD])
    opt_outs.record(FIRST, opt_outs.REPLY)
    keys([NEW, OLD])
    db.session.add(PhoneOptOut(phone_hash=vault.digest(PHONE, FIRST), phone_number=FIRST, source="reply"))
    db.session.commit()
    rewrap_secrets()
    assert [row.phone_hash for row in db.session.scalars(select(PhoneOptOut))] == [vault.digest(PHONE, FIRST)]


def test_what_no_key_opens_stays_as_it_is(context, keys):
    keys([OLD])
    user = make_texted_user()
    opt_outs.record(FIRST, opt_outs.REPLY)
    before = user.phone_hash
    keys([NEW])
    rewrap_secrets()
    assert db.session.scalar(text("SELECT phone_hash FROM users")) == before
    assert db.session.scalar(text("SELECT phone_hash FROM phone_opt_outs")) == before
