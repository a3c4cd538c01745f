"""The scheduler's entry: `python scheduled_jobs.py`, hourly or daily, twice at once or after days of silence.

In order: refresh due institutions, retry removals, clean up. The last line is JSON with the counts of this
run. Exit 0: done, also with banks down or needing login; 1: configuration, database or keys, or a removal
that needs a person.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from tqdm import tqdm

import background
from app import create_app
from CronJobs import clean_up, refresh_institutions, retry_removals
from services import health, refreshing, removals

log = logging.getLogger("cashview.jobs")

PARTS = ("refresh", "texts", "removals", "cleanup")


def main(arguments: list[str] | None = None) -> int:
    """Run the jobs; the exit code."""
    options = _options(arguments)
    app = create_app()
    background.use(None)  # this process does its work itself, or leaves it to the web's sweepers
    with app.app_context():
        if (problem := health.ready()) is not None:
            print(f"The jobs cannot run: {problem}.", file=sys.stderr)
            return 1
        try:
            report, problems = _run(app, options)
        except SQLAlchemyError as error:
            print(f"The database failed: {type(error).__name__}.", file=sys.stderr)
            return 1
    for problem in problems:
        print(problem, file=sys.stderr)
    print(json.dumps(report))
    return 1 if problems else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scheduled_jobs.py", description="Run the scheduled jobs once.")
    parser.add_argument("--at", type=_moment, help="pretend it is this moment: ISO 8601 with an offset")
    parser.add_argument("--only", choices=PARTS, help="run this part alone")
    parser.add_argument("--dry-run", action="store_true", help="no vendor call, no write: count what is due")
    return parser.parse_args(arguments)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("that is no ISO 8601 moment") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("the moment needs an offset, such as 2026-11-23T09:00:00-05:00")
    return moment.astimezone(UTC)


def _run(app: Flask, options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """The parts asked for, in order; the report, and what a person must see to, in sentences."""
    now = options.at or datetime.now(UTC)
    settings, banks = app.config["SETTINGS"], app.extensions["banks"]
    wanted = {options.only} if options.only else set(PARTS)
    report: dict[str, Any] = {
        "refreshed": 0,
        "failed": 0,
        "texts": dict.fromkeys(("sent", "unknown", "skipped", "failed", "pending"), 0),
        "removals": 0,
        "cleaned": 0,
    }
    problems: list[str] = []
    if "refresh" in wanted:
        lease = settings.lease_seconds
        one = _in_context(app, lambda number: refreshing.refresh(number, banks, lease, due_by=now))
        with tqdm(desc="Refreshing", unit=" institutions", disable=None) as bar:
            counts = refresh_institutions.run(
                now, one, settings.refresh_concurrency, bar.update, dry_run=options.dry_run
            )
        report |= {"refreshed": counts.refreshed, "failed": counts.failed}
        if any(issubclass(kind, SQLAlchemyError) for kind in counts.broken_by):
            problems.append("The database refused what refreshing wrote: is it read-only, full or away?")
    if "removals" in wanted:
        remove = _in_context(app, lambda number: removals.remove_item(number, banks))
        report["removals"] = retry_removals.run(now, remove, dry_run=options.dry_run)
    if "cleanup" in wanted:
        report["cleaned"] = clean_up.run(now, dry_run=options.dry_run)
    return report, problems + _lasting_problems()


def _lasting_problems() -> list[str]:
    """What stands still until a person has looked, whichever run met it."""
    found = []
    if refreshing.stopped_by("INVALID_API_KEYS"):
        found.append("Plaid refuses the keys: check PLAID_CLIENT_ID and the secrets.")
    if refreshing.stopped_by("ACCESS_TOKEN_UNREADABLE"):
        found.append(
            "Stored access tokens cannot be opened: ENCRYPTION_KEYS lacks the key they were written with."
        )
    if (parked := removals.parked_removals()) > 0:
        found.append(f"{parked} removals at Plaid need a person: see docs/operating.md.")
    return found


def _in_context(app: Flask, work: Callable[[int], Any]) -> Callable[[int], Any]:
    """Each unit of work has its own database session, in whichever thread it runs."""

    def run_one(number: int) -> Any:
        with app.app_context():
            return work(number)

    return run_one


if __name__ == "__main__":
    sys.exit(main())
