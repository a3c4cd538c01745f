"""Linking: a public token becomes exactly one institution, or nothing at all."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from domain.errors import BadInput, Conflict, VendorTrouble
from extensions import db
from models import FinancialInstitution, ItemRemoval, User
from services.linking import create_link_token, link
from services.users import delete_user
from tests.support import scripted_plaid as plaid
from tests.support.banks import banks_at
from tests.support.factories import make_account, make_institution, make_user
from tests.support.reading import count
from tests.support.together import meanwhile, together
from vault import digest

TOKEN = "public-sandbox-1"
EXCHANGED = {"access_token": "access-sandbox-1", "item_id": "item-1"}
USED = plaid.failure("INVALID_PUBLIC_TOKEN", "INVALID_INPUT")
METADATA = {
    "institution": {"institution_id": "ins_109508", "name": "First Platypus Bank"},
    "accounts": [{"id": "x", "name": "Plaid Checking", "mask": "0000", "type": "depository"}],
}


@pytest.fixture
def user(context, bank):
    bank.always("/item/public_token/exchange", EXCHANGED)
    return make_user()


@pytest.fixture
def impatient(monkeypatch):
    """A refused token waits for its twin only a moment."""
    monkeypatch.setattr("services.linking.TWIN_WAIT_SECONDS", 0.15)


def linked(user, banks, token=TOKEN, metadata=None, *, confirm=False) -> FinancialInstitution:
    return link(user, token, metadata, confirm_duplicate=confirm, banks=banks)


def removed(bank) -> list[str]:
    return [body["access_token"] for body in bank.asked("/item/remove")]


def test_a_public_token_becomes_an_institution_that_a_worker_reads(user, bank, banks, engine):
    institution = linked(user, banks, metadata=METADATA)

    assert (institution.user_id, institution.environment) == (user.id, "sandbox")
    assert (institution.plaid_item_id, institution.access_token) == ("item-1", "access-sandbox-1")
    assert (institution.name, institution.plaid_institution_id) == ("First Platypus Bank", "ins_109508")
    assert (institution.state, institution.stage, institution.refreshed_at) == ("new", "connecting", None)
    assert institution.due_at <= datetime.now(UTC)
    assert engine.tasks == [("refresh", {"institution_id": institution.id}, 0)]
    assert [body["public_token"] for body in bank.asked("/item/public_token/exchange")] == [TOKEN]


def test_neither_token_is_kept_in_the_clear(user, banks):
    linked(user, banks)
    row = db.session.execute(text("SELECT access_token, public_token_hash FROM financial_institutions")).one()
    assert "access-sandbox-1" not in row.access_token
    assert row.public_token_hash == digest(TOKEN)


def test_the_institution_lives_where_its_owner_does(user, bank, banks):
    real = make_user(account_type="development")
    assert linked(real, banks).environment == "production"


def test_the_same_token_again_is_the_same_institution_and_is_not_exchanged_twice(user, bank, banks):
    first = linked(user, banks, metadata=METADATA)
    assert linked(user, banks, metadata=METADATA).id == first.id
    assert len(bank.asked("/item/public_token/exchange")) == 1
    assert count(FinancialInstitution) == 1


@pytest.mark.parametrize("second_answer", [USED, EXCHANGED], ids=["refused as used", "answered twice"])
def test_the_same_token_twice_at_once_is_one_institution(app, user, bank, banks, second_answer):
    both_asked = threading.Barrier(2)

    def first(_body):
        both_asked.wait(10)
        return EXCHANGED

    def second(_body):
        both_asked.wait(10)
        return second_answer

    bank.next("/item/public_token/exchange", first, second)
    user_id = user.id

    def work() -> int:
        return linked(db.session.get_one(User, user_id), banks).id

    ids = together(app, work, work)

    assert ids[0] == ids[1], ids
    assert count(FinancialInstitution) == 1
    assert removed(bank) == [], "the Item is in use: it must not be ended"


def test_a_token_that_somebody_else_exchanged_is_invalid_and_tells_nothing(user, bank, banks):
    linked(user, banks)
    stranger = make_user()
    with pytest.raises(BadInput) as refusal:
        linked(stranger, banks)
    assert refusal.value.code == "invalid_public_token"
    assert len(bank.asked("/item/public_token/exchange")) == 1
    assert removed(bank) == []


def test_two_people_with_one_token_at_once_the_second_gets_nothing(app, user, bank, banks, impatient):
    bank.next("/item/public_token/exchange", EXCHANGED, USED)
    numbers = [user.id, make_user().id]
    results = together(
        app, *[lambda number=number: linked(db.session.get_one(User, number), banks).id for number in numbers]
    )
    assert sorted(type(result).__name__ for result in results) == ["BadInput", "int"]
    assert count(FinancialInstitution) == 1


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        7,
        1.5,
        True,
        [],
        ["public"],
        {},
        {"a": 1},
        "x" * 513,
        "a\nb",
        "a\x00b",
        "\ud800",
        "\u202e",
        b"x",
    ],
)
def test_what_is_no_token_is_refused_without_asking_the_vendor(user, bank, banks, token):
    with pytest.raises(BadInput) as refusal:
        linked(user, banks, token)
    assert refusal.value.code == "invalid_public_token"
    assert bank.requests == []
    assert count(FinancialInstitution) == 0


def test_a_token_the_vendor_refuses_is_invalid(user, bank, banks, impatient):
    bank.always("/item/public_token/exchange", USED)
    with pytest.raises(BadInput) as refusal:
        linked(user, banks)
    assert refusal.value.code == "invalid_public_token"
    assert count(FinancialInstitution) == 0


@pytest.mark.parametrize(
    "answer",
    [
        plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500),
        plaid.failure("RATE_LIMIT", "RATE_LIMIT_EXCEEDED", 429),
        plaid.failure("INVALID_API_KEYS"),
        (200, b"<html></html>"),
        (200, b'{"item_id": "item-1"}'),
        (503, b""),
    ],
)
def test_when_the_vendor_fails_nothing_is_kept_and_trying_later_works(user, bank, banks, answer):
    bank.next("/item/public_token/exchange", answer)
    with pytest.raises(VendorTrouble) as trouble:
        linked(user, banks)
    assert trouble.value.code == "vendor_unavailable"
    assert count(FinancialInstitution) == 0
    assert linked(user, banks).plaid_item_id == "item-1"


def test_a_vendor_that_is_down_is_trouble_not_a_crash(user):
    with pytest.raises(VendorTrouble):
        linked(user, banks_at("http://127.0.0.1:9"))


def test_without_keys_for_the_account_type_nothing_can_be_linked(user, bank):
    with pytest.raises(VendorTrouble) as trouble:
        linked(user, banks_at(bank.url, "production"))
    assert trouble.value.code == "not_configured"
    with pytest.raises(VendorTrouble):
        create_link_token(user, banks_at(bank.url, "production"))


def test_a_link_token_is_asked_for_this_person_with_two_years_of_history(user, bank, banks):
    bank.always("/link/token/create", {"link_token": "link-1", "expiration": "2026-11-23T20:00:00Z"})
    token = create_link_token(user, banks)
    (asked,) = bank.asked("/link/token/create")
    assert (token.link_token, token.expiration) == ("link-1", "2026-11-23T20:00:00Z")
    assert asked["user"] == {"client_user_id": str(user.id)}
    assert asked["transactions"] == {"days_requested": 730}
    assert asked["products"] == ["transactions"]


def failing_insert(_connection, _cursor, statement, *_rest):
    if statement.startswith("INSERT INTO financial_institutions"):
        raise OperationalError(statement, {}, RuntimeError("the disk is full"))


@pytest.fixture
def full_disk(context):
    event.listen(db.engine, "before_cursor_execute", failing_insert)
    yield
    event.remove(db.engine, "before_cursor_execute", failing_insert)


def test_row_26_when_the_database_fails_after_the_exchange_the_item_is_given_back(
    user, bank, banks, full_disk, engine
):
    with pytest.raises(OperationalError):
        linked(user, banks)
    assert removed(bank) == ["access-sandbox-1"]
    assert count(FinancialInstitution) == 0
    assert engine.tasks == []


def test_row_26_an_item_that_can_neither_be_kept_nor_given_back_is_remembered_for_removal(
    user, bank, banks, full_disk
):
    bank.always("/item/remove", plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500))
    with pytest.raises(OperationalError):
        linked(user, banks)
    removal = db.session.scalars(select(ItemRemoval)).one()
    assert (removal.plaid_item_id, removal.access_token) == ("item-1", "access-sandbox-1")
    assert removal.environment == "sandbox"
    assert removal.due_at <= datetime.now(UTC)


def test_a_person_deleted_during_the_exchange_leaves_no_item_behind(app, user, bank, banks):
    user_id = user.id
    bank.next(
        "/item/public_token/exchange",
        meanwhile(app, lambda: delete_user(db.session.get_one(User, user_id)), EXCHANGED),
    )
    with pytest.raises(BadInput):
        linked(user, banks)
    assert removed(bank) == ["access-sandbox-1"]
    assert count(FinancialInstitution) == 0


def test_an_item_that_is_linked_already_under_another_token_is_that_institution(user, bank, banks):
    """Ending it 'as a duplicate' would cut off the institution that uses it."""
    first = linked(user, banks)
    again = linked(user, banks, "public-sandbox-2")
    assert again.id == first.id
    assert removed(bank) == []


def test_an_item_that_is_somebody_elses_is_neither_given_nor_ended(user, bank, banks):
    linked(user, banks)
    with pytest.raises(BadInput) as refusal:
        linked(make_user(), banks, "public-sandbox-2")
    assert refusal.value.code == "invalid_public_token"
    assert removed(bank) == []
    assert count(FinancialInstitution) == 1


@pytest.fixture
def platypus(user):
    """The person has First Platypus Bank with Plaid Checking ending in 0000."""
    institution = make_institution(user, plaid_institution_id="ins_109508", name="First Platypus Bank")
    make_account(institution, name="Plaid Checking", mask="0000")
    return institution


def test_row_27_an_institution_already_linked_is_noticed_before_anything_is_exchanged(
    user, bank, banks, platypus
):
    with pytest.raises(Conflict) as refusal:
        linked(user, banks, metadata=METADATA)
    assert refusal.value.code == "already_linked"
    assert "First Platypus Bank" in refusal.value.message
    assert bank.requests == []


def test_a_confirmed_duplicate_is_linked_beside_the_first(user, bank, banks, platypus):
    assert linked(user, banks, metadata=METADATA, confirm=True).id != platypus.id
    assert count(FinancialInstitution) == 2


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {**METADATA, "accounts": []},
        {**METADATA, "accounts": [{"name": "Plaid Checking", "mask": "9999"}]},
        {**METADATA, "accounts": [{"name": "Other", "mask": "0000"}]},
        {**METADATA, "accounts": [{"name": "Plaid Checking"}]},
        {**METADATA, "institution": {"institution_id": "ins_2", "name": "First Platypus Bank"}},
        {"accounts": METADATA["accounts"]},
    ],
    ids=["none", "no accounts", "other mask", "other name", "no mask", "other bank", "no bank"],
)
def test_what_does_not_match_is_no_duplicate(user, bank, banks, platypus, metadata):
    assert linked(user, banks, metadata=metadata).id != platypus.id


def test_somebody_elses_institution_is_no_duplicate(user, bank, banks, platypus):
    assert linked(make_user(), banks, metadata=METADATA).id != platypus.id


def test_without_an_id_the_banks_name_finds_a_duplicate(user, bank, banks, platypus):
    with pytest.raises(Conflict):
        linked(user, banks, metadata={**METADATA, "institution": {"name": "First Platypus Bank"}})
