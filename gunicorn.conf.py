"""How gunicorn serves CashView: two processes of four threads (requests wait on the database and on banks).

Settings are read here first, in the parent process: what is wrong with them is said once, before any worker
starts. `gunicorn --bind` and GUNICORN_CMD_ARGS still win over what is set here.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))  # gunicorn's own path is its bin folder

from config import load_settings

_settings = load_settings()

# Heroku's router comes from outside. Everywhere else a proxy on this machine stands in front, or nothing.
bind = f"{'0.0.0.0' if os.environ.get('DYNO') else '127.0.0.1'}:{_settings.port}"  # noqa: S104
workers = 2
threads = 4
worker_class = "gthread"
preload_app = False  # gateways, connections and threads are made after fork, one set per process
timeout = 60
graceful_timeout = 20  # Heroku ends a dyno 30 seconds after SIGTERM
keepalive = 5
max_requests = 0
accesslog = None  # the application logs requests, without query strings
errorlog = "-"
loglevel = _settings.log_level.lower()
control_socket_disable = True  # no second way in
proc_name = "cashview"
umask = 0o077  # the database holds balances: nobody else on the machine may read it


def post_worker_init(worker: Any) -> None:
    """After fork: start this process's background threads and sweeper, and load what checks webhooks."""
    gc.collect()
    gc.freeze()  # what lives as long as the process need not be searched again with every thousand accounts
    background = _extension(worker, "background")
    if background is not None:
        background.start()
    reader = _extension(worker, "read_webhook")
    if reader is not None and _settings.plaid_webhook_to_send:
        threading.Thread(target=reader.load, daemon=True, name="load webhooks").start()


def worker_exit(server: Any, worker: Any) -> None:
    """Take no more background work. What is unfinished stays in the database for the next sweep."""
    background = _extension(worker, "background")
    if background is not None:
        background.stop()


def _extension(worker: Any, name: str) -> Any:
    """What create_app put there; None when the worker never got that far."""
    application = getattr(worker.app, "callable", None)
    return getattr(application, "extensions", {}).get(name)
