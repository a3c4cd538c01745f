"""All tests, in groups. A group that this machine cannot run is left out loudly; with CI=true that fails."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, cast

from scripts.browser import HOW_TO_GET, find_chromium
from scripts.processes import end, start, stop_on_signals
from scripts.redis import HOW_TO_GET as HOW_TO_GET_REDIS
from scripts.redis import find_redis_server


@dataclass(frozen=True)
class Group:
    """Some tests; `lacks` returns the command that brings what the machine lacks for them, or None."""

    name: str
    arguments: list[str]
    lacks: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Outcome:
    group: Group
    good: bool
    closing_line: str
    seconds: float


def _lacks_chromium() -> str | None:
    return None if find_chromium() else HOW_TO_GET


def _lacks_redis() -> str | None:
    return None if find_redis_server() else HOW_TO_GET_REDIS


_NO_BROWSER = ["-m", "not browser"]
GROUPS = [
    Group(
        "unit, and services on SQLite",
        ["-n", "2", "tests", "--ignore=tests/simulator", "--ignore=tests/engine", *_NO_BROWSER],
    ),
    Group(
        "services and pages on Postgres",
        [
            "-n",
            "2",
            "tests/services",
            "tests/jobs",
            "tests/views",
            "tests/test_app.py",
            "tests/faults/processes",
            "--db=postgres",
            *_NO_BROWSER,
        ],
    ),
    Group("simulator contract", ["-n", "2", "tests/simulator", *_NO_BROWSER]),
    Group("Celery engine", ["-n", "2", "tests/engine"], _lacks_redis),
    Group(
        "Celery engine on Postgres",
        ["-n", "2", "tests/engine/test_killed_worker.py", "--db=postgres"],
        _lacks_redis,
    ),
    Group("browser", ["-n", "2", "tests", "-m", "browser"], _lacks_chromium),
]


def main() -> int:
    stop_on_signals()
    outcomes = [_run(group) for group in GROUPS]
    print("\n--- All groups")
    for outcome in outcomes:
        mark = "ok    " if outcome.good else "FAILED"
        print(f"{mark} {outcome.group.name} ({outcome.seconds:.0f} s): {outcome.closing_line}")
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _run(group: Group) -> Outcome:
    print(f"\n--- {group.name}", flush=True)
    remedy = group.lacks()
    if remedy is not None:
        is_ci = os.environ.get("CI", "").lower() in ("1", "true")
        line = f"LEFT OUT: this machine lacks what it needs. To have it: {remedy}"
        print(line, flush=True)
        return Outcome(group, not is_ci, line, 0)
    begin = time.monotonic()
    good, closing_line = _pytest(group.arguments)
    return Outcome(group, good, closing_line, time.monotonic() - begin)


def _pytest(arguments: list[str]) -> tuple[bool, str]:
    """Whether pytest succeeded, and its last line. What it prints is shown as it comes."""
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    process = start([sys.executable, "-m", "pytest", *colour, *arguments], stdout=subprocess.PIPE)
    last = ""
    try:
        with io.TextIOWrapper(cast("IO[bytes]", process.stdout), errors="replace") as output:
            for line in output:
                print(line, end="", flush=True)
                last = line.strip() or last
        return process.wait() == 0, last.strip("= ")
    finally:
        end(process)


if __name__ == "__main__":
    sys.exit(main())
