"""The texts part of the scheduled jobs, run whole in this process: settings, exit code, last line and all."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from unittest import mock

from flask import Flask
from sqlalchemy import select, update

import scheduled_jobs
from database import utcnow
from extensions import db
from models import TextMessage, VendorState

ARGUMENTS = ["--only", "texts"]


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit code, the texts part of its last line (None without one), and what it said."""

    code: int
    texts: dict[str, int] | None
    errors: str

    @classmethod
    def of(cls, code: int, out: str, errors: str) -> Ended:
        lines = out.splitlines()
        return cls(code, json.loads(lines[-1])["texts"] if lines else None, errors)


def quiet(**changes: int) -> dict[str, int]:
    """The texts part of a run's report, all 0 but these."""
    return {**dict.fromkeys(("sent", "unknown", "skipped", "failed", "pending"), 0), **changes}


class Impatient(threading.Event):
    """The job's wait, over at once: what was put back is due. `waits` are the seconds it was to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        db.session.execute(update(TextMessage).values(due_at=utcnow() - timedelta(minutes=1)))
        db.session.commit()
        return self.is_set()


def run_texts_job(app: Flask, at: datetime | None = None, stop: threading.Event | None = None) -> Ended:
    """One run, as if it were `at`."""
    out, errors = io.StringIO(), io.StringIO()
    moment = [] if at is None else ["--at", at.isoformat()]
    with (
        mock.patch.object(scheduled_jobs, "create_app", return_value=app),
        mock.patch.object(scheduled_jobs, "_stop_on_signal", return_value=stop or threading.Event()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
    ):
        code = scheduled_jobs.main([*ARGUMENTS, *moment])
    return Ended.of(code, out.getvalue(), errors.getvalue())


def rows() -> list[tuple[str, str | None]]:
    """(status, reason) of every text, oldest first."""
    query = select(TextMessage.status, TextMessage.reason).order_by(TextMessage.id)
    found = [(row.status, row.reason) for row in db.session.execute(query)]
    db.session.commit()
    return found


def ten_minutes_on() -> None:
    """Leases have run out, texts put back are due, unknown ones may be looked up, a vendor that was down is tried."""
    past = utcnow() - timedelta(minutes=10)
    db.session.execute(update(TextMessage).values(created_at=past, due_at=past))
    leased = TextMessage.lease_until.is_not(None)
    db.session.execute(update(TextMessage).where(leased).values(lease_until=past))
    db.session.execute(update(VendorState).values(retry_at=past, probe_until=past))
    db.session.commit()
