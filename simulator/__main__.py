"""`python -m simulator`: the simulator as a program."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

from simulator.plaid import Keys
from simulator.server import Options, serve
from simulator.twilio.account import Account
from simulator.twilio.rules import postable


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
            account=_account(),
            text_ms=given.text_ms,
            inbound_url=given.inbound_url,
        )
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A bank simulator that speaks Plaid's HTTP, and a phone that speaks Twilio's.",
    )
    parser.add_argument("--port", type=int, default=5001, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0, help="how long every endpoint takes")
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
    parser.add_argument(
        "--text-ms", type=int, default=400, help="how long a text stays in each status on its way to a phone"
    )
    parser.add_argument(
        "--inbound-url",
        type=_address,
        default=None,
        metavar="URL",
        help="where replies to texts are posted; without it the last one given is kept",
    )
    return parser


def _account() -> Account:
    """The simulated Twilio account: what the environment says of it, else made up."""
    named = {name: os.environ.get(f"SIMULATOR_TWILIO_{name.upper()}") for name in ("sid", "token", "number")}
    return Account(**{name: value for name, value in named.items() if value})


def _address(text: str) -> str:
    if not postable(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address like http://127.0.0.1:5000/path")
    return text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-01-31") from None


if __name__ == "__main__":
    sys.exit(main())
