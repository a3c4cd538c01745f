"""Agreeing to texts: proof with wording, time and number, which outlives the person."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from domain.consent import CURRENT
from domain.errors import Conflict, Forbidden
from extensions import db
from models import PHONE, TextConsent, User
from services import consent, users
from services.consent import NotEligible
from tests.support.factories import make_user
from tests.support.together import elsewhere, together
from vault import vault

NUMBER = "+14155552671"


@pytest.fixture
def user(context):
    return make_user(account_type="development")


def proofs() -> list[TextConsent]:
    db.session.expire_all()
    return list(db.session.scalars(select(TextConsent).order_by(TextConsent.id)))


def test_agreeing_keeps_version_time_and_number(user):
    consent.agree(user)
    (proof,) = proofs()
    assert (proof.user_id, proof.phone_number, proof.version) == (user.id, NUMBER, CURRENT)
    assert proof.phone_hash == vault.digest(PHONE, NUMBER)
    assert proof.agreed_at == user.texts_agreed_at
    assert proof.withdrawn_at is None


def test_agreeing_twice_is_once(user):
    consent.agree(user)
    agreed_at = user.texts_agreed_at
    consent.agree(user)
    assert len(proofs()) == 1
    assert user.texts_agreed_at == agreed_at


def test_agreeing_to_a_new_wording_is_kept_as_well(user, monkeypatch):
    consent.agree(user)
    monkeypatch.setattr(consent, "CURRENT", "2027-01")
    consent.agree(user)
    assert [proof.version for proof in proofs()] == [CURRENT, "2027-01"]


def test_taking_it_back_keeps_the_proof_with_its_end(user):
    consent.agree(user)
    consent.withdraw(user)
    (proof,) = proofs()
    assert proof.withdrawn_at is not None
    assert user.texts_agreed_at is None
    consent.agree(user)
    assert [bool(proof.withdrawn_at) for proof in proofs()] == [True, False]


def test_taking_back_is_ones_own_alone(user):
    other = make_user(account_type="development")
    consent.agree(other)
    consent.withdraw(user)
    assert proofs()[0].withdrawn_at is None
    assert other.texts_agreed_at is not None


def test_nobody_agrees_for_a_number_that_was_changed_meanwhile(context, user):
    seen = user.phone_number, user.phone_hash  # as the page of this request knows them
    assert seen[0] == NUMBER
    user_id = user.id
    elsewhere(context, lambda: change_number(user_id, "+16046822344"))
    with pytest.raises(Conflict):
        consent.agree(user)
    assert proofs() == []
    assert user.texts_agreed_at is None


def change_number(user_id: int, number: str) -> None:
    person = db.session.get_one(User, user_id)
    person.phone_number, person.phone_hash = number, vault.digest(PHONE, number)
    db.session.commit()


def test_when_a_person_goes_the_proof_stays_without_the_number(user):
    consent.agree(user)
    kept_hash = proofs()[0].phone_hash
    users.delete_user(user)
    (proof,) = proofs()
    assert (proof.user_id, proof.phone_number) == (None, None)
    assert (proof.phone_hash, proof.version) == (kept_hash, CURRENT)


@pytest.mark.parametrize(
    "who, texts_on, error",
    [
        ({"is_demo": True}, True, Forbidden),
        ({"is_demo": True, "account_type": "development"}, True, Forbidden),
        ({"account_type": "sandbox"}, True, NotEligible),
        ({"account_type": "development"}, False, NotEligible),
    ],
)
def test_who_can_never_have_texts(context, who, texts_on, error):
    with pytest.raises(error):
        consent.require_texts(make_user(**who), texts_on=texts_on)


def test_who_can(user):
    consent.require_texts(user, texts_on=True)


def test_agreeing_at_once_in_two_windows_holds(context, user):
    user_id = user.id
    outcomes = together(context, *[lambda: consent.agree(db.session.get_one(User, user_id))] * 3)
    assert outcomes == [None] * 3
    assert db.session.get_one(User, user_id, populate_existing=True).texts_agreed_at is not None
