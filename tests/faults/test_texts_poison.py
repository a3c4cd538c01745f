"""Rows that are damaged, first in the queue: parked with a reason, told by the exit code, and everybody else served.
And very many rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psutil
import pytest
from flask import Flask
from sqlalchemy import insert, text

from database import utcnow
from extensions import db
from models import Account, BudgetTracker, FinancialInstitution, User
from services import job_runs, planning
from tests.support.factories import make_account, make_institution, make_texted_user, make_tracker
from tests.support.statements import StatementCounter
from tests.support.texters import texted, texted_people
from tests.support.texts import TakingTexts
from tests.support.texts_job import Ended, quiet, rows, run_texts_job

HOME = "America/New_York"
NOON = datetime.fromisoformat("2025-11-11T12:00:00-05:00")

Run = Callable[[datetime], Ended]


@pytest.fixture
def vendor() -> TakingTexts:
    return TakingTexts()


@pytest.fixture
def job(context: Flask, vendor: TakingTexts, monkeypatch: pytest.MonkeyPatch) -> Run:
    """One run as if it were that moment, an hour after the last one."""
    monkeypatch.setitem(context.extensions, "texts", vendor)
    job_runs.finished("texts")
    return lambda at: run_texts_job(context, at)


def damage(statement: str, **values: Any) -> None:
    """Change a row as no code of ours would."""
    db.session.execute(text(statement), values)
    db.session.commit()


def test_row_29_a_number_that_cannot_be_read_is_parked_and_everybody_else_is_served(job, vendor):
    poisoned, _ = texted(NOON, HOME)
    damage("UPDATE users SET phone_number = 'no ciphertext of ours'")
    numbers = texted_people(5, NOON, HOME)
    ended = job(NOON)
    assert (ended.code, ended.texts) == (1, quiet(sent=5, failed=1))
    assert "1 text of the last day failed for a reason on our side" in ended.errors
    assert rows()[0] == ("failed", "unreadable")
    assert sorted(call.to for call in vendor.calls) == sorted(numbers)
    assert job(NOON + timedelta(hours=1)).texts == quiet(), "parked: not tried again today"
    assert poisoned not in {call.to for call in vendor.calls}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "America"])
def test_row_29_a_zone_that_there_is_not_falls_back_and_everybody_is_served(job, vendor, zone):
    texted(NOON, HOME)
    damage("UPDATE users SET timezone = :zone", zone=zone)
    texted_people(3, NOON, HOME)
    ended = job(NOON)
    assert (ended.code, ended.texts) == (0, quiet(sent=4)), ended.errors


def test_row_29_a_budget_beyond_all_bounds_is_told_as_it_is(job, vendor):
    texted(NOON, HOME)
    damage("UPDATE budget_trackers SET threshold = :most", most=2**63 - 1)
    texted_people(3, NOON, HOME)
    assert job(NOON).texts == quiet(sent=4)
    assert "your $922,337,203,685,477.58 budget" in vendor.calls[0].body


def test_row_29_a_text_that_cannot_be_worded_is_parked_and_everybody_else_is_served(job, vendor, monkeypatch):
    """Whatever is wrong with it: the words of one tracker break."""
    worded = planning.budget_text

    def breaks(news: Any, **options: Any) -> str:
        return worded(news, **options) if news.account_name != "Poison" else 1 // 0

    monkeypatch.setattr(planning, "budget_text", breaks)
    account = make_account(make_institution(make_texted_user(), refreshed_at=NOON), name="Poison")
    make_tracker(account, next_notification_date=NOON.date())
    texted_people(3, NOON, HOME)
    ended = job(NOON)
    assert (ended.code, ended.texts) == (1, quiet(sent=3, failed=1))
    assert rows()[0] == ("failed", "internal")


def test_row_38_with_nobody_due_the_vendor_is_not_called_and_hardly_the_database(job, vendor):
    texted_people(3, NOON, HOME)
    assert job(NOON).texts == quiet(sent=3)
    with StatementCounter(db.engine) as counter:
        ended = job(NOON + timedelta(minutes=30))
    assert (ended.code, ended.texts) == (0, quiet())
    assert len(vendor.calls) == 3
    assert len(counter.statements) <= 25


def crowd(count: int) -> None:
    """So many people, each with one tracker that is due."""
    now, today = utcnow(), NOON.date()
    ids = range(1, count + 1)

    def add(table: Any, row: Callable[[int], dict[str, Any]]) -> None:
        db.session.execute(insert(table), [{"id": number, **row(number)} for number in ids])

    add(User, lambda number: {
        "username": f"p{number}", "username_key": f"p{number}", "password_hash": "!", "first_name": "A",
        "last_name": "B", "phone_number": f"+1415{2_000_000 + number}", "account_type": "development",
        "timezone": HOME, "phone_verified_at": now, "texts_agreed_at": now,
    })  # fmt: skip
    add(FinancialInstitution, lambda number: {
        "user_id": number, "environment": "production", "plaid_item_id": f"i{number}", "access_token": "t",
        "public_token_hash": f"{number:064}", "name": "Bank", "state": "healthy", "stage": "done",
        "refreshed_at": NOON,
    })  # fmt: skip
    add(Account, lambda number: {
        "financial_institution_id": number, "plaid_account_id": f"a{number}", "name": "Checking",
        "type": "depository", "subtype": "checking", "currency": "USD",
    })  # fmt: skip
    add(BudgetTracker, lambda number: {
        "account_id": number, "threshold": Decimal(400), "notification_frequency": 1, "counted_from": today,
        "next_notification_date": today,
    })  # fmt: skip
    db.session.commit()


def test_row_38_ten_thousand_due_texts_are_written_and_sent_by_the_page(context, job, vendor):
    """Memory does not grow with them, and each text costs the same few statements. All are planned, the first 100
    are sent: a text takes 5 ms of ours, and the vendor's time."""
    crowd(10_000)
    before = psutil.Process().memory_info().rss
    with StatementCounter(db.engine) as counter:
        assert planning.plan(NOON, texts_on=True).pending == 10_000
    pages = 10_000 // planning.PAGE
    assert len(counter.statements) <= 6 * pages + 6
    stop = threading.Event()
    vendor.next(*[lambda _text: None] * 99, lambda _text: stop.set())
    with StatementCounter(db.engine) as counter:
        ended = run_texts_job(context, NOON, stop)
    assert ended.texts == quiet(sent=100, pending=9_900)
    assert len({call.to for call in vendor.calls}) == len(vendor.calls) == 100
    assert len(counter.statements) <= 8 * 100 + 10 * pages
    assert psutil.Process().memory_info().rss - before < 60 * 2**20
