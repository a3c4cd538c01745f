"""Kept cards: the same for the same values, and never older than what they show."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask_login import login_user
from sqlalchemy import update

from extensions import db
from models import Account, FinancialInstitution, User
from services.reporting import dashboard, institution_view
from tests.support.factories import make_account, make_institution, make_tracker, make_transaction, make_user
from views import pieces

NOW = datetime(2026, 11, 11, 17, tzinfo=UTC)
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
KEPT = ("_institution", "_accounts", "_tracker", "_progress", "_shares")


def shown(app: Flask, user: User, number: int) -> str:
    """The card as this person sees it now."""
    with app.test_request_context():
        login_user(user)
        view = institution_view(number)
        assert view is not None
        return pieces.card(view)


@pytest.fixture
def user(context) -> User:
    return make_user()


@pytest.fixture
def bank(user) -> FinancialInstitution:
    return make_institution(user, refreshed_at=NOW, balances_as_of=NOW)


def changed(table, number: int, **values) -> None:
    db.session.execute(update(table).where(table.id == number).values(**values))
    db.session.commit()


def test_a_card_shows_each_change_of_what_it_is_made_of(context, user, bank):
    account = make_account(bank, available=Decimal("100.25"), subtype="checking")
    assert "$100.25" in shown(context, user, bank.id)
    changed(Account, account.id, available=Decimal("100.26"))
    assert "$100.26" in shown(context, user, bank.id)
    changed(Account, account.id, name="Rent & more")
    assert "Rent &amp; more" in shown(context, user, bank.id)
    changed(FinancialInstitution, bank.id, state="needs_login")
    assert "Sign in again" in shown(context, user, bank.id)
    changed(Account, account.id, deleted_at=NOW)
    assert "$100.26" not in shown(context, user, bank.id)
    changed(Account, account.id, deleted_at=None, available=Decimal("100.25"), name=account.name)
    changed(FinancialInstitution, bank.id, state="healthy")
    assert "$100.25" in shown(context, user, bank.id)


def test_what_was_spent_changes_a_card_without_any_change_of_its_account(context, user, bank):
    with time_machine.travel(NOW, tick=False):
        account = make_account(bank)
        make_tracker(account)
        assert "$0.00 of $400.00" in shown(context, user, bank.id)
        make_transaction(account, "12.34")
        assert "$12.34 of $400.00" in shown(context, user, bank.id)
    with time_machine.travel(NOW + timedelta(days=30), tick=False):
        assert "$0.00 of $400.00" in shown(context, user, bank.id)


def test_time_that_passes_changes_the_words_of_a_card(context, user, bank):
    make_account(bank)
    seen = []
    for hours in (0, 1, 5):
        with time_machine.travel(NOW + timedelta(hours=hours, minutes=1), tick=False):
            seen += re.findall(r"<time[^>]*>([^<]+)</time>", shown(context, user, bank.id))
    assert len(set(seen)) == 3, seen


def test_moments_are_in_the_time_zone_of_who_looks(context, bank, user):
    changed(FinancialInstitution, bank.id, state="error")
    make_account(bank)
    here = shown(context, user, bank.id)
    changed(User, user.id, timezone="Asia/Tokyo")
    db.session.refresh(user)
    assert shown(context, user, bank.id) != here


def test_nothing_new_is_the_same_object_again(context, user, bank):
    make_account(bank)
    first, second = (dashboard(user).institutions[0] for _ in range(2))
    assert first.shown is second.shown
    assert first == second
    other = make_institution(user)
    make_account(other)
    views = dashboard(user).institutions
    assert views[0] == first
    assert views[1].shown is not first.shown


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_template_asks_for_no_person_request_or_clock(name):
    source = (TEMPLATES / "dashboard" / f"{name}.html").read_text(encoding="utf-8")
    code = re.sub(r"{#.*?#}", "", source, flags=re.DOTALL)
    asked = re.findall(
        r"\b(current_user|request|session|csrf_token|config|g)\b(?=[.(\[])|\|\s*(ago|local)\b", code
    )
    assert not asked, f"{name} is kept for the same values (views/pieces.py): pass the words in instead"
