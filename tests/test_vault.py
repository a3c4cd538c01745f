"""Encryption at rest: rotation, wrong keys, and nothing secret in what is shown."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from database import EncryptedText
from extensions import db
from models import User
from tests.support.factories import make_institution, make_user
from vault import UndecryptableError, Vault, digest

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def vault_with(*keys: str) -> Vault:
    made = Vault()
    made.set_keys(keys)
    return made


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_comes_back_and_is_not_in_the_ciphertext(plain):
    vault = vault_with(NEW)
    ciphertext = vault.encrypt(plain)
    assert vault.decrypt(ciphertext) == plain
    assert ciphertext.isascii()
    assert len(plain) < 8 or plain not in ciphertext


def test_the_same_text_is_never_the_same_ciphertext():
    vault = vault_with(NEW)
    assert vault.encrypt("+14155552671") != vault.encrypt("+14155552671")


def test_keys_rotate_by_prepending_one():
    before = vault_with(OLD).encrypt("token")
    both = vault_with(NEW, OLD)
    assert both.decrypt(before) == "token"
    assert vault_with(NEW).decrypt(both.encrypt("token")) == "token"
    with pytest.raises(UndecryptableError):
        vault_with(NEW).decrypt(before)


@pytest.mark.parametrize("damaged", ["", "x", "gAAAAAB", "ключ", "gAAAA" + "A" * 100, "+14155552671"])
def test_what_no_key_opens_has_an_error_of_its_own_that_repeats_nothing(damaged):
    with pytest.raises(UndecryptableError) as caught:
        vault_with(NEW).decrypt(damaged)
    assert "ENCRYPTION_KEYS" in str(caught.value)
    assert not damaged or damaged not in str(caught.value)


def test_one_changed_byte_is_noticed():
    ciphertext = vault_with(NEW).encrypt("access-sandbox-1")
    middle = len(ciphertext) // 2
    swapped = "A" if ciphertext[middle] != "A" else "B"
    with pytest.raises(UndecryptableError):
        vault_with(NEW).decrypt(ciphertext[:middle] + swapped + ciphertext[middle + 1 :])


@pytest.mark.parametrize("keys", [[], ["short"], ["not base64!" * 4], [NEW, "x"]])
def test_bad_keys_are_refused(keys):
    with pytest.raises(ValueError, match=r"key|base64|Fernet"):
        Vault().set_keys(keys)


def test_an_empty_vault_does_nothing_quietly():
    with pytest.raises(RuntimeError):
        Vault().encrypt("token")


def test_a_vault_shows_no_key():
    assert NEW not in repr(vault_with(NEW))
    assert NEW not in str(vars(vault_with(NEW)))


def test_a_digest_finds_a_token_without_keeping_it():
    assert digest("token") == digest("token") != digest("Token")
    assert len(digest("x" * 10_000)) == 64


def test_tokens_and_phone_numbers_rest_encrypted(context):
    user = make_user(phone_number="+14155552671")
    institution = make_institution(user, access_token="access-sandbox-of-vault")
    kept = db.session.execute(text("SELECT phone_number FROM users")).scalar_one()
    token = db.session.execute(text("SELECT access_token FROM financial_institutions")).scalar_one()
    assert kept.startswith("gAAAA")
    assert token.startswith("gAAAA")
    db.session.expire_all()
    assert (user.phone_number, institution.access_token) == ("+14155552671", "access-sandbox-of-vault")


def test_every_column_that_names_a_token_or_a_number_is_encrypted_or_a_hash(context):
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if column.name in ("access_token", "phone_number"):
                assert isinstance(column.type, EncryptedText), f"{table.name}.{column.name}"
            elif "token" in column.name:
                assert column.name.endswith("_hash"), f"{table.name}.{column.name}"


def test_a_damaged_row_is_an_error_with_its_own_name(context):
    make_user()
    db.session.execute(text("UPDATE users SET phone_number = 'damaged'"))
    db.session.commit()
    db.session.expire_all()
    with pytest.raises(UndecryptableError):
        assert db.session.query(User).one().phone_number


def test_a_keyed_digest_is_the_same_for_the_same_value_and_purpose_only():
    vault = vault_with(NEW)
    phone = vault.digest("phone", "+14155552671")
    assert phone == vault.digest("phone", "+14155552671")
    assert len({phone, vault.digest("phone", "+14155552672"), vault.digest("code", "+14155552671")}) == 3
    assert phone != vault_with(OLD).digest("phone", "+14155552671")
    assert phone != digest("+14155552671")  # anybody could try every number


def test_a_keyed_digest_is_found_after_a_rotation():
    before = vault_with(OLD).digest("phone", "+14155552671")
    both = vault_with(NEW, OLD)
    assert both.digests("phone", "+14155552671") == [both.digest("phone", "+14155552671"), before]
