"""Which background work there is, by name, and which engine does it: a part of the composition root."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Flask

import background
from background.celery import CeleryEngine
from background.threads import ThreadEngine
from config import Settings
from services import demo, refreshing, removals, sweeping, vendors, webhooks


def set_up_background(app: Flask, settings: Settings) -> None:
    """Register the handlers by name. The engine's threads start with extensions["background"].start(); with a
    broker the work goes to Celery workers, and only a sweeper starts there."""
    banks = app.extensions["banks"]

    def in_context(work: Callable[..., object]) -> Callable[..., None]:
        def handle(**arguments: int | str) -> None:
            with app.app_context():
                work(**arguments)

        return handle

    refresh = in_context(
        lambda institution_id: refreshing.refresh(
            institution_id, banks, settings.lease_seconds, only_wanted=True
        )
    )
    background.register("refresh", refresh)
    background.register("refresh_now", refresh)  # asks the bank itself, which may take a minute
    background.register(
        "refresh_due",  # a batch of the scheduler's: only what no other run has done by then
        in_context(
            lambda number, due_by: refreshing.refresh(
                number, banks, settings.lease_seconds, due_by=datetime.fromisoformat(due_by)
            )
        ),
    )
    background.register("remove_item", in_context(lambda removal_id: removals.remove_item(removal_id, banks)))
    background.register(
        "link_demo", in_context(lambda user_id: demo.link_banks(user_id, banks, simulated=settings.simulated))
    )
    background.register("track_demo", in_context(demo.add_trackers))
    background.register("webhook", in_context(webhooks.work))
    background.register("sweep", in_context(sweeping.sweep))
    background.register("look", in_context(vendors.look))
    engine = _engine(settings)
    app.extensions["background"] = engine
    background.use(engine)


def _engine(settings: Settings) -> CeleryEngine | ThreadEngine:
    if settings.celery_broker_url:
        return CeleryEngine(settings.celery_broker_url)
    return ThreadEngine(settings.refresh_concurrency, limits_of(settings))


def limits_of(settings: Settings) -> dict[str, int]:
    """How many threads of a process slow work may hold, so that quick work finds one."""
    return {"refresh_now": max(1, settings.refresh_concurrency // 2)}
