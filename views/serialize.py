"""Our records as JSON: exact decimal strings, ISO dates, null for unknown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.balances import TotalLine
from domain.money import plain
from services.account_view import AccountView
from services.reporting import Dashboard, InstitutionView
from services.tracking import TrackerView


def resource(view: InstitutionView) -> dict[str, Any]:
    """The institution resource of DESIGN.md 4, and `working`: a refresh is under way or queued."""
    error = {"code": view.error_code, "message": view.error_message} if view.error_code else None
    return {
        "id": view.id,
        "name": view.name,
        "state": view.state,
        "stage": view.stage,
        "working": view.working,
        "error": error,
        "refreshed_at": _moment(view.refreshed_at),
        "totals": [total(line) for line in view.totals],
    }


def dashboard_json(dashboard: Dashboard) -> dict[str, Any]:
    """The whole picture as figures."""
    return {
        "as_of": _moment(dashboard.as_of),
        "totals": [total(line) for line in dashboard.totals],
        "institutions": [
            # Of a withdrawn bank nothing but names is left.
            {**resource(view), "accounts": [] if view.purged else [_account(each) for each in view.accounts]}
            for view in dashboard.institutions
        ],
    }


def total(line: TotalLine) -> dict[str, Any]:
    return {"currency": line.currency, "holdings": plain(line.holdings), "net_worth": plain(line.net_worth)}


def _account(account: AccountView) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "official_name": account.official_name,
        "mask": account.mask,
        "type": account.type,
        "subtype": account.subtype,
        "currency": account.currency,
        "available": plain(account.available),
        "current": plain(account.current),
        "limit": plain(account.limit),
        "contribution": plain(account.contribution),
        "in_holdings": account.in_holdings,
        "closed": account.closed,
        "budget_tracker": _tracker(account.budget_tracker),
    }


def _tracker(tracker: TrackerView | None) -> dict[str, Any] | None:
    if tracker is None:
        return None
    return {
        "threshold": plain(tracker.threshold),
        "spent": plain(tracker.spent),
        "pending": plain(tracker.pending),
        "left": plain(tracker.left),
        "notification_frequency": tracker.notification_frequency,
        "next_notification_date": tracker.next_notification_date.isoformat(),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
