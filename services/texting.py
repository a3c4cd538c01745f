"""How a person stands with texts, and what was sent to them: everything the texts page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from database import utcnow
from domain.text_wording import Outcome, number_problem, outcome
from extensions import db
from models import Account, BudgetTracker, TextMessage, User
from services import opt_outs, text_rules
from services.verification import PAUSE, waiting_code

PAGE = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person is on the way to texts. `reason` is a word of services/text_rules, None when texts are on;
    `resend_in` is in seconds, 0 when a code may be asked for now."""

    reason: str | None
    number_end: str
    agreed_at: datetime | None
    verified_at: datetime | None
    opted_out: bool
    code_waits: bool
    resend_in: int
    problem: str | None

    @property
    def can_never(self) -> bool:
        """No step of theirs leads to a text: the demo, a sandbox account, a site without a text service."""
        return self.reason in (text_rules.DEMO, text_rules.SANDBOX, text_rules.TEXTS_OFF)


@dataclass(frozen=True, slots=True)
class TextRow:
    """One text as the page tells it. `about` is the account's name, None for a code or a deleted tracker."""

    id: int
    kind: str
    local_date: date
    when: datetime
    sent: bool
    about: str | None
    body: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class History:
    """A page of texts, newest first; `older` is what to ask for next (before this id), None on the last page."""

    rows: list[TextRow]
    older: int | None


def standing(user: User, *, texts_on: bool) -> Standing:
    """How this person stands with texts now: by their row as it is, not as it was when the request began."""
    db.session.refresh(user)
    number = user.phone_number
    opted_out = opt_outs.is_opted_out(number)
    code = waiting_code(user)
    passed = utcnow() - code.sent_at if code is not None else PAUSE
    return Standing(
        reason=text_rules.why_not(user, texts_on=texts_on, opted_out=opted_out),
        number_end=number[-4:],
        agreed_at=user.texts_agreed_at,
        verified_at=user.phone_verified_at,
        opted_out=opted_out,
        code_waits=code is not None,
        resend_in=max(0, int((PAUSE - passed).total_seconds())),
        problem=None if user.phone_problem is None else number_problem(user.phone_problem),
    )


def history(user: User, before: int | None = None) -> History:
    """This person's texts, newest first, at most 10 with an id below `before`."""
    text = TextMessage
    query = (
        select(
            text.id, text.kind, text.local_date, text.sent_at, text.created_at, text.body, text.status,
            text.reason, Account.name,
        )
        .outerjoin(BudgetTracker, BudgetTracker.id == text.budget_tracker_id)
        .outerjoin(Account, Account.id == BudgetTracker.account_id)
        .where(text.user_id == user.id)
        .order_by(text.id.desc())
        .limit(PAGE + 1)
    )  # fmt: skip
    found = list(db.session.execute(query if before is None else query.where(text.id < before)))
    rows = [
        TextRow(
            id=row.id,
            kind=row.kind,
            local_date=row.local_date,
            when=row.sent_at or row.created_at,
            sent=row.sent_at is not None,
            about=row.name,
            body=row.body,
            outcome=outcome(row.status, row.reason),
        )
        for row in found[:PAGE]
    ]
    return History(rows, rows[-1].id if len(found) > PAGE else None)
