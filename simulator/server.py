"""Serving: one process behind gunicorn, with threads enough for calls that sleep."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from simulator.app import create_app
from simulator.clock import Clock
from simulator.plaid import Keys
from simulator.state import State
from simulator.twilio.account import Account
from simulator.twilio.service import Twilio

THREADS = 128
"""Calls that may wait out their latency at once."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run. `port` 0 takes a free one; `today` freezes the date; the directory keeps the state. `text_ms` is
    how long a text stays in each status; replies to texts are posted to `inbound_url`.
    """

    port: int
    latency_ms: float
    seed: str
    directory: Path
    ready_ms: int
    today: date | None
    keys: Keys
    account: Account
    text_ms: int
    inbound_url: str | None


class _Server(BaseApplication):
    """gunicorn with one worker, because the state is in its memory."""

    def __init__(self, options: Options) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": f"127.0.0.1:{self._options.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": 75,
            "timeout": 0,
            "graceful_timeout": 1,
            "loglevel": "warning",
            "when_ready": _say_address,
            "post_worker_init": _end_at_once,
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        options = self._options
        state = State(options.directory, options.seed, Clock(options.today), options.ready_ms)
        state.switches.latency_ms = options.latency_ms
        step_s = options.text_ms / 1000
        twilio = Twilio(state.store, state.switches, options.account, step_s, options.inbound_url)
        return create_app(state, options.keys, twilio)


def _say_address(server: Any) -> None:
    port = server.LISTENERS[0].sock.getsockname()[1]
    print(f"simulator: http://127.0.0.1:{port}", flush=True)


def _end_at_once(_worker: Any) -> None:
    """Nothing is lost when the worker just ends, and nobody waits for idle connections or sleeping calls."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda *_: os._exit(0))


def serve(options: Options) -> None:
    """Serves until it is told to end. The state survives any end: every change is written at once."""
    _Server(options).run()
