"""Plan, claim, crash, report, STOP, clock jump, second scheduler, in any order: never two texts for one tracker
and local day, never one after STOP."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, select, update

from CronJobs import send_texts
from CronJobs.send_texts import Tools
from database import utcnow
from extensions import db
from models import JobRun, TextMessage, User
from providers.base import OutgoingText, TextError, TextKind
from services import delivery, opt_outs
from tests.conftest import _empty_tables
from tests.support.factories import (
    make_account,
    make_institution,
    make_texted_user,
    make_tracker,
    make_transaction,
)
from tests.support.texts import TakingTexts

START = datetime(2026, 11, 10, 19, 30, tzinfo=UTC)
"""Between 9:00 and 21:00 in all the zones below."""
ZONES = ["America/New_York", "Pacific/Kiritimati", "Pacific/Honolulu", "Europe/London"]
NUMBERS = ["+14155552671", "+14155552672"]


class Killed(BaseException):
    """kill -9 in the middle of a call."""


class TextsMachine(RuleBasedStateMachine):
    """A vendor that fails in every way, schedulers that die, people who say STOP: the promises hold all the same."""

    def __init__(self) -> None:
        super().__init__()
        _empty_tables()
        self.texts = TakingTexts()
        self.now = START
        self.stopped: set[str] = set()
        self.gone: Counter[tuple[int, date]] = Counter()
        self.after_stop: list[str] = []
        original = self.texts.take

        def take(text: OutgoingText) -> Any:
            callback_id = (text.status_callback or "").rpartition("=")[2]
            query = select(TextMessage).where(TextMessage.callback_id == callback_id)
            row = db.session.scalars(query).one()
            self.gone[row.budget_tracker_id or 0, row.local_date] += 1
            if text.to in self.stopped:
                self.after_stop.append(text.to)
            db.session.commit()
            return original(text)

        self.texts.take = take

    @initialize(zones=st.lists(st.sampled_from(ZONES), min_size=2, max_size=3), blind=st.booleans())
    def people(self, zones: list[str], blind: bool) -> None:
        self.texts.list_is_empty = blind
        for index, zone in enumerate(zones):
            user = make_texted_user(timezone=zone, phone_number=NUMBERS[index % 2])
            account = make_account(make_institution(user, refreshed_at=START))
            make_transaction(account, "12.50")
            make_tracker(account, notification_frequency=1 + index % 2)

    def _run(self) -> None:
        tools = Tools(
            texts=self.texts,
            callback_base="https://cashview.example",
            clock=lambda: self.now,
            wait=lambda _seconds: self._make_due(),
            stopped=lambda: False,
        )
        try:
            send_texts.run(tools, dry_run=False)
        except Killed:
            db.session.rollback()

    def _make_due(self) -> None:
        db.session.execute(update(TextMessage).values(due_at=datetime(2026, 1, 1, tzinfo=UTC)))
        db.session.commit()

    @rule()
    def scheduler_runs(self) -> None:
        self._make_due()
        self._run()

    @rule(number=st.sampled_from(NUMBERS) | st.none())
    def a_second_scheduler_or_a_stop_inside_the_call(self, number: str | None) -> None:
        def meanwhile(text: OutgoingText) -> None:
            if number is not None and number != text.to:
                self.stop(number)
            else:
                self._run()

        self.texts.next(meanwhile)
        self._make_due()
        self._run()
        self.texts.outcomes.clear()

    @rule(kind=st.sampled_from(list(TextKind)), taken=st.booleans())
    def the_vendor_refuses_or_fails(self, kind: TextKind, taken: bool) -> None:
        def fail(text: OutgoingText) -> None:
            if taken and kind is TextKind.UNKNOWN:
                self.texts.take(text)
            raise TextError("21999", kind)

        self.texts.next(fail)
        self._make_due()
        self._run()
        self.texts.outcomes.clear()

    @rule(taken=st.booleans(), long_ago=st.booleans())
    def killed_in_the_call(self, taken: bool, long_ago: bool) -> None:
        def die(text: OutgoingText) -> None:
            if taken:
                self.texts.take(text)
            raise Killed

        self.texts.next(die)
        self._make_due()
        self._run()
        self.texts.outcomes.clear()
        if long_ago:
            self.leases_run_out()
            self._run()

    @rule(blind=st.booleans())
    def the_vendors_list_lags_behind(self, blind: bool) -> None:
        self.texts.list_is_empty = blind

    @rule()
    def leases_run_out(self) -> None:
        past = utcnow() - timedelta(minutes=10)
        db.session.execute(update(TextMessage).values(created_at=past))
        leased = TextMessage.lease_until.is_not(None)
        db.session.execute(update(TextMessage).where(leased).values(lease_until=past))
        db.session.commit()

    @rule(hours=st.sampled_from([-30, -3, 1, 1, 1, 12, 24, 24, 73]))
    def the_clock_jumps(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(number=st.sampled_from(NUMBERS))
    def stop(self, number: str) -> None:
        opt_outs.record(number, opt_outs.REPLY)
        self.stopped.add(number)

    @rule(number=st.sampled_from(NUMBERS))
    def start(self, number: str) -> None:
        opt_outs.lift(number)
        self.stopped.discard(number)

    @rule(zone=st.sampled_from(ZONES), data=st.data())
    def somebody_travels(self, zone: str, data: st.DataObject) -> None:
        ids = list(db.session.scalars(select(User.id).order_by(User.id)))
        db.session.execute(
            update(User).where(User.id == data.draw(st.sampled_from(ids))).values(timezone=zone)
        )
        db.session.commit()

    @rule()
    def a_gap_since_the_last_run(self) -> None:
        db.session.execute(delete(JobRun))
        db.session.commit()

    @rule(word=st.sampled_from(["queued", "sent", "delivered", "undelivered", "failed"]), data=st.data())
    def a_report_arrives(self, word: str, data: st.DataObject) -> None:
        rows = db.session.execute(select(TextMessage.callback_id, TextMessage.provider_sid)).all()
        db.session.commit()
        if rows:
            callback_id, sid = data.draw(st.sampled_from([tuple(row) for row in rows]))
            delivery.apply_report(callback_id, delivery.Report(sid or "SM" + "f" * 32, word, "30008"))

    @invariant()
    def never_two_for_one_tracker_and_day(self) -> None:
        twice = {key: count for key, count in self.gone.items() if count > 1}
        assert not twice, f"sent more than once: {twice}"

    @invariant()
    def never_one_after_stop(self) -> None:
        assert not self.after_stop


@pytest.mark.usefixtures("context")
def test_promises_hold_in_any_order(app: Flask) -> None:
    run_state_machine_as_test(
        TextsMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
