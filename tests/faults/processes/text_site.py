"""The texts job as a process: `python scheduled_jobs.py --only texts` against a database of its own, Twilio's
simulator behind the gate, and people for whom it is noon."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask_migrate import upgrade
from sqlalchemy import create_engine, make_url, text, update

import background
from app import create_app
from database import utcnow
from extensions import db, limiter
from models import JobRun
from services import job_runs, vendors
from tests.conftest import _empty_tables
from tests.faults.processes.gate import Gate, Stop
from tests.support.server import REPOSITORY, AppServer
from tests.support.settings import make_settings
from tests.support.simulator import TWILIO_ACCOUNT_SID, SimulatorProcess
from tests.support.texters import TWILIO, SimulatedTwilio, noon_zone, texted_people
from tests.support.texts_job import ARGUMENTS, Ended, rows, run_texts_job, ten_minutes_on

MESSAGES = f"/2010-04-01/Accounts/{TWILIO_ACCOUNT_SID}/Messages.json"


class TextSite:
    """A database with people in it, and the means to run, stop and kill jobs on it."""

    def __init__(self, database_url: str, folder: Path, simulator: SimulatorProcess, gate: Gate) -> None:
        self.gate, self.twilio = gate, SimulatedTwilio(simulator.url)
        self.database_url, self._backup = database_url, f"{make_url(database_url).database}_backup"
        settings = {"DATABASE_URL": database_url, "TWILIO_BASE_URL": gate.url, **TWILIO}
        self.server = AppServer(simulator.url, folder, **settings)
        settings["PUBLIC_BASE_URL"] = self.server.environ["PUBLIC_BASE_URL"] = self.server.url
        self.app = create_app(make_settings(**settings, INSTANCE_DIR=str(folder)))
        background.use(None)
        limiter.enabled = False
        with self.app.app_context():
            upgrade()

    def begin(self, people: int = 20) -> list[str]:
        """Empty tables but for so many people whose text is due; the job ran an hour ago. Their numbers."""
        now = datetime.now(UTC)
        with self.app.app_context():
            _empty_tables()
            numbers = texted_people(people, now, noon_zone(now))
            job_runs.finished("texts")
        vendors.forget()
        return numbers

    # The job

    def start(self, **streams: Any) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [sys.executable, "scheduled_jobs.py", *ARGUMENTS],
            cwd=REPOSITORY,
            env=self.server.environ,
            text=True,
            **{**pipes, **streams},
        )

    def end(self, job: subprocess.Popen[str], seconds: float = 60) -> Ended:
        """Wait until the job has ended, at most so long."""
        out, errors = job.communicate(timeout=seconds)
        return Ended.of(job.returncode, out or "", errors or "")

    def run(self) -> Ended:
        """A whole run in this process: another Python costs two seconds and adds nothing where nobody is killed."""
        return run_texts_job(self.app)

    def stopped_at(self, number: int, *, after: bool = False) -> tuple[subprocess.Popen[str], Stop]:
        """A job whose call of this number stands at the gate; those before it went through."""
        stops = [self.gate.stop(MESSAGES, after=after) for _ in range(number)]
        job = self.start()
        for stop in stops[:-1]:
            stop.wait().release()
        return job, stops[-1].wait()

    def killed_at(self, number: int, *, after: bool) -> None:
        """kill -9 of a job at its call of this number: before Twilio hears of it, or when it has answered."""
        job, stop = self.stopped_at(number, after=after)
        job.kill()
        job.communicate(timeout=10)
        if not after:
            stop.lose()

    # The database

    def statuses(self) -> dict[str, int]:
        """How many texts are in each status."""
        return dict(Counter(status for status, _ in self.rows()))

    def rows(self) -> list[tuple[str, str | None]]:
        """(status, reason) of every text."""
        with self.app.app_context():
            return rows()

    def later(self) -> None:
        with self.app.app_context():
            ten_minutes_on()

    def last_run(self, ago: timedelta) -> None:
        """The job's last run to its end was so long ago."""
        with self.app.app_context():
            db.session.execute(update(JobRun).values(finished_at=utcnow() - ago))
            db.session.commit()

    def back_up(self) -> None:
        """Keep a copy of the database as it is now."""
        self._copy(self.database_url, self._backup)

    def restore(self) -> None:
        """The database is again as it was when it was backed up."""
        name = make_url(self.database_url).database or ""
        self._copy(make_url(self.database_url).set(database=self._backup).render_as_string(False), name)

    def _copy(self, source: str, target: str) -> None:
        self._let_go()
        url = make_url(source)
        if url.drivername.startswith("sqlite"):
            for suffix in ("-wal", "-shm"):
                Path(target + suffix).unlink(missing_ok=True)
            shutil.copyfile(url.database or "", target)
            return
        server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{target}"'))
            connection.execute(text(f'CREATE DATABASE "{target}" TEMPLATE "{url.database}"'))
        server.dispose()

    def _let_go(self) -> None:
        """No connection of ours is left; what SQLite keeps beside its file is in it."""
        with self.app.app_context():
            if db.engine.dialect.name == "sqlite":
                db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            db.session.remove()
            db.engine.dispose()

    def stop(self) -> None:
        self.gate.forget()
        self.server.stop()
        self.server.log.unlink(missing_ok=True)
        self._let_go()
