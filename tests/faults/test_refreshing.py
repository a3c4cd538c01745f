"""Every failure while refreshing, at every call of a refresh: state, words, next try, numbers, neighbours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from CronJobs import refresh_institutions
from database import utcnow
from domain.periods import next_refresh
from domain.wording import failure_sentence
from extensions import db
from models import Account, FinancialInstitution, Transaction
from services.refreshing import Outcome, refresh
from services.reporting import institution_view
from services.waiting import due_now, scheduled_now
from tests.faults.causes import CAUSES, DAILY, MINUTE, SOON, Cause, named
from tests.faults.conftest import go_wrong
from tests.support.reading import count

NO_TRANSACTIONS = {
    "PRODUCTS_NOT_SUPPORTED", "NO_INVESTMENT_ACCOUNTS", "NO_LIABILITY_ACCOUNTS", "INVALID_PRODUCT",
    "PRODUCT_NOT_ENABLED",
}  # fmt: skip
WELL = Cause("", None, "healthy", DAILY, "")


def of_sync(cause: Cause) -> Cause:
    """A bank without transactions, or one that is still preparing them, is no failure."""
    if cause.code in NO_TRANSACTIONS:
        return replace(WELL, name=cause.name, answer=cause.answer)
    if cause.code == "PRODUCT_NOT_READY":
        return replace(WELL, name=cause.name, answer=cause.answer, again=SOON)
    return cause


def of_balance(cause: Cause) -> Cause:
    """Cached numbers stand in for real-time ones, unless nothing else can work either."""
    if cause.state in ("needs_login", "revoked") or cause.code == "INVALID_API_KEYS":
        return cause
    return replace(WELL, name=cause.name, answer=cause.answer)


def of_face(cause: Cause) -> Cause:
    """A name and a logo that cannot be had keep nobody's numbers away."""
    return replace(WELL, name=cause.name, answer=cause.answer)


PLACES = [
    *(("/accounts/get", 1, cause) for cause in CAUSES),
    *(("/transactions/sync", 1, of_sync(cause)) for cause in CAUSES),
    *(("/transactions/sync", 2, of_sync(cause)) for cause in CAUSES),
    *(("/item/get", 1, of_face(cause)) for cause in CAUSES),
    *(("/institutions/get_by_id", 1, of_face(cause)) for cause in CAUSES),
    *(("/accounts/balance/get", 1, of_balance(cause)) for cause in CAUSES),
]


def in_time(moment: datetime, again: str, before: datetime, after: datetime) -> bool:
    if again == DAILY:
        return moment in (next_refresh(before, "America/New_York"), next_refresh(after, "America/New_York"))
    pause = {SOON: timedelta(minutes=50), MINUTE: timedelta(seconds=60)}[again]
    return before + pause <= moment <= after + pause


def set_row(institution_id: int, **values: object) -> None:
    table = FinancialInstitution
    db.session.execute(update(table).where(table.id == institution_id).values(**values))
    db.session.commit()
    db.session.expire_all()


def figures(institution_id: int) -> object:
    rows = db.session.query(Account).filter_by(financial_institution_id=institution_id)
    return [(row.available, row.current, row.currency, row.closed_at) for row in rows]


@pytest.mark.parametrize(
    "path, nth, cause", PLACES, ids=[f"{path}-{nth}-{named(cause)}" for path, nth, cause in PLACES]
)
def test_a_failure_while_refreshing_has_its_state_words_and_next_try_and_hurts_nobody_else(
    context, two, bank, gateway, banks, path, nth, cause
):
    long_ago = datetime(2026, 11, 1, 12, tzinfo=UTC)
    realtime = path == "/accounts/balance/get"
    for institution in (two.broken, two.sound):
        identified = path not in ("/item/get", "/institutions/get_by_id") or institution is two.sound
        set_row(
            institution.id,
            scheduled_at=long_ago,
            refreshed_at=long_ago,
            balances_as_of=long_ago,
            identified=identified,
        )
    if realtime:
        set_row(two.broken.id, realtime_wanted=True, due_at=long_ago)
    kept = figures(two.broken.id)
    go_wrong(bank, gateway, path, cause.answer, page=nth)

    before = utcnow()
    if realtime:  # as the person's click has it done, see test_through_the_pages.py
        refresh(two.broken.id, banks, 60)
        refresh(two.sound.id, banks, 60)
        report = None
    else:

        def one(number: int) -> Outcome:
            with context.app_context():
                return refresh(number, banks, 60, due_by=before)

        report = refresh_institutions.run(before, one, 1, lambda: None, dry_run=False)
    after = utcnow()

    db.session.rollback()
    db.session.expire_all()
    broken, sound = two.broken, two.sound
    assert (sound.state, sound.error_code, sound.stage) == ("healthy", None, "done")
    assert sound.refreshed_at >= before
    assert broken.state == (cause.state or "healthy")
    assert (broken.lease_id, broken.lease_until, broken.realtime_wanted) == (None, None, False)
    assert "half" not in {row.plaid_transaction_id for row in db.session.query(Transaction)}
    withdrawn = broken.error_code == "USER_PERMISSION_REVOKED"
    assert count(Transaction) == (1 if withdrawn else 2), "what was withdrawn at the bank is deleted"
    failed = cause.state != "healthy"
    if report is not None:
        assert (report.refreshed, report.failed) == ((1, 1) if failed else (2, 0))
    if failed:
        check_failure(broken, cause, before, after, long_ago, kept)
    else:
        assert (broken.error_code, broken.refreshed_at >= before) == (None, True)
        assert count(Account) == 2


def check_failure(broken, cause, before, after, long_ago, kept) -> None:
    if broken.error_code == "USER_PERMISSION_REVOKED":
        assert (figures(broken.id), broken.transactions_cursor, broken.balances_as_of) == ([], None, None)
    else:
        assert (broken.refreshed_at, broken.balances_as_of) == (long_ago, long_ago), (
            "the numbers carry their age"
        )
        assert figures(broken.id) == kept
        assert broken.transactions_cursor == "c1"
    assert (broken.due_at, broken.stage) == (None, "done")
    view = institution_view(broken.id)
    assert view is not None
    assert (view.working, view.stage, view.refreshed_at) == (False, "done", long_ago)
    if cause.state is None:
        assert (view.error_code, view.error_message) == (None, None)
    else:
        assert view.error_code == (cause.code or view.error_code)
        assert_is_a_sentence(view.error_message, cause)
        assert cause.says in view.error_message
    due = broken.id in scheduled_now(after + timedelta(days=2))
    assert due == (cause.again is not None)
    assert broken.id not in due_now(after + timedelta(days=2)), "not by the sweeper: only by the job"
    if cause.again:
        assert in_time(broken.scheduled_at, cause.again, before, after)


def assert_is_a_sentence(words: str | None, cause: Cause) -> None:
    assert words
    assert words[0].isupper()
    assert words.endswith(".")
    assert "_" not in words
    assert "HTTP" not in words
    assert not any(part in words for part in (cause.name, "Error", "None"))


def test_the_table_names_every_kind_of_word_a_person_can_read():
    said = {failure_sentence(cause.code or "HTTP_502") for cause in CAUSES if cause.state}
    assert len(said) >= 15
