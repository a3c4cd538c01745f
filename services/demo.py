"""The demo: every visitor gets a private copy, made by the same linking and refreshing code as everybody's.

The logins are Plaid Sandbox's documented custom users (user_custom with a JSON configuration), so the same
demo works against Plaid Sandbox and against the simulator.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import exists, func, or_, select, update

from background import enqueue
from database import changed_rows, utcnow
from domain.errors import AppError
from domain.periods import local_date
from domain.usernames import DEMO_USERNAME, username_key
from extensions import db
from models import SANDBOX, Account, FinancialInstitution, User
from providers.base import Banks, ProviderError
from services import budgets, vendors
from services.linking import bank_of, link
from services.users import remove_user

log = logging.getLogger(__name__)

DEMO_PASSWORD = "pass_good"  # noqa: S105 - printed on the log-in page
DEMO_PHONE = "+12025550143"  # never called or texted: 555-01xx numbers are set aside for fiction
LIFETIME = timedelta(hours=24)
HISTORY = timedelta(days=90)
LEASE = timedelta(minutes=1)
PATIENCE_SECONDS = 2.4
LOOK_AGAIN_SECONDS = 1.0
_SEED = "cashview-demo"


@dataclass(frozen=True)
class DemoBank:
    """One institution of the demo: where it is in Plaid Sandbox and where in the simulator (which has better
    names for it), and its accounts as Sandbox configuration."""

    sandbox_id: str
    simulator_id: str
    accounts: tuple[dict[str, object], ...]

    @property
    def password(self) -> str:
        """The configuration object that user_custom takes as its password."""
        return json.dumps({"seed": _SEED, "override_accounts": list(self.accounts)})


def _account(
    kind: str, subtype: str, balance: float, name: str, official: str, **extra: object
) -> dict[str, object]:
    meta = {"name": name, "official_name": official, **extra}
    return {"type": kind, "subtype": subtype, "starting_balance": balance, "currency": "USD", "meta": meta}


DEMO_BANKS = (
    DemoBank(
        "ins_109508",
        "ins_109508",
        (
            _account("depository", "checking", 4218.37, "Everyday Checking", "Everyday Free Checking"),
            _account("depository", "savings", 18650.00, "Rainy Day Savings", "High Yield Savings"),
        ),
    ),
    DemoBank(
        "ins_109511",
        "ins_sim_cards",
        (_account("credit", "credit card", 1284.91, "Rewards Card", "Cash Back Rewards Card", limit=8000),),
    ),
    DemoBank(
        "ins_109509",
        "ins_sim_loans",
        (_account("loan", "student", 23480.12, "Student Loan", "Direct Consolidation Loan"),),
    ),
    DemoBank(
        "ins_109510",
        "ins_sim_brokerage",
        (
            _account("investment", "brokerage", 41877.23, "Brokerage", "Self-Directed Brokerage"),
            _account("investment", "ira", 15320.76, "Roth IRA", "Roth Individual Retirement Account"),
        ),
    ),
)


@dataclass(frozen=True)
class DemoTracker:
    """A budget tracker of the demo, on the first account of this type and subtype."""

    type: str
    subtype: str
    threshold: Decimal
    frequency: int


DEMO_TRACKERS = (
    DemoTracker("depository", "checking", Decimal(2800), 3),
    DemoTracker("credit", "credit card", Decimal(1200), 7),
)


def start(timezone: str) -> User:
    """A fresh private copy for one visitor; its banks are being linked when this returns."""
    user = User(
        username=DEMO_USERNAME,
        username_key=f"{username_key(DEMO_USERNAME)}#{secrets.token_hex(16)}",
        password_hash="!",  # noqa: S106 - matches no password: a copy is entered through the demo only
        phone_number=DEMO_PHONE,
        first_name="Demo",
        last_name="Visitor",
        account_type="sandbox",
        timezone=timezone,
        is_demo=True,
        demo_due_at=utcnow(),
    )
    db.session.add(user)
    db.session.commit()
    enqueue("link_demo", user_id=user.id)
    return user


def link_banks(user_id: int, banks: Banks, *, simulated: bool) -> None:
    """Link the demo's banks, in order; they are read side by side. One that fails leaves the others alone: the
    visitor can still link by hand. A worker that was killed is replaced after a minute, and goes on where it was.
    """
    user = _claim(user_id)
    if user is None:
        return
    table = FinancialInstitution
    there = set(db.session.scalars(select(table.plaid_institution_id).where(table.user_id == user_id)))
    for wanted in DEMO_BANKS:
        institution_id = wanted.simulator_id if simulated else wanted.sandbox_id
        if institution_id in there:
            continue
        try:
            _link_bank(user, institution_id, wanted.password, banks)
        except (ProviderError, AppError) as error:
            log.warning("demo bank %s could not be linked: %s", institution_id, error)
    # Not yet done: its trackers are missing. If nobody adds them, the sweep begins here again.
    unfinished_still = (User.id == user_id, User.demo_due_at.is_not(None))
    db.session.execute(update(User).where(*unfinished_still).values(demo_due_at=utcnow() + LEASE))
    db.session.commit()
    enqueue("track_demo", delay=LOOK_AGAIN_SECONDS, user_id=user_id)


def _claim(user_id: int) -> User | None:
    """The copy whose banks nobody is linking; None when it is gone, linked, or in somebody's hands."""
    now = utcnow()
    result = db.session.execute(
        update(User).where(User.id == user_id, User.demo_due_at <= now).values(demo_due_at=now + LEASE)
    )
    db.session.commit()
    return db.session.get(User, user_id) if changed_rows(result) == 1 else None


def unfinished(now: datetime) -> list[int]:
    """Copies whose banks still wait to be linked, with no worker at it."""
    ids = list(db.session.scalars(select(User.id).where(User.demo_due_at <= now).limit(100)))
    db.session.commit()
    return ids


def _link_bank(user: User, institution_id: str, password: str, banks: Banks) -> None:
    today = local_date(utcnow(), user.timezone)
    db.session.commit()
    bank = bank_of(SANDBOX, banks)
    with vendors.asking(SANDBOX, institution_id):
        token = bank.create_sandbox_public_token(
            institution_id, ["transactions"], "user_custom", password, today - HISTORY, today
        )
    metadata = {"institution": {"institution_id": institution_id}}
    link(user, token, metadata, confirm_duplicate=True, banks=banks)


def add_trackers(user_id: int) -> None:
    """Give the copy its budget trackers, once, when its banks are read; while they are being read it is asked again.
    An account that did not come has none."""
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None or user.demo_due_at is None:
        return
    wanted = _accounts_to_track(user_id)
    if len(wanted) < len(DEMO_TRACKERS) and _is_reading(user_id):
        enqueue("track_demo", delay=LOOK_AGAIN_SECONDS, user_id=user_id)
        return
    for tracker, account in wanted:
        try:
            budgets.create(account, tracker.threshold, tracker.frequency, user, utcnow())
        except AppError as error:  # there already, or the visitor deleted the account meanwhile
            log.info("a demo tracker was not created: %s", error.code)
    db.session.execute(update(User).where(User.id == user_id).values(demo_due_at=None))
    db.session.commit()


def _accounts_to_track(user_id: int) -> list[tuple[DemoTracker, Account]]:
    """Each of the demo's trackers whose account is there."""
    query = (
        select(Account)
        .join(FinancialInstitution)
        .where(FinancialInstitution.user_id == user_id, Account.deleted_at.is_(None))
        .order_by(Account.id)
    )
    first: dict[tuple[str, str | None], Account] = {}
    for account in db.session.scalars(query):
        first.setdefault((account.type, account.subtype), account)
    found = [(tracker, first.get((tracker.type, tracker.subtype))) for tracker in DEMO_TRACKERS]
    db.session.commit()
    return [(tracker, account) for tracker, account in found if account is not None]


def _is_reading(user_id: int) -> bool:
    table = FinancialInstitution
    under_way = or_(table.due_at.is_not(None), table.lease_until > utcnow())
    reading = db.session.scalar(select(exists().where(table.user_id == user_id, under_way)))
    db.session.commit()
    return bool(reading)


def wait_until_full(user: User) -> None:
    """Give the copy a moment to fill, so that the first page is already the whole picture; the page itself
    shows the progress of whatever takes longer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (finished := _finished(user.id)) < len(DEMO_BANKS) and time.monotonic() < deadline:
        time.sleep(0.05)
    if finished == len(DEMO_BANKS):
        add_trackers(user.id)


def _finished(user_id: int) -> int:
    count = db.session.scalar(
        select(func.count())
        .select_from(FinancialInstitution)
        .where(FinancialInstitution.user_id == user_id, FinancialInstitution.due_at.is_(None))
    )
    db.session.commit()
    return count or 0


def purge(now: datetime, limit: int = 1000) -> int:
    """Remove copies older than a day, with their Items; how many."""
    query = select(User).where(User.is_demo, User.created_at <= now - LIFETIME).order_by(User.id).limit(limit)
    expired = db.session.scalars(query).all()
    for user in expired:
        remove_user(user)
    return len(expired)
