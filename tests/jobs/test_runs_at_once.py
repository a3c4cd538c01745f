"""Two runs of the scheduler at the same time share the work, as threads and as the real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from CronJobs import refresh_institutions
from extensions import db
from models import FinancialInstitution, ItemRemoval, User
from services.refreshing import Outcome, refresh
from services.waiting import scheduled_now
from tests.support import scripted_plaid as plaid
from tests.support.banks import banks_at
from tests.support.factories import _added, make_institution, make_user
from tests.support.reading import count
from tests.support.settings import VALUES

ROOT = Path(__file__).resolve().parents[2]
DUE = datetime.now(UTC) - timedelta(hours=1)


def due_institutions(number: int) -> list[int]:
    user = make_user()
    return [make_institution(user, scheduled_at=DUE).id for _ in range(number)]


def test_what_another_run_finished_since_we_listed_it_is_not_read_again(context, bank):
    (number,) = due_institutions(1)
    banks, now = banks_at(bank.url), datetime.now(UTC)
    listed = scheduled_now(now)
    assert refresh(number, banks, 60, due_by=now) is Outcome.DONE
    bank.requests.clear()
    assert [refresh(one, banks, 60, due_by=now) for one in listed] == [Outcome.BUSY]
    assert bank.requests == []


def test_what_another_run_is_reading_is_left_to_it_and_counted_by_it(context: Flask, bank):
    """The second run starts while the first one is in the middle of its only institution."""
    (number,) = due_institutions(1)
    banks, now, reports = banks_at(bank.url), datetime.now(UTC), []

    def run_again(_body):
        with context.app_context():
            one = lambda other: refresh(other, banks, 60, due_by=now)  # noqa: E731
            reports.append(refresh_institutions.run(now, one, 2, lambda: None, dry_run=False))
        return plaid.accounts(plaid.account("a1"))

    bank.next("/accounts/get", run_again)
    assert refresh(number, banks, 60, due_by=now) is Outcome.DONE
    assert [(report.refreshed, report.failed) for report in reports] == [(0, 0)]
    assert len(bank.asked("/accounts/get")) == 1


def environ(app: Flask, bank_url: str, folder: Path) -> dict[str, str]:
    """The settings of the test's application, as a process gets them."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    return {**kept, **VALUES, "DATABASE_URL": url, "PLAID_BASE_URL": bank_url, "INSTANCE_DIR": str(folder)}


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "scheduled_jobs.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out, err


def test_two_programs_at_once_do_everything_exactly_once(context, bank, tmp_path):
    due_institutions(60)
    for name in range(12):
        _added(
            ItemRemoval(
                environment="sandbox", plaid_item_id=f"r{name}", access_token=f"removed-{name}", due_at=DUE
            )
        )
    for _ in range(6):
        make_user(is_demo=True, created_at=DUE - timedelta(days=1))

    def unhurried(_body):
        time.sleep(0.03)  # long enough for the two to meet
        return plaid.accounts(plaid.account("a1"))

    bank.always("/accounts/get", unhurried)
    environment = environ(context, bank.url, tmp_path)

    processes = [start(environment), start(environment)]
    ended = [end(process) for process in processes]

    assert [code for code, _out, _err in ended] == [0, 0], ended
    reports = [json.loads(out.strip().splitlines()[-1]) for _code, out, _err in ended]
    totals = {key: sum(report[key] for report in reports) for key in ("refreshed", "failed", "removals")}
    assert totals == {"refreshed": 60, "failed": 0, "removals": 12}
    asked = [body["access_token"] for body in bank.asked("/accounts/get")]
    assert len(asked) == len(set(asked)) == 60
    removed = [body["access_token"] for body in bank.asked("/item/remove")]
    assert len(removed) == len(set(removed)) == 12
    assert count(ItemRemoval) == 0
    assert db.session.scalar(select(func.count()).select_from(User).where(User.is_demo)) == 0
    states = db.session.execute(
        select(FinancialInstitution.state, FinancialInstitution.lease_id).distinct()
    ).all()
    assert [tuple(state) for state in states] == [("healthy", None)]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"ENCRYPTION_KEYS": "short"}, "ENCRYPTION_KEYS"),
        ({"DATABASE_URL": "sqlite:////proc/nowhere/at/all.db"}, "database"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}, "database"),
        ({"DATABASE_URL": "sqlite:///{folder}/empty.db"}, "migrations"),
    ],
    ids=["no secret key", "bad encryption key", "no such file", "no server", "not migrated"],
)
def test_wrong_configuration_or_database_is_one_clear_message_and_exit_one(
    context, bank, tmp_path, changes, words
):
    values = {name: value.format(folder=tmp_path) for name, value in changes.items()}
    code, out, err = end(start({**environ(context, bank.url, tmp_path), **values}))
    assert code == 1
    assert words in err
    assert "Traceback" not in out + err
    assert len(err.strip().splitlines()) <= 3, err
