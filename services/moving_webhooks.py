"""Telling the vendor a new address for the news of Items that are linked already."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from sqlalchemy import Row, select, update

from extensions import db
from models import REVOKED, FinancialInstitution
from providers.base import Banks, Kind, ProviderError
from services import vendors
from vault import UndecryptableError

log = logging.getLogger(__name__)

PAGE = 500


@dataclass
class Moved:
    """How many Items got the new address, how many have ended, and which ones did not get it: id to code. `cut_short`:
    the vendor wants a pause, the rest was not tried."""

    moved: int = 0
    gone: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    cut_short: bool = False

    @property
    def all_moved(self) -> bool:
        return not self.failed and not self.cut_short

    def lines(self) -> list[str]:
        """The report as a person reads it."""
        lines = [f"{self.moved} moved, {self.gone} have ended at the bank, {len(self.failed)} failed."]
        lines += [f"institution {number}: {code}" for number, code in self.failed.items()]
        if self.cut_short:
            lines.append("Plaid wants a pause: run this again in a minute, it goes on where it stopped.")
        return lines


def move_webhooks(url: str, banks: Banks) -> Moved:
    """Move every Item whose news go elsewhere to `url`. Each one is noted as soon as it is done, so that a second run
    goes on where the first one stopped; no transaction is open while the vendor is asked."""
    report, last = Moved(), 0
    while page := _page(url, last):
        for row in page:
            last = row.id
            _move(row, url, banks, report)
            if report.cut_short:
                return report
    return report


def _page(url: str, after_id: int) -> list[Row[int, str]]:
    table = FinancialInstitution
    rows = db.session.execute(
        select(table.id, table.environment)
        .where(table.id > after_id, table.webhook_url.is_distinct_from(url), table.state != REVOKED)
        .order_by(table.id)
        .limit(PAGE)
    ).all()
    db.session.commit()
    return list(rows)


def _move(row: Row[int, str], url: str, banks: Banks, report: Moved) -> None:
    try:
        token = _token(row.id)
        if token is None:  # deleted meanwhile
            return
        bank = banks[row.environment]
        with vendors.asking(row.environment):
            bank.move_webhook(token, url)
    except UndecryptableError:
        db.session.rollback()
        report.failed[row.id] = "ACCESS_TOKEN_UNREADABLE"
    except KeyError:
        report.failed[row.id] = "NOT_CONFIGURED"
    except ProviderError as error:
        _not_moved(row.id, error, report)
    else:
        _note(row.id, url)
        report.moved += 1


def _token(institution_id: int) -> str | None:
    token = db.session.scalar(
        select(FinancialInstitution.access_token).where(FinancialInstitution.id == institution_id)
    )
    db.session.commit()
    return token


def _not_moved(institution_id: int, error: ProviderError, report: Moved) -> None:
    log.warning("the webhook of institution %s was not moved: %s", institution_id, error)
    if error.kind is Kind.GONE:
        report.gone += 1
    elif error.kind is Kind.LIMIT:
        report.cut_short = True
    else:
        report.failed[institution_id] = error.code


def _note(institution_id: int, url: str) -> None:
    table = FinancialInstitution
    db.session.execute(
        update(table).where(table.id == institution_id).values(webhook_url=url),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()
