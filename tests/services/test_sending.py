"""Planning and sending budget texts: who gets one, on which local day, how often, and what becomes of it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from CronJobs import send_texts
from CronJobs.send_texts import TextReport, Tools
from extensions import db
from models import Account, BudgetTracker, FinancialInstitution, JobRun, PhoneOptOut, TextMessage, User
from providers.base import TextError, TextKind
from services import delivery, opt_outs
from tests.support.factories import (
    make_account,
    make_institution,
    make_texted_user,
    make_tracker,
    make_transaction,
    make_user,
)
from tests.support.statements import StatementCounter
from tests.support.texts import TakingTexts

pytestmark = pytest.mark.usefixtures("context")

NOON = datetime(2026, 11, 10, 17, 0, tzinfo=UTC)
"""12:00 in New York, where people live unless a test says otherwise."""


@pytest.fixture
def texts() -> TakingTexts:
    return TakingTexts()


def run(texts: TakingTexts | None, now: datetime = NOON, **changes: Any) -> TextReport:
    """One run of the job's texts part at `now`; waiting is instant (rows that wait become due)."""
    tools = Tools(
        texts=texts,
        callback_base="https://cashview.example",
        clock=lambda: now,
        wait=lambda _seconds: make_due(),
        stopped=lambda: False,
    )
    return send_texts.run(dataclasses.replace(tools, **changes), dry_run=False)


def make_due() -> None:
    for text in db.session.scalars(select(TextMessage)):
        text.due_at = datetime(2026, 1, 1, tzinfo=UTC)
    db.session.commit()


def tracked(spent: str = "212.40", user: User | None = None, **tracker: Any) -> BudgetTracker:
    """A tracker due on 2026-11-10 of somebody who gets texts, with one purchase this month."""
    institution = make_institution(user or make_texted_user(), refreshed_at=NOON)
    account = make_account(institution, name="Plaid Checking")
    make_transaction(account, spent)
    return make_tracker(account, **tracker)


def read_again(moment: datetime) -> None:
    """Every bank was read at this moment."""
    db.session.execute(update(FinancialInstitution).values(refreshed_at=moment))
    db.session.commit()


def rows() -> list[TextMessage]:
    db.session.expire_all()
    return list(db.session.scalars(select(TextMessage).order_by(TextMessage.id)))


def only_row() -> TextMessage:
    (row,) = rows()
    return row


def next_date(tracker: BudgetTracker) -> date:
    db.session.expire_all()
    return db.session.get_one(BudgetTracker, tracker.id).next_notification_date


def test_a_due_text_is_sent_once_with_what_was_spent(texts):
    tracker = tracked(notification_frequency=3)
    assert run(texts) == TextReport(sent=1)
    (call,) = texts.calls
    assert call.to == "+14155552671"
    assert call.body == (
        "CashView: you have spent $212.40 of your $400.00 budget for Plaid Checking this month."
        " Reply STOP to opt out."
    )
    row = only_row()
    assert call.status_callback == f"https://cashview.example/webhooks/twilio/status?text={row.callback_id}"
    assert call.validity_seconds == 9 * 3600
    assert (row.status, row.local_date, row.provider_sid) == ("sent", date(2026, 11, 10), "SM" + "0" * 32)
    assert next_date(tracker) == date(2026, 11, 13)
    assert run(texts, NOON + timedelta(hours=1)) == TextReport()
    assert len(texts.calls) == 1


def test_how_to_opt_out_is_said_once_a_month_for_a_number(texts):
    user = make_texted_user()
    tracked(user=user)
    tracked(user=user)
    for day in range(3):
        run(texts, NOON + timedelta(days=day))
    assert ["STOP" in call.body for call in texts.calls] == [True] + [False] * 5
    read_again(NOON + timedelta(days=21))
    run(texts, NOON + timedelta(days=21))
    assert ["STOP" in call.body for call in texts.calls[6:]] == [True, False]


@pytest.mark.parametrize(
    "hour, sent", [(13, 0), (14, 1), (25, 1), (26, 0)], ids=["8:59", "9:00", "20:xx", "21:00"]
)
def test_texts_go_between_nine_and_nine_local(texts, hour, sent):
    tracker = tracked()
    midnight = datetime(2026, 11, 10, tzinfo=UTC)
    run(texts, midnight + timedelta(hours=hour, minutes=-1 if hour == 13 else 0))
    assert len(texts.calls) == sent
    assert next_date(tracker) == date(2026, 11, 10 + sent)


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"account_type": "sandbox"}, "sandbox"),
        ({"account_type": "sandbox", "is_demo": True}, "demo"),
        ({"texts_agreed_at": None}, "no_consent"),
        ({"phone_verified_at": None}, "not_verified"),
    ],
)
def test_nobody_is_texted_who_may_not_be_and_the_row_says_why(texts, changes, reason):
    tracker = tracked(user=make_texted_user(**changes))
    assert run(texts) == TextReport(skipped=1)
    assert texts.calls == []
    assert (only_row().status, only_row().reason) == ("skipped", reason)
    assert only_row().body.startswith("CashView: you have spent $212.40")  # what would have gone
    assert next_date(tracker) == date(2026, 11, 11)


def test_without_a_vendor_texts_are_skipped():
    tracked()
    assert run(None) == TextReport(skipped=1)
    assert only_row().reason == "texts_off"


def test_a_text_with_older_numbers_says_from_when_they_are(texts):
    tracked()
    read_again(NOON - timedelta(days=3))
    run(texts)
    assert "as of Nov 7 you had spent $212.40" in texts.calls[0].body


def test_numbers_of_another_month_say_nothing_about_this_one(texts):
    tracked()
    read_again(NOON - timedelta(days=12))
    assert run(texts) == TextReport(skipped=1)
    assert only_row().reason == "stale"


def test_a_bank_that_was_never_read_is_waited_for(texts):
    tracker = tracked()
    db.session.execute(update(FinancialInstitution).values(transactions_status="NOT_READY"))
    db.session.commit()
    assert run(texts) == TextReport()
    assert next_date(tracker) == date(2026, 11, 10)


def test_two_schedulers_at_once_share_the_texts(texts):
    tracked()

    def second(_text: object) -> None:
        assert run(texts) == TextReport()

    texts.next(second)
    assert run(texts) == TextReport(sent=1)
    assert len(texts.calls) == 1


def test_stop_between_writing_and_sending_is_honoured(texts):
    user = make_texted_user()
    tracked(user=user)
    later = tracked(user=user)
    texts.next(lambda text: opt_outs.record(text.to, opt_outs.REPLY))
    assert run(texts) == TextReport(sent=1, skipped=1)
    assert [row.reason for row in rows()] == [None, "opted_out"]
    assert next_date(later) == date(2026, 11, 11)


ERRORS = [
    (TextKind.UNKNOWN, "unknown", "unknown", 11),
    (TextKind.NUMBER, "failed", "failed", 11),
    (TextKind.OPTED_OUT, "skipped", "skipped", 11),
    (TextKind.UNVERIFIED, "failed", "failed", 11),
    (TextKind.CONTENT, "failed", "failed", 11),
    (TextKind.CONFIG, "pending", "pending", 10),
]


@pytest.mark.parametrize("kind, counted, status, day", ERRORS)
def test_every_kind_of_refusal_has_its_outcome(texts, kind, counted, status, day):
    tracker = tracked()
    texts.next(TextError("21999", kind))
    report = run(texts)
    assert {name: value for name, value in vars(report).items() if value} == {
        counted: 1,
        **({"refused": "21999"} if kind is TextKind.CONFIG else {}),
    }
    assert only_row().status == status
    assert next_date(tracker) == date(2026, 11, day)
    run(texts, NOON + timedelta(hours=1))
    assert len(texts.calls) == (2 if status == "pending" else 1)  # never again, unless it surely did not go


def test_a_number_that_gets_no_texts_must_be_verified_again(texts):
    user = make_texted_user()
    tracked(user=user)
    texts.next(TextError("21614", TextKind.NUMBER))
    run(texts)
    db.session.refresh(user)
    assert (user.phone_verified_at, user.phone_problem) == (None, "21614")


def test_the_vendor_knows_a_stop_that_we_missed(texts):
    tracked()
    texts.next(TextError("21610", TextKind.OPTED_OUT))
    run(texts)
    assert db.session.scalars(select(PhoneOptOut.source)).all() == ["vendor"]
    assert run(texts, NOON + timedelta(days=1)) == TextReport(skipped=1)


def test_slowed_down_three_times_then_taken(texts):
    tracked()
    texts.next(*[TextError("20429", TextKind.LIMIT, retry_after=7) for _ in range(3)])
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        make_due()

    assert run(texts, wait=wait) == TextReport(sent=1)
    assert waits == [7, 7, 7]
    assert len(texts.calls) == 4


def test_a_vendor_that_is_away_leaves_the_texts_waiting(texts):
    for _ in range(6):
        tracked()
    texts.next(*[TextError("CONNECTION", TextKind.NOT_SENT) for _ in range(4)])
    assert run(texts) == TextReport(pending=6)
    assert len(texts.calls) == 4
    make_due()
    assert run(texts, NOON + timedelta(hours=1)) == TextReport(sent=6)


def test_yesterdays_text_is_not_made_up_for(texts):
    tracker = tracked()
    texts.next(*[TextError("CONNECTION", TextKind.NOT_SENT) for _ in range(4)])
    run(texts)
    make_due()
    assert run(texts, NOON + timedelta(days=1)) == TextReport(sent=1, skipped=1)
    assert [(row.status, row.reason, row.local_date.day) for row in rows()] == [
        ("skipped", "missed", 10),
        ("sent", None, 11),
    ]
    assert next_date(tracker) == date(2026, 11, 12)


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing after it runs."""


def test_a_worker_that_died_in_the_call_leaves_unknown_and_a_look_up_settles_it(texts):
    tracked(notification_frequency=2)

    def dies(text: Any) -> None:
        texts.take(text)
        raise Killed

    texts.next(dies)
    with pytest.raises(Killed):
        run(texts)
    db.session.rollback()
    assert only_row().status == "sending"
    assert run(texts) == TextReport()  # its lease still runs
    age_rows(minutes=5)
    assert run(texts, NOON + timedelta(hours=1)) == TextReport(unknown=1)
    assert (only_row().status, len(texts.calls)) == ("sent", 1)  # looked up in the same run


def age_rows(minutes: int) -> None:
    past = datetime.now(UTC) - timedelta(minutes=minutes)
    for row in rows():
        row.lease_until = past if row.lease_until else None
        row.created_at = past
    db.session.commit()


@pytest.mark.parametrize(
    "words, status",
    [
        (["sent", "delivered"], "delivered"),
        (["delivered", "sent", "delivered", "queued"], "delivered"),
        (["undelivered", "delivered"], "failed"),
        (["sending"], "sent"),
        (["nonsense"], "sent"),
    ],
)
def test_reports_come_late_twice_and_out_of_order(texts, words, status):
    tracked()
    run(texts)
    row = only_row()
    for word in words:
        assert delivery.apply_report(row.callback_id, delivery.Report(row.provider_sid or "", word))
    assert only_row().status == status


def test_a_report_before_the_answer_stays(texts):
    tracked()

    def early(text: Any) -> None:
        token = text.status_callback.rpartition("=")[2]
        delivery.apply_report(token, delivery.Report("SM" + "0" * 32, "delivered"))

    texts.next(early)
    assert run(texts) == TextReport(sent=1)
    assert only_row().status == "delivered"


def test_a_database_from_a_backup_asks_before_it_sends(texts):
    tracker = tracked()
    run(texts)
    db.session.delete(only_row())  # last night's backup knows nothing of it
    restored = db.session.get_one(BudgetTracker, tracker.id)
    restored.next_notification_date = date(2026, 11, 10)
    make_transaction(db.session.get_one(Account, tracker.account_id), "50")  # the amounts differ
    forget_runs()
    assert run(texts, NOON + timedelta(hours=3)) == TextReport(skipped=1)
    assert (only_row().status, only_row().reason, len(texts.calls)) == ("sent", "restored", 1)
    assert next_date(tracker) == date(2026, 11, 11)


def forget_runs() -> None:
    db.session.execute(delete(JobRun))
    db.session.commit()


def test_nothing_is_sent_while_the_question_fails(texts):
    tracked()
    texts.lookup_error = TextError("TIMEOUT", TextKind.UNKNOWN)
    assert run(texts) == TextReport(pending=1)
    assert texts.calls == []


def test_the_statements_do_not_grow_with_the_trackers(texts):
    counts = []
    for number in (3, 30):
        for _ in range(number):
            tracked(user=make_user())  # sandbox: planned and skipped at once
        with StatementCounter(db.engine) as counter:
            run(texts)
        counts.append(len(counter.statements))
        move_on()
    assert counts[0] == counts[1]


def move_on() -> None:
    db.session.execute(delete(BudgetTracker))
    db.session.commit()
