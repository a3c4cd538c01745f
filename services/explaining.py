"""How a person's totals are made up, for the page and for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database import utcnow
from domain.explanation import Explanation, explain
from models import User
from services.account_view import AccountView
from services.doubles import Double, doubles_of
from services.reporting import ages_of, institution_views


@dataclass(frozen=True, slots=True)
class Why:
    """The explanation of one institution's totals (`name`), or of everything (None), as of a moment (UTC)."""

    as_of: datetime
    ages: tuple[datetime, datetime] | None
    """The oldest and the newest age of the balances; None when none is known."""
    name: str | None
    explanation: Explanation[AccountView]
    institution_of: dict[int, str]
    """Account id -> the name of its institution."""
    doubles: list[Double]
    """Banks of which the totals hold the same accounts twice."""


def why(user: User, institution_id: int | None) -> Why:
    """How this person's totals are made up. Two queries. The caller has checked whose the institution is."""
    now = utcnow()
    column, value = ("user_id", user.id) if institution_id is None else ("id", institution_id)
    views = institution_views(column, value, now)
    # Of a withdrawn bank nothing but names is left: those are no accounts that were left out.
    accounts = [(view, account) for view in views if not view.purged for account in view.accounts]
    return Why(
        as_of=now,
        ages=ages_of(views),
        name=views[0].name if institution_id is not None and views else None,
        explanation=explain([account for _, account in accounts]),
        institution_of={account.id: view.name for view, account in accounts},
        doubles=doubles_of(views),
    )
