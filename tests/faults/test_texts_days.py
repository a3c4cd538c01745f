"""The texts job over days: runs that were missed, people who fly, clocks that jump. Row numbers are those of the fault
table; the promise in all of them: at most one text for a tracker and local day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from extensions import db
from models import FinancialInstitution, TextMessage, User
from services import job_runs
from tests.support.texters import texted
from tests.support.texts import TakingTexts
from tests.support.texts_job import Ended, Impatient, quiet, rows, run_texts_job, ten_minutes_on

HOME = "America/New_York"
NOON = datetime.fromisoformat("2025-11-11T12:00:00-05:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

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


def days_and_statuses() -> list[tuple[date, str, str | None]]:
    query = select(TextMessage).order_by(TextMessage.id).execution_options(populate_existing=True)
    found = [(each.local_date, each.status, each.reason) for each in db.session.scalars(query)]
    db.session.commit()
    return found


def test_row_02_the_run_after_a_missed_one_sends_todays_text(job, vendor):
    texted(NOON, HOME)
    assert job(NOON.replace(hour=8)).texts == quiet()
    assert job(NOON.replace(hour=20)).texts == quiet(sent=1)  # the runs from 9 to 19 never were
    assert days_and_statuses() == [(date(2025, 11, 11), "sent", None)]


def test_row_02_a_text_left_from_yesterday_is_skipped_and_todays_is_sent(context, job, vendor):
    texted(NOON, HOME)
    stop = Impatient()
    stop.set()
    assert run_texts_job(context, NOON, stop).texts == quiet(
        pending=1
    )  # written, and then nothing ran for a day
    assert job(NOON + DAY).texts == quiet(sent=1, skipped=1)
    yesterday, today = date(2025, 11, 11), date(2025, 11, 12)
    assert days_and_statuses() == [(yesterday, "skipped", "missed"), (today, "sent", None)]
    assert len(vendor.calls) == 1


def test_row_03_after_three_days_of_silence_nothing_goes_at_night_and_one_text_in_the_morning(job, vendor):
    texted(NOON, HOME)
    night = NOON.replace(hour=22) + 3 * DAY
    late = job(night)
    assert (late.code, late.texts) == (0, quiet())
    assert "1 people got no text on the last two days" in late.errors
    sent = [job(night + hours * HOUR).texts for hours in range(1, 24)]
    assert [each for each in sent if each != quiet()] == [quiet(sent=1)]
    assert days_and_statuses() == [(date(2025, 11, 15), "sent", None)]


def test_missed_windows_are_warned_about_also_by_the_run_that_makes_up_for_them(job):
    """On stderr, and not with the exit code: nobody needs to mend a row."""
    texted(NOON, HOME)
    assert "got no text" not in job(NOON.replace(hour=22) + DAY).errors, "one day alone may be anything"
    late = job(NOON + 2 * DAY)
    assert (late.code, late.texts) == (0, quiet(sent=1))
    assert "1 people got no text on the last two days: run the jobs hourly." in late.errors
    assert "got no text" not in job(NOON + 3 * DAY).errors


def hourly(job: Run, begin: datetime, hours: int) -> list[datetime]:
    """The moments of this many hourly runs in which a text went."""
    moments = [begin + number * HOUR for number in range(hours)]
    return [moment for moment in moments if (job(moment).texts or {})["sent"]]


def fly_to(zone: str) -> None:
    db.session.execute(update(User).values(timezone=zone))
    db.session.commit()


FLIGHTS = [("Pacific/Honolulu", "Pacific/Auckland", 24), ("Pacific/Auckland", "Pacific/Honolulu", 47)]


@pytest.mark.parametrize("origin, goal, most_hours", FLIGHTS, ids=["a day is lost", "a day comes twice"])
def test_row_35_flying_over_the_date_line_at_noon_gives_each_local_day_one_text(
    job, vendor, origin, goal, most_hours
):
    """Flying east over the line the same date comes twice, and its text has been: 36 hours cannot be kept then."""
    begin = datetime(2025, 11, 11, tzinfo=ZoneInfo(origin))
    texted(begin, origin)
    sent = hourly(job, begin, 12)
    assert [moment.hour for moment in sent] == [9]
    fly_to(goal)
    sent += hourly(job, begin + 12 * HOUR, 84)
    per_day = Counter(day for day, _, _ in days_and_statuses())
    assert set(per_day.values()) == {1}
    assert len(vendor.calls) == len(sent) == len(per_day) >= 3
    gaps = [later - sooner for sooner, later in pairwise(sent)]
    assert max(gaps) == most_hours * HOUR


def test_row_37_a_clock_that_jumps_ahead_in_a_call_makes_it_unknown_and_never_two(job, vendor):
    """A second scheduler takes the first one, which is in its call, for dead."""
    texted(NOON, HOME)

    def another_scheduler(_text: object) -> None:
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
            assert job(NOON).texts == quiet(unknown=1)

    vendor.next(another_scheduler)
    assert job(NOON).texts == quiet(sent=1)
    ten_minutes_on()
    assert job(NOON).texts == quiet()
    assert len(vendor.taken) == 1
    assert rows()[0][0] == "sent", "the look-up has settled it"


def test_row_37_a_clock_set_back_delays_a_text_and_doubles_none(context, job, vendor):
    texted(NOON, HOME)
    stop = Impatient()
    stop.set()
    assert run_texts_job(context, NOON, stop).texts == quiet(pending=1)
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=10)):
        assert job(NOON).texts == quiet(pending=1), "by this clock it is not due yet"
    assert job(NOON).texts == quiet(sent=1)
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=10)):
        assert job(NOON).texts == quiet()
    assert len(vendor.calls) == 1


@pytest.mark.parametrize("opens", [NOON.replace(hour=9), NOON.replace(hour=21) - timedelta(minutes=2)])
def test_row_37_ten_minutes_of_skew_at_the_edge_of_the_window_double_nothing(job, vendor, opens):
    texted(NOON, HOME)
    skewed = (0, -10, 10, -10, 0)
    reports = [job(opens + timedelta(minutes=minutes)).texts for minutes in skewed]
    assert reports == [quiet(sent=1)] + [quiet()] * 4
    assert len(vendor.calls) == 1


def test_row_37_numbers_read_by_a_clock_that_was_ahead_have_no_age_below_zero(job, vendor):
    texted(NOON, HOME)
    ahead = NOON.replace(hour=20, minute=55)
    db.session.execute(update(FinancialInstitution).values(refreshed_at=ahead + 10 * HOUR))
    db.session.commit()
    assert job(ahead).texts == quiet(sent=1)
    assert "as of" not in vendor.calls[0].body
