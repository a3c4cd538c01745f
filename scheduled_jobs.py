"""The scheduler's entry: `python scheduled_jobs.py`, hourly or daily, twice at once or after days of silence.

In order: refresh due institutions (with a broker the workers do), plan and send due texts, retry removals, clean
up. The last line is JSON with the counts of this run. Exit 0: done, also with banks down or needing login; 1:
configuration, database or keys, or a removal or a text that needs a person. SIGTERM ends it after what is under
way; the next run goes on.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from tqdm import tqdm

import background
from app import create_app
from background.celery import CeleryEngine
from CronJobs import clean_up, refresh_in_batches, refresh_institutions, retry_removals, send_texts
from CronJobs.refresh_institutions import RefreshReport
from services import delivery, failures, health, refreshing, removals

log = logging.getLogger("cashview.jobs")

PARTS = ("refresh", "texts", "removals", "cleanup")


def main(arguments: list[str] | None = None) -> int:
    """Run the jobs; the exit code."""
    options = _options(arguments)
    app = create_app(refreshes=True)
    background.use(
        None
    )  # this process does its work itself, sends batches, or leaves it to the web's sweepers
    with app.app_context():
        if (problem := health.ready()) is not None:
            print(f"The jobs cannot run: {problem}.", file=sys.stderr)
            return 1
        try:
            report, problems = _run(app, options, _stop_on_signal())
        except SQLAlchemyError as error:
            print(f"The database failed: {type(error).__name__}.", file=sys.stderr)
            return 1
    for problem in problems:
        _say(problem, sys.stderr)
    said = _say(json.dumps(report), sys.stdout)
    return 0 if said and not problems else 1


def _say(line: str, stream: TextIO) -> bool:
    """Whether the line could be written. Whoever reads may be gone, or the disk full: the work goes on all the same."""
    try:
        print(line, file=stream, flush=True)
    except OSError as error:
        log.error("a line could not be written: %s", type(error).__name__)
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # Python would try again when it ends
        return False
    return True


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


def _stop_on_signal() -> threading.Event:
    """Set by SIGTERM (a dyno that is to sleep, a deploy): what is under way is finished, nothing new begins."""
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
    return stop


def _run(app: Flask, options: argparse.Namespace, stop: threading.Event) -> tuple[dict[str, Any], list[str]]:
    """The parts asked for, in order; the report, and what a person must see to, in sentences."""
    now = options.at or datetime.now(UTC)
    banks = app.extensions["banks"]
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
        counts = _refresh(app, now, stop, dry_run=options.dry_run)
        report |= {"refreshed": counts.refreshed, "failed": counts.failed}
        if any(issubclass(kind, SQLAlchemyError) for kind in counts.broken_by):
            problems.append("The database refused what refreshing wrote: is it read-only, full or away?")
    if "texts" in wanted:
        texts, found = _send_texts(app, now, stop, dry_run=options.dry_run)
        report["texts"] = texts
        problems += found
    if "removals" in wanted and not stop.is_set():
        remove = _in_context(app, lambda number: removals.remove_item(number, banks, due_by=now))
        report["removals"] = retry_removals.run(now, remove, dry_run=options.dry_run)
    if "cleanup" in wanted and not stop.is_set():
        report["cleaned"] = clean_up.run(now, dry_run=options.dry_run)
    return report, problems + _lasting_problems()


def _refresh(app: Flask, now: datetime, stop: threading.Event, *, dry_run: bool) -> RefreshReport:
    """The refresh part: by Celery's workers when there is a broker, else by threads of this process."""
    settings, banks, engine = app.config["SETTINGS"], app.extensions["banks"], app.extensions["background"]
    lease, threads = settings.lease_seconds, settings.refresh_concurrency
    one = _in_context(app, lambda number: refreshing.refresh(number, banks, lease, due_by=now))
    with tqdm(desc="Refreshing", unit=" institutions", disable=None) as bar:
        if isinstance(engine, CeleryEngine) and not dry_run:
            tools = refresh_in_batches.Tools(
                send=lambda ids: engine.submit_batch("refresh_due", ids, due_by=now.isoformat()),
                refresh_one=one,
                concurrency=threads,
                wait=stop.wait,
                stopped=stop.is_set,
                done=bar.update,
            )
            return refresh_in_batches.run(now, tools)
        return refresh_institutions.run(now, one, threads, bar.update, dry_run=dry_run, stopped=stop.is_set)


def _send_texts(
    app: Flask, now: datetime, stop: threading.Event, *, dry_run: bool
) -> tuple[dict[str, int], list[str]]:
    """The texts part: its counts, and what a person must see to. `now` goes on as the real clock does."""
    settings, pretended = app.config["SETTINGS"], now - datetime.now(UTC)
    with tqdm(desc="Texting", unit=" texts", disable=None) as bar:
        tools = send_texts.Tools(
            texts=app.extensions["texts"],
            callback_base=settings.twilio_callback_base_to_send,
            clock=lambda: datetime.now(UTC) + pretended,
            wait=stop.wait,
            stopped=stop.is_set,
            done=bar.update,
        )
        found = send_texts.run(tools, dry_run=dry_run)
    counts = {name: getattr(found, name) for name in ("sent", "unknown", "skipped", "failed", "pending")}
    if found.long_missed:
        _say(f"{found.long_missed} people got no text on the last two days: run the jobs hourly.", sys.stderr)
    refused = f"Twilio refuses this account or sender (code {found.refused}): check the TWILIO_ settings."
    return counts, [refused] if found.refused else []


def _lasting_problems() -> list[str]:
    """What stands still until a person has looked, whichever run met it."""
    found = []
    if failures.stopped_by("INVALID_API_KEYS"):
        found.append("Plaid refuses the keys: check PLAID_CLIENT_ID and the secrets.")
    if failures.stopped_by("ACCESS_TOKEN_UNREADABLE"):
        found.append(
            "Stored access tokens cannot be opened: ENCRYPTION_KEYS lacks the key they were written with."
        )
    if (parked := delivery.parked_texts(datetime.now(UTC))) > 0:
        texts = "1 text" if parked == 1 else f"{parked} texts"
        found.append(f"{texts} of the last day failed for a reason on our side: see docs/operating.md.")
    if (parked := removals.parked_removals()) > 0:
        found.append(
            f"{'1 removal needs' if parked == 1 else f'{parked} removals need'} a person at Plaid: "
            "see docs/operating.md."
        )
    return found


def _in_context(app: Flask, work: Callable[[int], Any]) -> Callable[[int], Any]:
    """Each unit of work has its own database session, in whichever thread it runs."""

    def run_one(number: int) -> Any:
        with app.app_context():
            return work(number)

    return run_one


if __name__ == "__main__":
    sys.exit(main())
