"""The database came back from a backup that knows nothing of the texts sent since: none goes twice.

This is the drill of docs/operating.md ("After restoring a backup"), on a copy of a real database.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.faults.processes.test_texts_killed import all_served_once
from tests.faults.processes.text_site import TextSite
from tests.support.texts_job import quiet

pytestmark = pytest.mark.slow


def restored_after_sending(texts: TextSite, *, last_run: timedelta, sent: int) -> list[str]:
    """Numbers of 20 people; the texts of the first `sent` went after the backup was made, and it was restored."""
    numbers = texts.begin()
    texts.last_run(last_run)
    texts.back_up()
    if sent < len(numbers):
        texts.killed_at(sent + 1, after=False)
    else:
        assert texts.run().texts == quiet(sent=20)
    texts.restore()
    assert texts.rows() == [], "the backup knows of no text"
    return numbers


def test_row_33_last_nights_backup_is_restored_and_nothing_is_sent_twice(texts: TextSite):
    numbers = restored_after_sending(texts, last_run=timedelta(hours=9), sent=20)
    again = texts.run()
    assert (again.code, again.texts) == (0, quiet(skipped=20)), again.errors
    all_served_once(texts, numbers)
    assert {status for status, _ in texts.rows()} <= {"sent", "delivered"}, "what the vendor says of them"
    assert {reason for _, reason in texts.rows()} == {"restored"}
    assert texts.run().texts == quiet()
    all_served_once(texts, numbers)


def test_row_33_those_whose_text_had_not_gone_get_it_after_the_restore(texts: TextSite):
    numbers = restored_after_sending(texts, last_run=timedelta(hours=9), sent=7)
    again = texts.run()
    assert (again.code, again.texts) == (0, quiet(sent=13, skipped=7)), again.errors
    all_served_once(texts, numbers)


def test_row_33_a_backup_from_just_before_the_last_hourly_run_is_noticed_too(texts: TextSite):
    """The run that the backup does not know began an hour ago; the one before it took 30 minutes."""
    numbers = restored_after_sending(texts, last_run=timedelta(minutes=90), sent=20)
    assert texts.run().texts == quiet(skipped=20)
    all_served_once(texts, numbers)


def test_row_33_texts_still_in_the_vendors_queue_count_as_sent(texts: TextSite):
    texts.twilio.switch("hold")
    numbers = restored_after_sending(texts, last_run=timedelta(hours=9), sent=20)
    assert {each["status"] for each in texts.twilio.texts(numbers)} == {"queued"}
    assert texts.run().texts == quiet(skipped=20)
    all_served_once(texts, numbers)


def test_row_33_while_the_vendor_does_not_answer_the_question_nothing_goes(texts: TextSite):
    """And the run after that asks again, however soon it comes."""
    numbers = restored_after_sending(texts, last_run=timedelta(hours=9), sent=20)
    texts.twilio.switch("http_500", endpoint="list")
    blind = texts.run()
    assert (blind.code, blind.texts) == (0, quiet(pending=20)), blind.errors
    texts.twilio.forget()
    texts.later()
    assert texts.run().texts == quiet(skipped=20)
    all_served_once(texts, numbers)
