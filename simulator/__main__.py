"""`python -m simulator`: the simulator as a program."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

from simulator.plaid import Keys
from simulator.server import Options, serve


def main() -> None:
    """Serves until SIGTERM or SIGINT. Prints `simulator: http://127.0.0.1:PORT` once it listens."""
    given = _parser().parse_args()
    serve(
        Options(
            port=given.port,
            latency_ms=given.latency_ms,
            seed=given.seed,
            directory=given.data,
            ready_ms=given.ready_ms,
            today=given.today,
            keys=Keys(
                client_id=os.environ.get("SIMULATOR_CLIENT_ID", "simulator"),
                sandbox=os.environ.get("SIMULATOR_SECRET_SANDBOX", "simulator-sandbox-secret"),
                production=os.environ.get("SIMULATOR_SECRET_PRODUCTION", "simulator-production-secret"),
            ),
        )
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="A bank simulator that speaks Plaid's HTTP."
    )
    parser.add_argument("--port", type=int, default=5001, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0, help="how long every Plaid endpoint takes")
    parser.add_argument("--seed", default="0", help="another seed, other lives")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="where it remembers; made if missing"
    )
    parser.add_argument(
        "--ready-ms",
        type=int,
        default=700,
        help="how long after an Item's first /transactions/sync its transactions are ready",
    )
    parser.add_argument(
        "--today", type=_day, default=None, metavar="YYYY-MM-DD", help="a date that stands still"
    )
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-01-31") from None


if __name__ == "__main__":
    sys.exit(main())
