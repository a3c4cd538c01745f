"""Rotating keys: old and new, rewrap, new alone."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from extensions import db
from models import FinancialInstitution, User
from services.rewrapping import rewrap_secrets
from tests.support.factories import make_institution, make_user
from vault import UndecryptableError, vault

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def keys(settings):
    yield vault.set_keys
    vault.set_keys(settings.encryption_keys)


def test_row_40_after_a_rewrap_the_old_key_may_go(context, keys):
    keys([OLD])
    user = make_user(phone_number="+14155552671")
    make_institution(user, access_token="access-1")
    keys([NEW, OLD])

    report = rewrap_secrets()
    assert (report.moved, report.unreadable) == (2, 0)

    keys([NEW])
    db.session.expire_all()
    assert db.session.get_one(User, user.id).phone_number == "+14155552671"
    assert db.session.scalars(db.select(FinancialInstitution)).one().access_token == "access-1"
    keys([OLD])
    db.session.expire_all()
    with pytest.raises(UndecryptableError):
        assert db.session.get_one(User, user.id).phone_number


def test_what_no_key_opens_is_counted_and_left_alone(context, keys):
    make_user()
    keys([NEW])
    before = db.session.scalar(text("SELECT phone_number FROM users"))
    assert rewrap_secrets().unreadable == 1
    assert db.session.scalar(text("SELECT phone_number FROM users")) == before
