"""When a total holds an account twice, and when it only looks so."""

from __future__ import annotations

import pytest

from database import utcnow
from services.reporting import dashboard
from tests.support.factories import make_account, make_institution, make_user

BANK = {"plaid_institution_id": "ins_7", "name": "Bank of Tests"}
CHECKING = {"name": "Checking", "mask": "0001", "subtype": "checking"}


@pytest.fixture
def user(context):
    return make_user()


def linked(user, account=None, **changes):
    """A connection to the bank with one account."""
    institution = make_institution(user, **{**BANK, **changes})
    make_account(institution, **{**CHECKING, **(account or {})})
    return institution


def doubles(user):
    return [(each.name, each.older_id) for each in dashboard(user).doubles]


def test_a_bank_linked_once_is_nothing_special(user):
    linked(user)
    linked(user, plaid_institution_id="ins_8")
    assert doubles(user) == []


@pytest.mark.parametrize("older", ["healthy", "expiring", "needs_login", "error", "revoked"])
@pytest.mark.parametrize("newer", ["new", "healthy", "needs_login", "error"])
def test_it_counts_twice_whatever_the_states(user, older, newer):
    old = linked(user, state=older)
    linked(user, state=newer)
    assert doubles(user) == [("Bank of Tests", old.id)]
    assert dashboard(user).main.accounts == 2


def test_thrice_is_said_once(user):
    old = linked(user)
    linked(user)
    linked(user)
    assert doubles(user) == [("Bank of Tests", old.id)]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    "account",
    [
        {"deleted_at": utcnow()},
        {"closed_at": utcnow()},
        {"current": None, "available": None},
        {"currency": None},
        {"mask": "0002"},
        {"name": "Savings"},
    ],
)
def test_what_does_not_count_or_is_another_account_is_no_double(user, account, which):
    for number in (0, 1):
        institution = linked(user, account if number == which else None)
    make_account(institution, name="Something else")
    assert doubles(user) == []


P, Q = {"persistent_account_id": "p"}, {"persistent_account_id": "q"}


@pytest.mark.parametrize(
    "one, other, double",
    [
        (P, {**P, "name": "Everyday", "mask": None}, True),
        (P, Q, False),
        (P, {}, True),
        ({}, Q, True),
        (P, {**Q, "name": "Everyday"}, False),
    ],
)
def test_the_banks_own_id_decides_where_both_have_one(user, one, other, double):
    linked(user, one)
    linked(user, other)
    assert (doubles(user) != []) is double


def test_banks_without_an_id_are_not_compared(user):
    linked(user, plaid_institution_id=None)
    linked(user, plaid_institution_id=None)
    assert doubles(user) == []
