"""Kept cards: the same for the same values, and never older than what they show."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from flask import Flask
from flask_login import login_user
from jinja2 import TemplateAssertionError, UndefinedError
from sqlalchemy import update

from extensions import db
from models import Account, FinancialInstitution, User
from services.reporting import dashboard, institution_view
from tests.support.factories import make_account, make_institution, make_tracker, make_transaction, make_user
from tests.support.serving import ServedApp, signed_in
from views import kept, pieces

NOW = datetime(2026, 11, 11, 17, tzinfo=UTC)


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


def test_a_kept_template_cannot_ask_for_a_person_a_request_or_the_clock(app):
    forbidden = ("request.endpoint", "csrf_token()", "signed_in()", "session['_user_id']", "current_user.id")
    with app.test_request_context():
        templates = kept.environment()
        for asked in forbidden:
            with pytest.raises(UndefinedError):
                templates.from_string("{{ " + asked + " }}").render()
        for asked in ("moment|ago", "moment|local('UTC')"):
            with pytest.raises(TemplateAssertionError):
                templates.from_string("{{ " + asked + " }}")


def test_two_people_never_see_a_piece_of_each_other(app):
    with app.app_context():
        people = [make_user(username=name, first_name=name.title()) for name in ("ann", "bob")]
        cookies = [signed_in(app, person) for person in people]
    pages = []
    with ServedApp(app) as served:
        for cookie in cookies * 2:
            status, page = served.get("/", cookie)
            assert status == 200
            pages.append(page)
    assert all("Ann" in page and "Bob" not in page for page in pages[::2])
    assert all("Bob" in page and "Ann" not in page for page in pages[1::2])
    tokens = [set(re.findall(r'name="csrf_token" value="([^"<]+)"', page)) for page in pages]
    assert all(len(each) == 1 for each in tokens), "one token in all forms of a page"
    assert not tokens[0] & tokens[1]


def test_what_a_person_changes_of_themselves_is_on_the_next_page(app, user):
    def page() -> str:
        with app.test_request_context():
            login_user(user)
            return pieces.whole_page(dashboard(user), "/link.js").decode()

    before = page()
    changed(User, user.id, first_name="Renamed")
    db.session.refresh(user)
    assert "Renamed" not in before
    assert page().count("Renamed") == 2, "in the menu and under User Options"
