"""Child processes that never outlive the program that started them. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 15.0
_PR_SET_PDEATHSIG = 1
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_on_signals() -> None:
    """Turn SIGINT, SIGTERM and SIGHUP into SystemExit, so that `finally` blocks run. SIGINT too, because a
    shell that starts us in the background makes us ignore it, and a traceback is no answer to Ctrl-C."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in _STOP_SIGNALS:
        signal.signal(number, leave)


def ignore_signals() -> None:
    """While children are being ended, a second Ctrl-C must not leave some of them behind."""
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def start(
    command: Sequence[str], env: Mapping[str, str] | None = None, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """Start `command` in the checkout, in a process group of its own, so that all of it can be ended."""
    return subprocess.Popen(
        list(command), cwd=ROOT, env=env, stdout=stdout, start_new_session=True, preexec_fn=_die_with_parent
    )


def call(command: Sequence[str], env: Mapping[str, str] | None = None) -> int:
    """Run `command` to its end and return its exit code; ended with all its children if we are."""
    process = start(command, env)
    try:
        return process.wait()
    finally:
        end(process)


def end(process: subprocess.Popen[bytes], seconds: float = STOP_SECONDS) -> None:
    """Ask the process and its children to stop; after `seconds`, do not ask."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    # Neither is an error: all of it has ended (macOS says PermissionError when only a zombie is left).
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _die_with_parent() -> None:
    """In the child, on Linux: be told to stop if the parent is killed outright, when no `finally` runs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
