"""People: sign up, log in, change, delete."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, text

from domain.errors import Forbidden
from extensions import db
from models import (
    Account,
    BalanceSnapshot,
    FinancialInstitution,
    ItemRemoval,
    Transaction,
    User,
    UserSession,
)
from services import sessions
from services.users import (
    AccountTypeLocked,
    Profile,
    UsernameTaken,
    account_count,
    authenticate,
    change_password,
    confirm_password,
    delete_user,
    linked_count,
    load_user,
    sign_up,
    update_profile,
)
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_account, make_institution, make_user
from tests.support.reading import count, read
from tests.support.together import together

PASSWORD = "correct horse battery staple"
PROFILE = Profile(
    username="Grace",
    phone_number="+14155552671",
    first_name="Grace",
    last_name="Hopper",
    account_type="sandbox",
    timezone="America/Denver",
)


def changed(**changes: str) -> Profile:
    return replace(PROFILE, **changes)


def test_a_person_signs_up_and_logs_in_with_any_spelling_of_case(context):
    user = sign_up(PROFILE, PASSWORD)
    assert authenticate("Grace", PASSWORD) is not None
    assert authenticate("gRACE", PASSWORD).id == user.id  # type: ignore[union-attr]
    assert authenticate("Grace", PASSWORD + "!") is None
    assert authenticate("Grace", "") is None
    assert authenticate("nobody", PASSWORD) is None
    assert confirm_password(user, PASSWORD)
    assert not confirm_password(user, "wrong")
    assert load_user(user.get_id()) is user
    assert load_user(str(user.id)) is None
    assert load_user(f"{user.id}:0123456789abcdef") is None, "a session of another password"
    assert load_user("999999:0") is None


def test_every_byte_of_a_long_password_counts(context):
    long = "x" * 200
    user = sign_up(PROFILE, long + "a")
    assert confirm_password(user, long + "a")
    assert not confirm_password(user, long + "b")


def test_password_and_phone_number_are_not_stored_in_the_clear(context):
    user = sign_up(PROFILE, PASSWORD)
    row = db.session.execute(text("SELECT password_hash, phone_number FROM users")).one()
    assert row.password_hash.startswith("$2b$12$")
    assert "4155552671" not in row.phone_number
    db.session.expire_all()
    assert user.phone_number == "+14155552671"


@pytest.mark.parametrize(
    "name", ["Grace", "GRACE", "grace", "".join(chr(ord(char) + 0xFEE0) for char in "grace")]
)
def test_a_username_is_taken_in_every_spelling_of_case_and_width(context, name, monkeypatch):
    monkeypatch.setattr("services.users._hash", lambda _password: "!")
    sign_up(PROFILE, PASSWORD)
    with pytest.raises(UsernameTaken):
        sign_up(changed(username=name), PASSWORD)
    assert count(User) == 1


def test_of_two_people_who_want_one_name_at_once_one_gets_it(app, context, monkeypatch):
    monkeypatch.setattr("services.users._hash", lambda _password: "!")
    results = together(app, *[lambda: sign_up(PROFILE, PASSWORD).id] * 3)
    assert sorted(type(result).__name__ for result in results) == ["UsernameTaken", "UsernameTaken", "int"]
    assert count(User) == 1


def test_a_profile_is_replaced(context):
    user = make_user("old")
    update_profile(user, changed(username="New", account_type="development"))
    db.session.expire_all()
    assert (user.username, user.username_key, user.first_name) == ("New", "new", "Grace")
    assert (user.phone_number, user.timezone) == ("+14155552671", "America/Denver")
    assert (user.account_type, user.environment) == ("development", "production")
    update_profile(user, changed(username="NEW", account_type="development"))
    assert user.username == "NEW", "one's own name in another case is free"


def test_a_taken_name_changes_nothing(context):
    make_user("grace")
    user = make_user("other")
    with pytest.raises(UsernameTaken):
        update_profile(user, PROFILE)
    db.session.expire_all()
    assert (user.username, user.first_name) == ("other", "Test")


def test_the_account_type_is_fixed_while_an_institution_is_linked(context):
    user = make_user("grace")
    institution = make_institution(user)
    assert linked_count(user) == 1
    with pytest.raises(AccountTypeLocked):
        update_profile(user, changed(account_type="development"))
    update_profile(user, changed(first_name="Other"))
    db.session.delete(institution)
    db.session.commit()
    update_profile(user, changed(account_type="development"))
    assert user.account_type == "development"


def test_a_new_password_ends_every_other_session(context):
    user = sign_up(PROFILE, PASSWORD)
    for token in ("here", "there"):
        sessions.save(token, user.id, {"t": token}, create=True)
    change_password(user, "another good password", "here")
    living = sessions.load("here")
    assert living is not None
    assert living.data == {"t": "here"}
    assert sessions.load("there") is None
    assert authenticate("grace", PASSWORD) is None
    assert authenticate("grace", "another good password") is not None


def test_deleting_a_profile_leaves_nothing_but_the_items_to_end(context, bank, banks, engine):
    user, stranger = make_user(), make_user()
    for number in range(2):
        institution = make_institution(user)
        bank.always("/accounts/get", plaid.accounts(plaid.account(f"a{number}")))
        rows = [plaid.transaction(f"t{number}", account_id=f"a{number}")]
        bank.next("/transactions/sync", plaid.page(rows, cursor="c1"))
        read(institution, banks)
    sessions.save("token", user.id, {}, create=True)
    make_account(make_institution(stranger))
    items = set(
        db.session.scalars(
            select(FinancialInstitution.plaid_item_id).where(FinancialInstitution.user_id == user.id)
        )
    )
    engine.tasks.clear()

    delete_user(user)

    assert set(db.session.scalars(select(ItemRemoval.plaid_item_id))) == items
    assert len(items) == 2
    assert [name for name, _ids, _delay in engine.tasks] == ["remove_item", "remove_item"]
    left = [count(table) for table in (User, FinancialInstitution, Account)]
    assert left == [1, 1, 1], "the stranger's"
    assert [count(table) for table in (BalanceSnapshot, Transaction, UserSession)] == [0, 0, 0]


def test_two_clicks_on_delete_profile_make_one_removal_per_item(app, context):
    user = make_user()
    make_institution(user)
    number = user.id

    def click() -> None:
        found = db.session.get(User, number)
        if found is not None:
            delete_user(found)

    assert together(app, click, click) == [None, None]
    assert (count(User), count(ItemRemoval)) == (0, 1)


def test_accounts_a_profile_would_lose_are_counted_without_deleted_ones(context):
    user = make_user()
    institution = make_institution(user)
    make_account(institution)
    from database import utcnow

    make_account(institution, deleted_at=utcnow())
    assert account_count(user) == 1


def test_a_demo_copy_can_not_be_changed_or_deleted(context):
    demo = make_user(is_demo=True)
    for act in (
        lambda: update_profile(demo, PROFILE),
        lambda: change_password(demo, PASSWORD, None),
        lambda: delete_user(demo),
    ):
        with pytest.raises(Forbidden) as refusal:
            act()
        assert refusal.value.code == "demo"
    db.session.expire_all()
    assert (count(User), demo.first_name) == (1, "Test")
