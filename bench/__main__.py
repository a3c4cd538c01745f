"""`./run bench`: measures, prints the table, writes bench.json; exit code 1 when a budget is not met.

Options: `--quick` (half a minute; figures of no weight, exit code 0), `--only NAME` (may be repeated),
`--cold` (also a cold start of a fresh checkout: minutes), `--out FILE`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench import dashboards, history, jobs, simulated, starts, syncing, webhooks
from bench.report import Figure, Report
from scripts.processes import ROOT, stop_on_signals

Part = Callable[[], Iterator[Figure]]
NAMES = ("dashboard", "history", "sync", "webhook", "start", "job")


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    stop_on_signals()
    figures = [
        figure
        for name, part in _parts(options)
        if not options.only or name in options.only
        for figure in _measure(name, part)
    ]
    report = Report(figures, options.quick, _machine())
    report.write(options.out)
    print(report.table())
    for figure in report.broken:
        print(f"Not met: {figure.section}: {figure.name}", file=sys.stderr)
    return 1 if report.broken and not options.quick else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench", description="Measure CashView's speed budgets.")
    parser.add_argument(
        "--quick", action="store_true", help="half a minute: does it work, not how fast it is"
    )
    parser.add_argument(
        "--cold", action="store_true", help="also start a fresh checkout, which installs everything"
    )
    parser.add_argument("--only", action="append", choices=NAMES, help="this part alone; may be repeated")
    parser.add_argument("--out", type=Path, default=ROOT / "bench.json", help="where the figures go as JSON")
    return parser.parse_args(arguments)


def _parts(options: argparse.Namespace) -> list[tuple[str, Part]]:
    """Every part by name, on each database it is about."""
    quick = options.quick
    databases = ("sqlite",) if quick else ("sqlite", "postgres")
    pairs = [
        ("dashboard", dashboards.measure),
        ("history", history.measure),
        ("sync", syncing.measure),
        ("webhook", webhooks.measure),
    ]
    parts: list[tuple[str, Part]] = [
        (name, partial(measure, database, quick=quick)) for name, measure in pairs for database in databases
    ]
    parts.append(("start", partial(starts.measure, cold=options.cold, quick=quick)))
    parts.append(("job", partial(simulated.measure, calls=32 if quick else 640, at_once=32, latency_ms=100)))
    return parts + [("job", partial(jobs.measure, database, quick=quick)) for database in databases]


def _measure(name: str, part: Part) -> Iterator[Figure]:
    """The figures of a part, named on the error output as they come: some take minutes."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    for figure in part():
        print(f"  {figure.section}: {figure.name}", file=sys.stderr, flush=True)
        yield figure


def _machine() -> str:
    """How busy the machine is beside us: ratios stand a lot, but not everything."""
    return f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the end"


if __name__ == "__main__":
    sys.exit(main())
