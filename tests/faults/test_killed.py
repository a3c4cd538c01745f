"""A process killed with SIGKILL at the worst moments; the next worker finds everything, once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from sqlalchemy import update

from database import utcnow
from extensions import db
from models import FinancialInstitution, ItemRemoval, Transaction
from services.refreshing import Outcome, refresh
from services.removals import Removal, parked_removals, remove_item
from tests.faults.conftest import BROKEN
from tests.jobs.test_runs_at_once import ROOT, environ
from tests.support import scripted_plaid as plaid
from tests.support.factories import make_institution, make_user
from tests.support.reading import amounts, count

PROGRAM = """
import os, signal, sys
from app import create_app
from extensions import db
from models import User
from providers.plaid import PlaidGateway
from services import linking, refreshing
die = lambda *_a, **_k: os.kill(os.getpid(), signal.SIGKILL)
app, moment, number = create_app(), sys.argv[1], int(sys.argv[2])
exchange, sync = PlaidGateway.exchange, PlaidGateway.sync
if moment == "commit":
    PlaidGateway.exchange = lambda self, token: (exchange(self, token), die())
if moment == "page":
    PlaidGateway.sync = lambda self, token, cursor: die() if cursor == "p1" else sync(self, token, cursor)
if moment == "cursor":
    refreshing._finish = die
with app.app_context():
    banks = app.extensions["banks"]
    if moment == "commit":
        linking.link(db.session.get(User, number), "public-1", None, confirm_duplicate=False, banks=banks)
    refreshing.refresh(number, banks, 1)
"""


def die_at(app, bank, folder, moment: str, number: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, moment, str(number)],
        cwd=ROOT, env=environ(app, bank.url, folder), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["page", "cursor"])
def test_row_23_killed_between_pages_or_before_the_cursor_nothing_is_lost_or_doubled(
    context, bank, banks, tmp_path, moment
):
    bank.always(
        "/transactions/sync",
        lambda body: (
            plaid.page([plaid.transaction("t2", 2)], cursor="c1")
            if body.get("cursor") == "p1"
            else plaid.page([plaid.transaction("t1", 1)], cursor="p1", more=True)
        ),
    )
    number = make_institution(make_user(), access_token=BROKEN).id
    die_at(context, bank, tmp_path, moment, number)
    db.session.expire_all()
    assert (count(Transaction), db.session.get_one(FinancialInstitution, number).transactions_cursor) == (
        0,
        None,
    )
    db.session.execute(update(FinancialInstitution).values(lease_until=utcnow()))
    db.session.commit()
    assert refresh(number, banks, 60) is Outcome.DONE
    assert amounts() == {"t1": 1, "t2": 2}


@pytest.mark.slow
def test_row_26_killed_between_exchange_and_commit_the_lost_item_is_shown_to_the_operator(
    context, bank, banks, tmp_path
):
    path = "/item/public_token/exchange"
    bank.next(path, {"access_token": "access-lost", "item_id": "item-lost"})
    bank.always(path, plaid.failure("INVALID_PUBLIC_TOKEN", "INVALID_INPUT"))
    die_at(context, bank, tmp_path, "commit", make_user().id)
    db.session.execute(update(ItemRemoval).values(due_at=utcnow()))
    db.session.commit()
    (note,) = db.session.query(ItemRemoval).all()
    assert remove_item(note.id, banks) is Removal.KEPT
    assert (count(FinancialInstitution), parked_removals()) == (0, 1)
