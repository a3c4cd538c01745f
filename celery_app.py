"""The Celery worker's composition root: `./run worker`, `python celery_app.py`, or `celery -A celery_app worker`.

One process of REFRESH_CONCURRENCY threads, for refreshing is waiting on banks; for more, start it more often, on
any machine. The application is built once per process, on first use, so that it is safe after a fork as well.
SIGTERM: what is under way is finished, the rest goes back to the broker.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

from celery import signals

import background
from app import create_app, setup_logging
from background.celery import BATCH, ONE, CeleryEngine, make_celery
from background.sweeper import Sweeper
from background.worker import Worker
from config import Settings, load_settings
from handlers import limits_of

if TYPE_CHECKING:
    from flask import Flask


def _settings() -> Settings:
    settings = load_settings()
    if settings.celery_broker_url is None:
        print("A worker needs CELERY_BROKER_URL, such as redis://127.0.0.1:6379/0.", file=sys.stderr)
        print("Without it background work runs inside the web processes.", file=sys.stderr)
        raise SystemExit(1)
    return settings


settings = _settings()
celery = make_celery(str(settings.celery_broker_url))
celery.conf.worker_concurrency = settings.refresh_concurrency
_stopping = threading.Event()


class _Process:
    """What this process needs once, built by whichever thread comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._app: Flask | None = None
        self._looker = Sweeper("look")
        sender = CeleryEngine(str(settings.celery_broker_url))
        self.worker = Worker(sender, _stopping.is_set, limits_of(settings))

    def ready(self) -> Worker:
        """The worker, its handlers registered by the application; it hears what others found down from now on."""
        with self._lock:
            if self._app is None:
                app = create_app(settings, refreshes=True)
                list(app.extensions["banks"].values())  # loads the vendor's client, a third of a second
                background.run("look")  # before the first message
                self._looker.start()
                self._app = app
        return self.worker


_process = _Process()


@celery.task(name=ONE)
def one(name: str, ids: dict[str, int]) -> None:
    """One piece of work by its handler's name."""
    _process.ready().one(name, ids)


@celery.task(name=BATCH)
def batch(name: str, numbers: list[int], common: dict[str, str]) -> None:
    """The same work for many ids."""
    _process.ready().batch(name, numbers, common)


@signals.setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    """Ours, not Celery's: two lines for every message would drown the rest, and some tell its arguments."""
    setup_logging(settings)
    for chatty in ("celery.worker.strategy", "celery.app.trace", "celery.pool", "kombu"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))


@signals.worker_ready.connect
def _when_ready(**_: Any) -> None:
    """The first message should not have to wait for imports. (The pool is of threads: see background/celery.py.)"""
    _process.ready()
    logging.getLogger("cashview.worker").info("worker ready")


@signals.worker_shutting_down.connect
def _when_stopping(**_: Any) -> None:
    _stopping.set()


def main(arguments: list[str]) -> None:
    """Work until SIGTERM. Gossip, mingle and heartbeat are chatter between workers that nobody here listens to."""
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    celery.worker_main(["--quiet", "worker", "--loglevel", settings.log_level, *quiet, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
