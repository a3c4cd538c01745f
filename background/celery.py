"""The engine for many machines: messages through a broker, Celery workers that run the same handlers.

A message carries a handler's name and ids, never anything personal. Losing one costs a sweep, doubling one
finds the row claimed, so that nothing here has to be exactly once. Celery itself is imported on first use.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from background.sweeper import Sweeper

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger(__name__)

ONE, BATCH = "cashview.one", "cashview.batch"
"""The two kinds of message: one piece of work that somebody may be waiting for; many that nobody watches."""
SOON, LATER = "cashview.soon", "cashview.later"
"""Their queues. A worker looks into the first one first."""

USELESS_AFTER = timedelta(minutes=10)
"""A message that waited longer is thrown away unread: the sweep has sent others for its row meanwhile."""
BATCH_USELESS_AFTER = timedelta(hours=1)
"""By then the scheduler's next run has sent what is left."""
VISIBILITY_SECONDS = 3600
"""Redis gives an unanswered message to another worker after this long: far above the longest task (a real-time
refresh with a long history takes minutes). Who waits for a dead worker's work is served by leases long before."""
CONNECT_SECONDS = 1.0
PAUSE_SECONDS = 5.0
"""After a broker did not answer nobody asks it again for this long: requests do not pay for it one by one."""

SETTINGS: dict[str, Any] = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_ignore_result": True,
    "task_store_errors_even_if_ignored": False,
    "task_serializer": "json",
    "result_serializer": "json",
    "event_serializer": "json",
    "accept_content": ["json"],
    "task_default_queue": SOON,
    "task_create_missing_queues": False,
    "task_publish_retry": False,
    "worker_prefetch_multiplier": 1,
    "worker_pool": "threads",
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,  # running twice is harmless, half is a waste
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": 100,  # most of an hour; then it ends, and what started it starts it again
    "broker_connection_timeout": CONNECT_SECONDS,
    "broker_transport_options": {
        "visibility_timeout": VISIBILITY_SECONDS,
        "queue_order_strategy": "priority",
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": 2.0,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
    },
}


def make_celery(broker_url: str) -> Celery:
    """A Celery application for this broker, for sending and for working alike."""
    from celery import Celery
    from kombu.entity import Queue

    celery = Celery("cashview", broker=broker_url, set_as_current=False)
    celery.conf.update(SETTINGS, task_queues=[Queue(SOON), Queue(LATER)])
    return celery


class CeleryEngine:
    """Hands work to whichever worker is free, on any machine. Safe for threads; connects on first use, after fork."""

    def __init__(self, broker_url: str) -> None:
        self._broker_url = broker_url
        self._celery: Celery | None = None
        self._making = threading.Lock()
        self._silent_until = 0.0
        self._sweeper = Sweeper()

    def start(self) -> None:
        """Start the sweeper, which hands what it finds to the workers. Call once per web process, after fork.
        Celery is loaded now, for it takes longer than a person's request should."""
        self._sender()
        self._sweeper.start()

    def stop(self) -> None:
        """Sweep no more."""
        self._sweeper.stop()

    def submit(self, name: str, ids: dict[str, int], delay: float) -> None:
        """Send one piece of work; a broker that is away is logged, and the sweep finds the row when it is back."""
        useless = datetime.now(UTC) + timedelta(seconds=delay) + USELESS_AFTER
        self._send(ONE, {"name": name, "ids": ids}, SOON, countdown=delay or None, expires=useless)

    def submit_batch(self, name: str, numbers: list[int], **common: str) -> bool:
        """Send many ids of the same work in one message; False when the broker does not take it.

        The handler gets each id as `number`, and `common` with it."""
        useless = datetime.now(UTC) + BATCH_USELESS_AFTER
        message = {"name": name, "numbers": numbers, "common": common}
        return self._send(BATCH, message, LATER, expires=useless)

    def _send(self, kind: str, message: dict[str, Any], queue: str, **options: Any) -> bool:
        if time.monotonic() < self._silent_until:
            return False
        try:
            # The two last ones: Celery writes arguments into a header for logs and monitors.
            self._sender().send_task(
                kind,
                kwargs=message,
                queue=queue,
                ignore_result=True,
                argsrepr="-",
                kwargsrepr="-",
                retry=False,
                **options,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is: the row is committed, the request goes on
            self._silent_until = time.monotonic() + PAUSE_SECONDS
            log.warning(
                "the broker did not take %s: %s; the sweep will send it again",
                message["name"],
                type(error).__name__,
            )
            return False
        return True

    def _sender(self) -> Celery:
        with self._making:
            if self._celery is None:
                self._celery = make_celery(self._broker_url)
            return self._celery
