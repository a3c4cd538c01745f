"""Fault row 20: Plaid fails for one of three banks. Two are fresh, one says how old it is, and so does its text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

import scheduled_jobs
from CronJobs import send_texts
from extensions import db
from models import Account, FinancialInstitution
from services.refreshing import refresh
from tests.faults.conftest import BROKEN, go_wrong
from tests.faults.vendor import Break
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_texted_user, make_tracker, make_transaction
from tests.support.texts import TakingTexts
from tests.views.conftest import sign_in

NOON = datetime(2026, 11, 10, 17, 0, tzinfo=UTC)
FAILURES = {
    "500": plaid.failure("INTERNAL_SERVER_ERROR", "API_ERROR", 500),
    "bank away": plaid.failure("INSTITUTION_DOWN", "INSTITUTION_ERROR"),
    "time-out": (200, Break.HANG),
}


@pytest.fixture
def three(app, bank, banks) -> tuple[int, list[int]]:
    """A person and three banks, all read on Nov 7; the first is the one that will fail."""
    with app.app_context():
        person = make_texted_user()
        made = [
            make_institution(person, access_token=token, due_at=None, name=f"Bank {token}")
            for token in (BROKEN, "access-2", "access-3")
        ]
        for institution in made:
            refresh(institution.id, banks, 60)
        then = NOON - timedelta(days=3)
        ages = {"refreshed_at": then, "balances_as_of": then, "scheduled_at": then}
        db.session.execute(update(FinancialInstitution).values(**ages))
        db.session.commit()
        return person.id, [institution.id for institution in made]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("path", ["/accounts/get", "/transactions/sync"])
def test_row_20_two_are_fresh_and_one_says_how_old_it_is(
    app, bank, gateway, banks, three, monkeypatch, capsys, path, failure
):
    person, numbers = three
    monkeypatch.setattr(scheduled_jobs, "create_app", lambda **_: app)
    monkeypatch.setitem(app.extensions, "banks", banks)
    go_wrong(bank, gateway, path, FAILURES[failure])
    began = datetime.now(UTC)
    assert scheduled_jobs.main(["--only", "refresh"]) == 0, "a bank's trouble needs nobody at night"
    assert '"refreshed": 2, "failed": 1' in capsys.readouterr().out

    browser = sign_in(app, person)
    shown = {each["id"]: each for each in browser.get("/dashboard.json").get_json()["institutions"]}
    assert [shown[number]["state"] for number in numbers] == ["error", "healthy", "healthy"]
    assert shown[numbers[0]]["refreshed_at"] == (NOON - timedelta(days=3)).isoformat()
    assert all(datetime.fromisoformat(shown[number]["refreshed_at"]) >= began for number in numbers[1:])
    assert browser.get("/").text.count("Numbers as of Nov 7") == 1


def test_row_20_the_text_of_the_one_says_from_when_it_is_and_the_others_do_not(app, three):
    _person, numbers = three
    with app.app_context():
        fresh = FinancialInstitution.id != numbers[0]
        db.session.execute(update(FinancialInstitution).where(fresh).values(refreshed_at=NOON))
        for account in db.session.query(Account).order_by(Account.financial_institution_id):
            make_transaction(account, "40.00", date=date(2026, 11, 5))
            make_tracker(account)
        db.session.commit()
        texts = TakingTexts()
        tools = send_texts.Tools(texts, None, lambda: NOON, lambda _seconds: None, lambda: False)
        assert send_texts.run(tools, dry_run=False).sent == 3
    old = ["as of Nov 7" in call.body for call in texts.calls]
    assert sorted(old) == [False, False, True]


def test_row_20_a_bank_whose_numbers_are_of_another_month_sends_none(app, three):
    _person, numbers = three
    with app.app_context():
        ages = {"refreshed_at": NOON - timedelta(days=12)}
        db.session.execute(update(FinancialInstitution).values(**ages))
        account = db.session.query(Account).filter_by(financial_institution_id=numbers[0]).one()
        make_tracker(account)
        texts = TakingTexts()
        tools = send_texts.Tools(texts, None, lambda: NOON, lambda _seconds: None, lambda: False)
        report = send_texts.run(tools, dry_run=False)
    assert (report.sent, report.skipped, texts.calls) == (0, 1, [])
