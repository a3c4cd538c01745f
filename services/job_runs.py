"""When the parts of the scheduled jobs last ran to their end, by the real clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from database import upsert, utcnow
from extensions import db
from models import JobRun

LONG_AGO = timedelta(minutes=75)
"""The jobs run hourly: with a longer gap something happened, perhaps a database that came back from a backup. A
backup from before a run knows at best of the run before that one, which ended about two hours before the next (80
minutes if its texts took the 40 that they may)."""


def finished(name: str) -> None:
    statement = upsert(JobRun.__table__, ["name"], ["finished_at"], db.session.get_bind().dialect.name)
    db.session.execute(statement, [{"name": name, "finished_at": utcnow()}])
    db.session.commit()


def last_finished(name: str) -> datetime | None:
    run = db.session.get(JobRun, name, populate_existing=True)
    db.session.commit()
    return None if run is None else run.finished_at


def after_a_gap(name: str) -> bool:
    """Was there no run of this part in the last 75 minutes (or ever)?"""
    last = last_finished(name)
    return last is None or utcnow() - last > LONG_AGO
