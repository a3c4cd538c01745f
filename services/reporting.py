"""The dashboard's read model: two queries, whatever the number of institutions and accounts, and one more when
there are budget trackers.

Rows are read as tuples and turned into small records, because a page of a thousand accounts must stay cheap.
Amounts are exact Decimals with their currency beside them; currencies are never added together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from database import utcnow
from domain.ages import age_worth_a_word, span
from domain.balances import (
    CREDIT,
    DEPOSITORY,
    INVESTMENT,
    LOAN,
    OTHER,
    TotalLine,
    kind_of,
)
from domain.balances import totals as total_lines
from domain.colors import is_color, on_dark, on_light
from domain.connections import Need, ends_words, need_of, state_of
from domain.periods import local_date
from domain.text import one_line
from domain.wording import STATE_LABELS, failure_sentence
from extensions import db
from models import (
    DONE,
    EXPIRING,
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
from services.institutions import ready_in
from services.shares import Share, shares_of
from services.standing import STANDING_COLUMNS, is_working, standing_of
from services.tracking import OWNER_COLUMNS, TRACKER_COLUMNS, add_spending, tracker_of
from services.vendors import Trouble, plaid_key, trouble_with

GROUPS = (
    (DEPOSITORY, "Cash"),
    (CREDIT, "Credit cards"),
    (INVESTMENT, "Investments"),
    (LOAN, "Loans"),
    (OTHER, "Other"),
)
NAMELESS_BANK, NAMELESS_ACCOUNT = "Your bank", "Account"
"""A link or a button needs words, also when a bank gave only blanks."""

PALETTE = ("#0b6b5b", "#1f5fa8", "#7b4aa5", "#b4652a", "#8a1c4a", "#3d6b1f", "#0f6e84", "#6b5a12")


@dataclass(slots=True)
class InstitutionView:
    """One institution's card: its face, its state in words, its totals and its accounts by kind."""

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
    need: Need | None = None
    accounts: list[AccountView] = field(default_factory=list)
    deleted_count: int = 0
    totals: list[TotalLine] = field(default_factory=list)

    @property
    def colors(self) -> tuple[str, str]:
        """Its colour as drawn on a light and on a dark card."""
        return on_light(self.color), on_dark(self.color)

    @property
    def account_count(self) -> int:
        return len(self.accounts)

    @property
    def groups(self) -> list[tuple[str, list[AccountView]]]:
        """Accounts by kind, in the order a person thinks of them; empty kinds are left out."""
        by_kind: dict[str, list[AccountView]] = defaultdict(list)
        for account in self.accounts:
            by_kind[account.kind].append(account)
        return [(label, by_kind[kind]) for kind, label in GROUPS if by_kind[kind]]


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
    def is_empty(self) -> bool:
        return not self.institutions


def dashboard(user: User) -> Dashboard:
    """This person's whole picture. Two queries, three with budget trackers."""
    now = utcnow()
    institutions = institution_views(FinancialInstitution.user_id == user.id, now)
    lines = total_lines(account for view in institutions for account in view.accounts)
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
            if view.refreshed_at and local_date(view.refreshed_at, user.timezone) == today
        ),
    )


def institution_view(institution_id: int) -> InstitutionView | None:
    """One card, as in dashboard(); None when the institution is gone. The caller has checked whose it is."""
    found = institution_views(FinancialInstitution.id == institution_id, utcnow())
    return found[0] if found else None


def institution_views(condition: Any, now: datetime) -> list[InstitutionView]:
    """The institutions of one person that meet the condition, in the order they were linked, with their accounts.
    Two queries, three with budget trackers."""
    table = FinancialInstitution
    rows = db.session.execute(
        select(
            table.id, table.name, table.primary_color, table.has_logo, table.stage, *STANDING_COLUMNS,
            table.refreshed_at, table.balances_as_of, table.due_at, table.lease_until, table.realtime_at,
            *OWNER_COLUMNS,
        )
        .join(User, User.id == table.user_id)
        .outerjoin(PhoneOptOut, PhoneOptOut.phone_hash == User.phone_hash)
        .where(condition)
        .order_by(table.id)
    ).all()  # fmt: skip
    views = {row.id: _institution(row, now) for row in rows}
    if views:
        _add_accounts(views, condition, rows[0], now)
        accounts = (account for view in views.values() for account in view.accounts)
        add_spending((account.id, account.budget_tracker) for account in accounts if account.budget_tracker)
    return list(views.values())


def _institution(row: Any, now: datetime) -> InstitutionView:
    working = is_working(row, now)
    standing = standing_of(row)
    state = shown_state(state_of(standing, now), working)
    label, tone = STATE_LABELS[state]
    if state == EXPIRING:
        label = ends_words(standing, now, row.timezone) or label
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
        need=None if working else need_of(standing, now, row.timezone),
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


def _add_accounts(views: dict[int, InstitutionView], condition: Any, owner: Any, now: datetime) -> None:
    query = (
        select(
            Account.id, Account.financial_institution_id, Account.name, Account.official_name, Account.mask,
            Account.type, Account.subtype, Account.currency, Account.available, Account.current, Account.limit,
            Account.closed_at, Account.deleted_at, *TRACKER_COLUMNS,
        )
        .join(FinancialInstitution, Account.financial_institution_id == FinancialInstitution.id)
        .outerjoin(BudgetTracker, BudgetTracker.account_id == Account.id)
        .where(condition)
        .order_by(Account.id)
    )  # fmt: skip
    for row in db.session.execute(query):
        view = views.get(row.financial_institution_id)
        if view is None:  # linked between the two queries: the next look shows it
            continue
        if row.deleted_at is not None:
            view.deleted_count += 1
            continue
        view.accounts.append(
            AccountView(
                id=row.id,
                # Cleaned on their way in; rows of before that, or restored from elsewhere, are so here.
                name=one_line(row.name) or NAMELESS_ACCOUNT,
                official_name=one_line(row.official_name or "") or None,
                mask=one_line(row.mask or "") or None,
                type=row.type,
                subtype=row.subtype,
                kind=kind_of(row.type),
                currency=row.currency,
                available=row.available,
                current=row.current,
                limit=row.limit,
                closed=row.closed_at is not None,
                budget_tracker=tracker_of(row, owner, now),
            )
        )
    for view in views.values():
        view.totals = total_lines(view.accounts)
