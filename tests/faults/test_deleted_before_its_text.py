"""Fault row 28, the texts' half: what was deleted between planning and sending is not texted about. (Deleted during
its refresh, and the Items ended: processes/test_races.py.)"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from CronJobs import send_texts
from extensions import db
from models import Account, BudgetTracker, ItemRemoval, TextMessage, User
from services import institutions, planning
from services.accounts import delete_account
from services.ownership import owned_institution
from services.users import delete_user
from tests.support.factories import (
    make_account,
    make_institution,
    make_texted_user,
    make_tracker,
    make_transaction,
)
from tests.support.reading import count
from tests.support.texts import TakingTexts

NOON = datetime(2026, 11, 10, 17, 0, tzinfo=UTC)


def the_account() -> None:
    delete_account(db.session.query(Account).order_by(Account.id).first())


def the_institution() -> None:
    user = db.session.query(User).order_by(User.id).first()
    account = db.session.query(Account).order_by(Account.id).first()
    assert user is not None
    assert account is not None
    institution = owned_institution(user, account.financial_institution_id)
    institutions.delete_institution(user, institution)


def the_person() -> None:
    delete_user(db.session.query(User).order_by(User.id).first())


@pytest.mark.parametrize("delete, removals", [(the_account, 0), (the_institution, 1), (the_person, 1)])
def test_row_28_what_was_deleted_before_its_text_is_not_texted_about(
    context, delete: Callable[[], None], removals: int
):
    for number in ("+14155552671", "+14155552672"):
        account = make_account(make_institution(make_texted_user(phone_number=number), refreshed_at=NOON))
        make_transaction(account, "212.40")
        make_tracker(account)
    planning.plan(NOON, texts_on=True)
    assert db.session.query(TextMessage).filter_by(status="pending").count() == 2
    delete()
    texts = TakingTexts()
    tools = send_texts.Tools(texts, None, lambda: NOON, lambda _seconds: None, lambda: False)
    report = send_texts.run(tools, dry_run=False)
    assert [call.to for call in texts.calls] == ["+14155552672"]
    assert (report.sent, report.pending) == (1, 0)
    assert (count(BudgetTracker), count(ItemRemoval)) == (1, removals), "the bank is told to end the Item"
