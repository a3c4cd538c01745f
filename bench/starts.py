"""How long a person waits at a beginning: a start of ./run, a link to the first dashboard; what a first visit loads."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.report import Budget, Figure
from bench.visitor import Visitor
from bench.world import free_port, wait_until_up
from config import SETTING_NAMES
from scripts.processes import ROOT, end, start

SCRIPT_KB, STYLE_KB = 160, 40
_ASSET = re.compile(r'(?:src|href)="(/static/built/[^"]+\.(js|css))"')
_IMPORT = re.compile(r'(?:from|import) ?"\./([^"]+\.js)"')
PATIENCE = 300.0
"""Seconds for ./run to come up; a cold one installs everything."""


def measure(*, cold: bool, quick: bool) -> Iterator[Figure]:
    yield from _imports()
    with tempfile.TemporaryDirectory(prefix="cvbench") as folder:
        yield from _starts(Path(folder), cold=cold, quick=quick)


def _imports() -> Iterator[Figure]:
    """Which clients of vendors importing the app loads; there is nothing to be fast about in what is not done."""
    code = "import sys, app; print(sum(name in sys.modules for name in ('plaid', 'twilio')))"
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    taken = time.perf_counter() - begun
    yield Figure(
        "Start", "importing app: plaid and twilio loaded", int(done.stdout), "", Budget(0), f"{taken:.1f} s"
    )


def _starts(folder: Path, *, cold: bool, quick: bool) -> Iterator[Figure]:
    """./run on an instance of its own: the first time (it makes the database), then again."""
    if cold:
        with _run(_fresh_checkout(folder / "checkout"), folder / "cold") as (_, taken):
            yield Figure(
                "Start", "./run, cold: a fresh checkout", taken, " s", note="installs everything first"
            )
    if not quick:
        with _run(ROOT, folder / "instance") as (_, taken):
            yield Figure("Start", "./run, packages there, no database yet", taken, " s")
    with _run(ROOT, folder / "instance") as (port, taken):
        yield Figure("Start", "./run, again" if not quick else "./run, no database yet", taken, " s")
        visitor = _signed_up(port)
        yield _linking(visitor, port + 1)
        yield from _first_load(visitor)


def _fresh_checkout(target: Path) -> Path:
    """What is committed here, and nothing else."""
    subprocess.run(["git", "clone", "--quiet", "--local", str(ROOT), str(target)], check=True)  # noqa: S607
    return target


@contextmanager
def _run(checkout: Path, instance: Path) -> Iterator[tuple[int, float]]:
    """./run until it answers; the port (the simulator has the next one), and the seconds that took."""
    port = free_port()
    outside = {name: value for name, value in os.environ.items() if name not in SETTING_NAMES}
    ours = {"PORT": str(port), "SIMULATOR_PORT": str(port + 1), "INSTANCE_DIR": str(instance)}
    begun = time.perf_counter()
    process = start([str(checkout / "run")], {**outside, **ours}, stdout=subprocess.DEVNULL)
    try:
        wait_until_up(port, process, seconds=PATIENCE)
        yield port, time.perf_counter() - begun
    finally:
        end(process)


def _signed_up(port: int) -> Visitor:
    visitor = Visitor(port)
    visitor.get("/signup")
    visitor.form(
        "/signup",
        username=f"bench{secrets.token_hex(4)}",
        password="nine lives of a tin robot",  # noqa: S106 - of a person who lives for a minute
        phone_number="(415) 555-2671",
        first_name="Bench",
        last_name="Person",
        account_type="sandbox",
        timezone="America/New_York",
    )
    visitor.get("/")
    return visitor


def _linking(visitor: Visitor, simulator: int) -> Figure:
    """From the moment Link hands over its token until the dashboard shows the accounts."""
    token = Visitor(simulator).post(
        "/sandbox/public_token/create",
        {
            "client_id": "simulator",
            "secret": "simulator-sandbox-secret",
            "institution_id": "ins_109508",
            "initial_products": ["transactions"],
        },
    )["public_token"]
    begun = time.perf_counter()
    visitor.post("/financial-institutions", {"public_token": token})
    while "data-account-id" not in visitor.get("/"):
        if time.perf_counter() - begun > PATIENCE:
            raise TimeoutError("the dashboard shows no account")
        time.sleep(0.02)
    return Figure("Start", "link to the first dashboard with accounts", time.perf_counter() - begun, " s")


def _first_load(visitor: Visitor) -> Iterator[Figure]:
    """Script and style that the dashboard loads from us, as they travel; what modules import is followed."""
    wanted = [path for path, _ in _ASSET.findall(visitor.get("/"))]
    sizes: dict[str, int] = {}
    while wanted:
        path = wanted.pop()
        if path not in sizes:
            sizes[path] = len(visitor.gzipped(path))
            if path.endswith(".js"):
                wanted += [f"/static/built/{name}" for name in _IMPORT.findall(visitor.get(path))]
    for kind, limit in (("js", SCRIPT_KB), ("css", STYLE_KB)):
        total = sum(size for path, size in sizes.items() if path.endswith(f".{kind}")) / 1000
        name = "script" if kind == "js" else "style"
        yield Figure("First load of the dashboard", f"{name}, gzipped", total, " kB", Budget(limit))
