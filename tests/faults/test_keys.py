"""Fault row 40: an encryption key is missing, rotated or wrong. Nothing starts, or the old is read, or it is said:
never are there "no banks". (Moving everything under a new key: tests/services/test_rewrapping.py.)"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

import scheduled_jobs
from extensions import db
from models import Account, FinancialInstitution, ItemRemoval
from services.refreshing import Outcome, refresh
from tests.jobs.test_runs_at_once import ROOT, environ
from tests.support.factories import make_account, make_institution, make_user
from tests.support.reading import count
from tests.views.conftest import sign_in
from vault import vault

OTHER = Fernet.generate_key().decode()


@pytest.fixture
def keys(settings) -> Iterator[Callable[[list[str]], None]]:
    yield vault.set_keys
    vault.set_keys(settings.encryption_keys)


@pytest.mark.parametrize("value", ["", "  ,", "not a key", "A" * 43 + "="])
@pytest.mark.parametrize(
    "program", [["-c", "from app import create_app; create_app()"], ["scheduled_jobs.py"]]
)
def test_row_40_without_a_key_nothing_starts(app, bank, tmp_path, program, value):
    weak = value.startswith("A")  # good enough on a desk
    environment = environ(app, bank.url, tmp_path) | {"ENCRYPTION_KEYS": value}
    environment |= {"APP_ENV": "production"} if weak else {}
    ended = subprocess.run(
        [sys.executable, *program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "ENCRYPTION_KEYS" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_row_40_after_a_rotation_what_the_old_key_wrote_is_read(context, two, banks, keys, settings):
    keys([OTHER, *settings.encryption_keys])
    db.session.expire_all()
    assert refresh(two.broken.id, banks, 60) is Outcome.DONE
    assert two.person.phone_number == "+14155552671"


@pytest.fixture
def home(app) -> tuple[int, int]:
    """A person with one bank of one account, written with the right key: (person, institution)."""
    with app.app_context():
        user = make_user("ada")
        institution = make_institution(user, name="Bank of Ada")
        make_account(institution)
        return user.id, institution.id


def test_row_40_with_the_wrong_key_nothing_is_shown_as_missing_and_nothing_is_changed(app, home, keys):
    browser = sign_in(app, home[0])
    assert "Bank of Ada" in browser.get("/").text
    keys([OTHER])
    for path in ("/", "/dashboard.json"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "Bank of Ada" in answer.text
        assert "100.00" in answer.text
    with app.app_context():
        assert (count(FinancialInstitution), count(Account), count(ItemRemoval)) == (1, 1, 0)


def test_row_40_with_the_wrong_key_the_job_says_so_and_with_the_right_one_goes_on(
    app, home, keys, settings, banks, monkeypatch, capsys
):
    monkeypatch.setattr(scheduled_jobs, "create_app", lambda **_: app)
    monkeypatch.setitem(app.extensions, "banks", banks)
    make_due(app)
    keys([OTHER])
    assert scheduled_jobs.main([]) == 1
    assert "ENCRYPTION_KEYS lacks the key" in capsys.readouterr().err
    with app.app_context():
        row = db.session.get_one(FinancialInstitution, home[1])
        raw = db.session.scalar(text("SELECT access_token FROM financial_institutions"))
        assert (row.state, row.error_code, count(Account)) == ("error", "ACCESS_TOKEN_UNREADABLE", 1)
    keys(list(settings.encryption_keys))
    make_due(app)
    assert scheduled_jobs.main([]) == 0
    with app.app_context():
        row = db.session.get_one(FinancialInstitution, home[1])
        assert (row.state, row.error_code) == ("healthy", None)
        assert db.session.scalar(text("SELECT access_token FROM financial_institutions")) == raw


def make_due(app) -> None:
    with app.app_context():
        db.session.execute(
            text("UPDATE financial_institutions SET scheduled_at = '2026-01-01 00:00:00+00:00'")
        )
        db.session.commit()
