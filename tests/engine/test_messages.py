"""What travels through the broker, and what a worker says about it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis as client

import background
from background.celery import BATCH_USELESS_AFTER, LATER, SOON, USELESS_AFTER, VISIBILITY_SECONDS, make_celery
from tests.jobs.test_runs_at_once import environ
from tests.support.factories import make_institution, make_user
from tests.support.worker import WorkerProcess, wait_for


def waiting_in(broker: Any, queue: str) -> list[dict[str, Any]]:
    """The messages in a queue as any program could read them."""
    with client.Redis.from_url(broker.url) as connection:
        return [json.loads(message) for message in connection.lrange(queue, 0, -1)]


def test_a_message_holds_a_name_and_ids_and_loses_its_use(sending, broker):
    background.enqueue("refresh", institution_id=7)
    sending.extensions["background"].submit_batch("refresh_due", [7, 8], due_by="2026-11-23T09:00:00+00:00")
    for queue, wanted, useful in (
        (SOON, {"name": "refresh", "ids": {"institution_id": 7}}, USELESS_AFTER),
        (
            LATER,
            {
                "name": "refresh_due",
                "numbers": [7, 8],
                "common": {"due_by": "2026-11-23T09:00:00+00:00"},
            },
            BATCH_USELESS_AFTER,
        ),
    ):
        (message,) = waiting_in(broker, queue)
        assert message["content-type"] == "application/json"
        assert json.loads(base64.b64decode(message["body"]))[:2] == [[], wanted]
        headers = message["headers"]
        assert (headers["argsrepr"], headers["kwargsrepr"]) == ("-", "-"), "logs and monitors show these"
        left = datetime.fromisoformat(headers["expires"]) - datetime.now(UTC)
        assert useful - timedelta(minutes=1) < left <= useful


def test_the_settings_that_everything_rests_on():
    settings = make_celery("redis://127.0.0.1:9/0").conf
    assert settings.task_acks_late
    assert settings.task_reject_on_worker_lost
    assert settings.task_ignore_result
    assert settings.worker_prefetch_multiplier == 1
    assert settings.accept_content == ["json"]
    assert settings.broker_transport_options["visibility_timeout"] == VISIBILITY_SECONDS >= 3600
    assert settings.broker_connection_max_retries == 100
    assert settings.task_publish_retry is False


@pytest.mark.slow
def test_a_worker_tells_nobody_what_it_was_given_and_outlives_what_it_does_not_understand(
    sending, broker, bank_of, worker_at
):
    """At its most talkative. Strangers' messages: a task nobody knows, arguments nobody takes, half a message."""
    number = make_institution(make_user(), due_at=datetime.now(UTC), access_token="tell-nobody").id
    stranger = make_celery(broker.url)
    stranger.send_task("no.such.task", kwargs={"x": 1}, queue=SOON)
    stranger.send_task("cashview.one", kwargs={"name": "refresh", "ids": {"x": 1}}, queue=SOON)
    stranger.send_task("cashview.one", kwargs={"name": "of.tomorrow", "ids": {"x": 1}}, queue=SOON)
    with client.Redis.from_url(broker.url) as connection:
        connection.lpush(SOON, json.dumps({"body": "e30=", "headers": {}, "properties": {}}))
    background.enqueue("refresh", institution_id=number)
    bank = bank_of()
    worker = worker_at(bank, LOG_LEVEL="DEBUG").ready()
    wait_for(lambda: bank.read() == ["tell-nobody"], "it is never refreshed")
    assert worker.stop() == 0
    said = worker.said()
    assert "unregistered task" in said
    assert "of.tomorrow" in said
    assert "tell-nobody" not in said
    assert "institution_id" not in said


@pytest.mark.parametrize("value", ["", "redis"])
def test_a_worker_without_a_broker_is_told_so_in_a_line_or_two(context, tmp_path, value):
    settings = {**environ(context, "http://127.0.0.1:9", tmp_path), "CELERY_BROKER_URL": value}
    worker = WorkerProcess(settings, tmp_path / "log").start()
    wait_for(lambda: not worker.alive(), "it ought to end")
    assert worker.stop() == 1
    assert "CELERY_BROKER_URL" in worker.said()
    assert "Traceback" not in worker.said()
