"""Accounts and balances as the bank reports them: what vanishes, what comes late, what is not a number."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from extensions import db
from models import BalanceSnapshot
from services.refreshing import Outcome
from services.reporting import institution_view
from tests.support import scripted_plaid as plaid
from tests.support.reading import account_row, amounts, balances, count, read, snapshots


def raw_accounts(**numbers: str) -> tuple[int, bytes]:
    """An /accounts/get answer whose balances are these JSON texts, digit for digit."""
    body = json.dumps(
        plaid.accounts(plaid.account("a1", available="AVAILABLE", current="CURRENT", limit="LIMIT"))
    )
    for name in ("available", "current", "limit"):
        body = body.replace(f'"{name.upper()}"', numbers.get(name, "null"))
    return 200, body.encode()


def test_an_account_that_vanishes_is_closed_keeps_its_balance_and_counts_no_more(institution, bank, banks):
    bank.next(
        "/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2", available=7, current=8))
    )
    bank.next(
        "/transactions/sync",
        plaid.page([plaid.transaction("t2", 3, account_id="a2")], cursor="c1", more=False),
    )
    read(institution, banks)
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))

    read(institution, banks)

    gone = account_row("a2")
    assert gone.closed
    assert (gone.available, gone.current, gone.currency) == (Decimal(7), Decimal(8), "USD")
    assert not account_row("a1").closed
    view = institution_view(institution.id)
    assert view is not None
    assert [(row.name, row.closed, row.contribution) for row in view.accounts] == [
        ("Checking", False, Decimal(100)),
        ("Checking", True, None),
    ]
    assert [line.holdings for line in view.totals] == [Decimal(100)]
    assert amounts() == {"t2": Decimal(3)}, "what was spent on it stays known"


def test_a_closed_account_keeps_the_moment_it_was_first_missed(institution, bank, banks):
    bank.next("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2")))
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    read(institution, banks)
    read(institution, banks)
    closed_at = account_row("a2").closed_at
    read(institution, banks)
    assert account_row("a2").closed_at == closed_at


def test_a_closed_account_that_the_bank_reports_again_is_open_with_the_same_id(institution, bank, banks):
    bank.next("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2")))
    bank.next("/accounts/get", plaid.accounts(plaid.account("a1")))
    read(institution, banks)
    number = account_row("a2").id
    read(institution, banks)
    bank.next("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2", available=9)))

    read(institution, banks)

    back = account_row("a2")
    assert (back.id, back.closed, back.available) == (number, False, Decimal(9))


def test_a_bank_that_suddenly_reports_no_account_at_all_is_not_believed(institution, bank, banks):
    bank.next("/accounts/get", plaid.accounts(plaid.account("a1")))
    read(institution, banks)
    assert read(institution, banks) is Outcome.FAILED
    assert (institution.state, institution.error_code) == ("error", "EMPTY_ACCOUNTS")
    assert not account_row("a1").closed
    assert balances() == {"a1": (Decimal(100), Decimal(110), None, "USD")}


def test_an_account_that_appears_only_in_a_sync_page_is_shown_by_that_refresh(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    late = plaid.account("late", available=30, current=31)
    row = plaid.transaction("t1", 2, account_id="late")
    bank.next(
        "/transactions/sync",
        plaid.page([row], cursor="c1", accounts=[plaid.account("a1", available=1), late]),
    )

    read(institution, banks)

    assert balances() == {
        "a1": (Decimal(100), Decimal(110), None, "USD"),
        "late": (Decimal(30), Decimal(31), None, "USD"),
    }
    assert amounts() == {"t1": Decimal(2)}
    assert len(snapshots()) == 2
    assert not account_row("late").closed


def test_while_only_sync_is_tried_again_a_new_account_is_added_and_no_other_closed(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1"), plaid.account("a2")))
    bank.next("/transactions/sync", plaid.NOT_READY)
    read(institution, banks)
    late = plaid.account("late", available=30)
    bank.next("/transactions/sync", plaid.page(cursor="c1", accounts=[late]))

    read(institution, banks)

    assert len(bank.asked("/accounts/get")) == 1
    assert balances().keys() == {"a1", "a2", "late"}
    assert not any(account_row(key).closed for key in ("a1", "a2", "late"))


def test_a_value_that_becomes_unknown_is_null_and_the_contribution_falls_back(institution, bank, banks):
    bank.next("/accounts/get", plaid.accounts(plaid.account("a1", available=100, current=110, limit=500)))
    read(institution, banks)
    bank.next("/accounts/get", plaid.accounts(plaid.account("a1", available=None, current=110)))

    read(institution, banks)

    assert balances() == {"a1": (None, Decimal(110), None, "USD")}
    view = institution_view(institution.id)
    assert view is not None
    assert view.accounts[0].contribution == Decimal(110)


def test_an_account_whose_every_value_is_null_is_unknown_and_in_no_total(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", available=None, current=None)))
    read(institution, banks)
    view = institution_view(institution.id)
    assert view is not None
    assert (view.accounts[0].contribution, view.totals) == (None, [])


@pytest.mark.parametrize(
    "codes, currency",
    [
        ({"iso_currency_code": None}, None),
        ({"iso_currency_code": None, "unofficial_currency_code": "DOGE"}, "DOGE"),
        ({"iso_currency_code": "CAD", "unofficial_currency_code": "X"}, "CAD"),
        ({"iso_currency_code": "", "unofficial_currency_code": ""}, None),
    ],
)
def test_the_currency_is_the_iso_code_else_the_unofficial_one_else_none(
    institution, bank, banks, codes, currency
):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1", **codes)))
    row = plaid.transaction("t1", **codes)
    bank.always("/transactions/sync", plaid.page([row], cursor="c1"))

    read(institution, banks)

    assert balances() == {"a1": (Decimal(100), Decimal(110), None, currency)}
    view = institution_view(institution.id)
    assert view is not None
    assert [line.currency for line in view.totals] == ([currency] if currency else [])


@pytest.mark.parametrize(
    "text, stored",
    [
        ("10000000000000", None),
        ("-10000000000000", None),
        ("9999999999999.9999", Decimal("9999999999999.9999")),
        ("9999999999999.99995", None),
        ("-9999999999999.9999", Decimal("-9999999999999.9999")),
        ("NaN", None),
        ("Infinity", None),
        ("-Infinity", None),
        ("1e400", None),
        ("1E+999999999", None),
        ("1" * 5000, None),
        ("true", None),
        ('"100.00"', None),
        ("{}", None),
        ("[1]", None),
        ("0", Decimal(0)),
        ("-0.0", Decimal(0)),
        ("23631.9805", Decimal("23631.9805")),
        ("0.1", Decimal("0.1")),
        ("0.00005", Decimal(0)),
        ("0.00015", Decimal("0.0002")),
        ("0.00025", Decimal("0.0002")),
        ("1e2", Decimal(100)),
    ],
)
def test_a_balance_is_exact_to_four_places_and_unknown_when_it_is_no_sane_number(
    institution, bank, banks, text, stored
):
    bank.always("/accounts/get", raw_accounts(available=text, current=text, limit=text))
    read(institution, banks)
    assert (institution.state, institution.error_code) == ("healthy", None)
    assert balances() == {"a1": (stored, stored, stored, "USD")}
    assert list(snapshots().values()) == [(stored, stored, stored, "USD")]


def test_names_and_masks_of_any_kind_are_kept_as_far_as_a_database_can(institution, bank, banks):
    strange = plaid.account(
        "a1", name="Café\x00 \ud800😀", official_name=12, mask="x" * 40, type="unheard of", subtype=None
    )
    nameless = plaid.account("a2", name=None, mask=None, type=None)
    bank.always("/accounts/get", plaid.accounts(strange, nameless))
    read(institution, banks)
    row = account_row("a1")
    assert (row.name, row.official_name, row.mask) == ("Café 😀", None, "x" * 16)
    assert (row.type, row.subtype) == ("unheard of", None)
    assert (account_row("a2").name, account_row("a2").mask, account_row("a2").type) == (
        "Account",
        None,
        "other",
    )


def test_forty_accounts_and_their_snapshots_are_all_written(institution, bank, banks):
    rows = [plaid.account(f"a{number}", available=number, current=0) for number in range(40)]
    bank.always("/accounts/get", plaid.accounts(*rows))
    read(institution, banks)
    assert sum(row[0] for row in balances().values()) == Decimal(780)
    assert count(BalanceSnapshot) == 40


def test_an_institution_goes_with_its_accounts_snapshots_and_transactions(institution, bank, banks):
    bank.always("/accounts/get", plaid.accounts(plaid.account("a1")))
    bank.always("/transactions/sync", plaid.page([plaid.transaction("t1")], cursor="c1"))
    read(institution, banks)
    db.session.delete(institution)
    db.session.commit()
    assert (balances(), snapshots(), amounts()) == ({}, {}, {})
