"""Serves CashView on this machine: local settings, database, simulator, gunicorn, until told to stop."""

from __future__ import annotations

import fcntl
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from config import (
    BASE_DIR,
    SETTING_NAMES,
    ConfigError,
    Settings,
    given_environ,
    instance_dir_of,
    load_environ,
    load_settings,
    read_ports,
)
from scripts import local_env
from scripts.processes import call, end, ignore_signals, start, stop_on_signals

HOST = "127.0.0.1"
START_SECONDS = 60.0
SIMULATOR_SEED = "1"
REPLIES = "/webhooks/twilio/inbound"


def main() -> int:
    stop_on_signals()
    os.umask(0o077)  # what we and our children write holds secrets and balances: ours alone
    given = given_environ(os.environ, BASE_DIR)
    try:
        port, simulator_port = read_ports(load_environ(os.environ, BASE_DIR))
    except ConfigError as error:
        sys.exit(str(error))
    instance_dir = instance_dir_of(given, BASE_DIR)
    simulated = local_env.simulated_vendors(instance_dir, given)
    _refuse_taken_port("PORT", port)
    if simulated:
        _refuse_taken_port("SIMULATOR_PORT", simulator_port)
    lock = _hold(instance_dir)
    try:
        _write_local_env(instance_dir, given, port, simulator_port)
        return _serve(load_settings(), simulated)
    finally:
        os.close(lock)


def _refuse_taken_port(name: str, port: int) -> None:
    if _is_taken(port):
        other = f"{name}={port + 10 if port < 65000 else port - 10}"
        sys.exit(f"Port {port} is in use. Stop what uses it, or choose another one: {other} ./run")


def _is_taken(port: int) -> bool:
    """Asked both ways: on some systems binding succeeds beside a server that listens on all addresses."""
    with socket.socket() as caller:
        caller.settimeout(1)
        if caller.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _hold(instance_dir: Path) -> int:
    """Lock the folder until the descriptor is closed: two copies on one folder would share a simulator's data
    and move each other's addresses."""
    instance_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(instance_dir, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"Another ./run uses {instance_dir}. Give this one its own: INSTANCE_DIR=other ./run")
    return lock


def _write_local_env(instance_dir: Path, given: Mapping[str, str], port: int, simulator_port: int) -> None:
    try:
        local_env.write(instance_dir, given, f"http://{HOST}:{port}", f"http://{HOST}:{simulator_port}")
    except local_env.MissingKeysError as error:
        sys.exit(
            f"{error} is there, but not the ENCRYPTION_KEYS that open it, kept in local.env beside it.\n"
            "Put that file back, or remove the database to start afresh."
        )


def _serve(settings: Settings, simulated: tuple[str, ...]) -> int:
    children: list[subprocess.Popen[bytes]] = []
    try:
        if simulated:
            children.append(_start_simulator(settings))
        if call([sys.executable, "-m", "flask", "db", "upgrade"], _environ()) != 0:
            sys.exit("The database could not be brought up to date: see above.")
        if simulated:
            _wait_until_up("The simulator", children[0], settings.simulator_port)
        children.append(_start_gunicorn())
        _wait_until_up("CashView", children[-1], settings.port)
        _say_where(settings, simulated)
        return _wait_for_an_end(children)
    finally:
        ignore_signals()
        print("Stopping.", flush=True)
        for child in reversed(children):
            end(child)


def _start_simulator(settings: Settings) -> subprocess.Popen[bytes]:
    data = settings.instance_dir / "simulator"
    options = ["--port", str(settings.simulator_port), "--data", str(data), "--seed", SIMULATOR_SEED]
    app_url = settings.public_base_url or f"http://{HOST}:{settings.port}"
    options += ["--inbound-url", app_url + REPLIES]
    without_ours = {name: value for name, value in os.environ.items() if name not in SETTING_NAMES}
    return start([sys.executable, "-m", "simulator", *options], without_ours)


def _start_gunicorn() -> subprocess.Popen[bytes]:
    quick = ["--graceful-timeout", "5"]
    quiet = [] if "LOG_LEVEL" in load_environ(os.environ, BASE_DIR) else ["--log-level", "warning"]
    command = [sys.executable, "-m", "gunicorn", "app:create_app()", "-c", "gunicorn.conf.py", *quick, *quiet]
    return start(command, _environ())


def _environ() -> dict[str, str]:
    """What our programs see: the settings of this start, whatever happens to the files meanwhile."""
    settings = {
        name: value for name, value in load_environ(os.environ, BASE_DIR).items() if name in SETTING_NAMES
    }
    return {**os.environ, **settings, "FLASK_APP": "app", "FLASK_SKIP_DOTENV": "1"}


def _wait_until_up(what: str, process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until it answers HTTP; leave with a sentence if the program ends first or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{what} ended while starting (exit code {process.returncode}): see above.")
        if _answers(port):
            return
        time.sleep(0.05)
    sys.exit(f"{what} did not answer on port {port} within {START_SECONDS:.0f} seconds.")


def _answers(port: int) -> bool:
    """Whether /healthz is answered, be it with a refusal: TRUSTED_HOSTS may not list this address."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _say_where(settings: Settings, simulated: tuple[str, ...]) -> None:
    for warning in settings.warnings:
        print(f"Note: {warning}")
    print(f"\nCashView is running at http://{HOST}:{settings.port}")
    if settings.demo_enabled:
        print("  Demo log-in:    Test_User / pass_good")
    simulator_url = f"http://{HOST}:{settings.simulator_port}"
    if "plaid" in simulated:
        print(f"  Bank simulator: {simulator_url} (user_good / pass_good in Link)")
    if "twilio" in simulated:
        print(f"  Phone:          {simulator_url}/phone (the texts that would have gone out)")
    if settings.celery_broker_url:
        print("  Banks are read by Celery workers: start one with ./run worker")
    print("  Stop with Ctrl-C.", flush=True)


def _wait_for_an_end(children: list[subprocess.Popen[bytes]]) -> int:
    """Returns only when a child ends by itself, which none should; Ctrl-C and SIGTERM raise out of here."""
    while True:
        for child in children:
            if child.poll() is not None:
                print(
                    f"A part of CashView ended by itself (exit code {child.returncode}); stopping.",
                    file=sys.stderr,
                )
                return 1
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
