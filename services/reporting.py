"""The dashboard's read model: two queries, three when a connection is broken, whatever the number of institutions,
accounts and budget trackers.

Rows are read as tuples and turned into small records, because a page of a thousand accounts must stay cheap.
Amounts are exact Decimals with their currency beside them; currencies are never added together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select

from database import utcnow
from domain.ages import age_worth_a_word, span
from domain.balances import TotalLine, merged
from domain.colors import is_color, on_dark, on_light
from domain.connections import Need, badge_of, need_of, state_of
from domain.periods import local_date, month_of
from domain.text import one_line
from domain.wording import failure_sentence
from extensions import db
from models import (
    DONE,
    HEALTHY,
    NEW,
    REVOKED,
    TRANSACTIONS,
    Account,
    BudgetTracker,
    FinancialInstitution,
    PhoneOptOut,
    User,
)
from services.account_view import AccountView
from services.accounts_shown import NO_ACCOUNTS, AccountRow, AccountsShown, account_columns, accounts_shown
from services.doubles import Double, doubles_of
from services.institutions import ready_in
from services.shares import Share, shares_of
from services.spending import sums_of_tracked
from services.standing import STANDING_COLUMNS, Anew, is_working, linked_anew, standing_of
from services.tracking import OWNER_COLUMNS, owner_of
from services.vendors import Trouble, plaid_key, trouble_with

NAMELESS_BANK = "Your bank"
"""A link or a button needs words, also when a bank gave only blanks."""

_INSTITUTION_COLUMNS = (
    "id", "plaid_institution_id", "name", "primary_color", "has_logo", "stage",
    "refreshed_at", "balances_as_of", "due_at", "lease_until", "realtime_at",
)  # fmt: skip
PALETTE = ("#0b6b5b", "#1f5fa8", "#7b4aa5", "#b4652a", "#8a1c4a", "#3d6b1f", "#0f6e84", "#6b5a12")


@dataclass(frozen=True, slots=True)
class InstitutionView:
    """One institution's card: its face, its state in words, and its accounts with their totals. Equal to another
    with the same values."""

    id: int
    name: str
    initials: str
    color: str
    has_logo: bool
    state: str
    stage: str
    working: bool
    error_code: str | None
    error_message: str | None
    refreshed_at: datetime | None
    balances_as_of: datetime | None
    state_label: str
    state_tone: str
    ready_in: int
    """Seconds until real-time balances may be asked for again."""
    transactions_pending: bool
    shown: AccountsShown
    need: Need | None = None
    """The one thing to do about it; None when there is nothing."""
    bank_id: str | None = None
    """The vendor's id of the bank."""
    purged: bool = False
    """Access was withdrawn and what the bank gave deleted: the accounts are names for what waits for a new link."""

    @property
    def accounts(self) -> list[AccountView]:
        return self.shown.accounts

    @property
    def totals(self) -> list[TotalLine]:
        return self.shown.totals

    @property
    def deleted_count(self) -> int:
        return self.shown.deleted_count

    @property
    def colors(self) -> tuple[str, str]:
        """Its colour as drawn on a light and on a dark card."""
        return on_light(self.color), on_dark(self.color)

    @property
    def account_count(self) -> int:
        return len(self.shown.accounts)

    @property
    def groups(self) -> list[tuple[str, list[AccountView]]]:
        return self.shown.groups


@dataclass(slots=True)
class Dashboard:
    """Everything the dashboard shows, as of one moment (UTC)."""

    as_of: datetime
    totals: list[TotalLine]
    shares: list[Share]
    institutions: list[InstitutionView]
    updated_today: int
    vendor_down: Trouble | None = None
    """Set while nobody calls the vendor of this person's banks, because it does not answer."""

    @property
    def main(self) -> TotalLine | None:
        """The currency most accounts are in: the hero of the page."""
        return self.totals[0] if self.totals else None

    @property
    def working(self) -> int:
        """How many institutions are being read just now."""
        return sum(view.working for view in self.institutions)

    @property
    def ready_in(self) -> int | None:
        """Seconds until "Refresh everything" does something: 0 when any bank may be asked; None: none ever may."""
        alive = [view.ready_in for view in self.institutions if view.state != REVOKED]
        return min(alive) if alive else None

    @property
    def ages(self) -> tuple[datetime, datetime] | None:
        """The oldest and the newest age of the balances in the totals; None while nothing is known."""
        return ages_of(self.institutions)

    @property
    def doubles(self) -> list[Double]:
        """Banks of which the totals hold the same accounts twice."""
        return doubles_of(self.institutions)

    @property
    def is_empty(self) -> bool:
        return not self.institutions


def dashboard(user: User) -> Dashboard:
    """This person's whole picture. Two queries, three when a connection is broken."""
    now = utcnow()
    institutions = institution_views("user_id", user.id, now)
    lines = merged(line for view in institutions for line in view.totals)
    today = local_date(now, user.timezone)
    return Dashboard(
        as_of=now,
        totals=lines,
        shares=shares_of(institutions, [line.currency for line in lines]),
        institutions=institutions,
        vendor_down=trouble_with(plaid_key(user.environment)),
        updated_today=sum(
            1
            for view in institutions
            if view.state != REVOKED
            and view.refreshed_at
            and local_date(view.refreshed_at, user.timezone) == today
        ),
    )


def institution_view(institution_id: int) -> InstitutionView | None:
    """One card, as in dashboard(); None when the institution is gone. The caller has checked whose it is."""
    found = institution_views("id", institution_id, utcnow())
    return found[0] if found else None


def institution_views(column: str, value: int, now: datetime) -> list[InstitutionView]:
    """The institutions whose `user_id`, or `id`, has this value, in the order they were linked, with their
    accounts. Two queries, three when a connection is broken."""
    rows = db.session.execute(_institutions_query(column), {"value": value}).all()
    if not rows:
        return []
    shown = _accounts(column, value, rows[0], now)
    anew = linked_anew(rows)
    return [_institution(row, anew, shown.get(row.id, NO_ACCOUNTS), now) for row in rows]


@cache
def _institutions_query(column: str) -> Any:
    """Built once, and of tables, not of classes: building and unfolding it took longer than the database."""
    table, user, opt_out = (model.__table__ for model in (FinancialInstitution, User, PhoneOptOut))
    return (
        select(*[table.c[name] for name in _INSTITUTION_COLUMNS], *STANDING_COLUMNS, *OWNER_COLUMNS)
        .join_from(table, user, user.c.id == table.c.user_id)
        .outerjoin(opt_out, opt_out.c.phone_hash == user.c.phone_hash)
        .where(table.c[column] == bindparam("value"))
        .order_by(table.c.id)
    )


@cache
def _accounts_query(column: str) -> Any:
    table, account, tracker = (model.__table__ for model in (FinancialInstitution, Account, BudgetTracker))
    spent = sums_of_tracked(column)
    return (
        select(*account_columns(spent))
        .join_from(account, table, account.c.financial_institution_id == table.c.id)
        .outerjoin(tracker, tracker.c.account_id == account.c.id)
        .outerjoin(spent, spent.c.account_id == account.c.id)
        .where(table.c[column] == bindparam("value"))
        .order_by(account.c.id)
    )


def _accounts(column: str, value: int, owner_row: Any, now: datetime) -> dict[int, AccountsShown]:
    """By institution. One linked between the two queries is among them; the next look shows it."""
    owner = owner_of(owner_row)
    today = local_date(now, owner.timezone)
    month = month_of(today)
    parameters = {"value": value, "first": month.first, "last": month.last}
    rows_of: dict[int, list[AccountRow]] = defaultdict(list)
    for row in map(AccountRow._make, db.session.execute(_accounts_query(column), parameters).all()):
        rows_of[row.financial_institution_id].append(row)
    return {
        institution_id: accounts_shown(tuple(rows), owner, today) for institution_id, rows in rows_of.items()
    }


def _institution(row: Any, anew: Mapping[int, Anew], shown: AccountsShown, now: datetime) -> InstitutionView:
    working = is_working(row, now)
    standing = standing_of(row, anew)
    state = shown_state(state_of(standing, now), working)
    label, tone = badge_of(standing, state, now, row.timezone)
    name = one_line(row.name) or NAMELESS_BANK
    return InstitutionView(
        id=row.id,
        name=name,
        initials=initials(name),
        color=row.primary_color
        if is_color(row.primary_color)
        else PALETTE[sum(name.encode()) % len(PALETTE)],
        has_logo=row.has_logo,
        state=state,
        stage=row.stage if working or row.state == HEALTHY else DONE,
        working=working,
        error_code=None if working else row.error_code,
        error_message=None if working else failure_sentence(row.error_code),
        refreshed_at=row.refreshed_at,
        balances_as_of=age_worth_a_word(row.balances_as_of, row.refreshed_at),
        state_label=label,
        state_tone=tone,
        ready_in=ready_in(row.realtime_at, now),
        transactions_pending=not working and row.state == HEALTHY and row.stage == TRANSACTIONS,
        shown=shown,
        need=None if working else need_of(standing, now, row.timezone),
        bank_id=row.plaid_institution_id,
        purged=standing.purged,
    )


def ages_of(institutions: Iterable[InstitutionView]) -> tuple[datetime, datetime] | None:
    """The oldest and the newest age of the balances that these institutions' totals are made of."""
    return span(view.balances_as_of for view in institutions if view.balances_as_of and view.totals)


def shown_state(state: str, working: bool) -> str:
    """The stored state is the last outcome; while work is under way a known institution shows 'refreshing'."""
    return "refreshing" if working and state != NEW else state


def initials(name: str) -> str:
    """One or two capital letters or digits to stand for a missing logo."""
    letters = [word[0] for word in name.split() if word[0].isalnum()]
    return "".join(letters[:2]).upper() or "?"
