"""./run: finding a Python, installing only what changed, local.env, ports, and leaving nothing behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config import Settings, load_environ
from scripts import local_env, processes, setup, suites
from tests.support.checkout import ROOT, copy_checkout

APP, SIMULATOR = "http://127.0.0.1:5300", "http://127.0.0.1:5301"
PLAID = {"PLAID_CLIENT_ID": "client-id", "PLAID_SANDBOX_SECRET": "secret"}
TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "theirs",
    "TWILIO_MESSAGING_SERVICE_SID": "MG" + "1" * 32,
}


# The shell script


def fake_python(folder: Path, name: str, suitable: bool) -> None:
    """A program that answers ./run's question and, when started for good, prints what it was given."""
    program = folder / name
    answer = "exit 0" if suitable else "exit 1"
    program.write_text(f'#!/bin/sh\n[ "$1" = -c ] && {answer}\necho "{name} started:" "$@"\n')
    program.chmod(0o755)


@pytest.fixture
def lonely_run(tmp_path: Path) -> Path:
    """A copy of ./run that can see no Python but what a test puts into bin/."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dirname").symlink_to(shutil.which("dirname") or "")
    (tmp_path / "bin" / "cat").symlink_to(shutil.which("cat") or "")
    text = (ROOT / "run").read_text()
    for prefix in ("/usr/bin/", "/usr/local/bin/", "/opt/homebrew/bin/"):
        assert f"{prefix}python3" in text
        text = text.replace(f"{prefix}python3", f"/nonexistent{prefix}python3")
    script = tmp_path / "run"
    script.write_text(text)
    script.chmod(0o755)
    return script


def answer_of(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": str(script.parent / "bin")}
    return subprocess.run([script, *arguments], env=environ, capture_output=True, text=True, check=False)


def test_run_is_valid_posix_shell():
    assert subprocess.run(["sh", "-n", ROOT / "run"], check=False).returncode == 0
    assert os.access(ROOT / "run", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_without_a_suitable_python_it_says_what_to_install(lonely_run: Path):
    fake_python(lonely_run.parent / "bin", "python3", suitable=False)
    answer = answer_of(lonely_run)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "Python 3.11 or newer" in answer.stderr
    assert "apt install python3 python3-venv" in answer.stderr
    assert "brew install python" in answer.stderr


def test_a_newer_python_is_found_beside_an_old_one(lonely_run: Path):
    fake_python(lonely_run.parent / "bin", "python3", suitable=False)
    fake_python(lonely_run.parent / "bin", "python3.12", suitable=True)
    assert answer_of(lonely_run, "test", "a b").stdout == "python3.12 started: -m scripts.setup test a b\n"


# Commands


@pytest.mark.parametrize(
    "command, exit_code, says",
    [
        ("dance", 2, "./run does not know 'dance'"),
        ("help", 0, "Usage: ./run"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_installed(command: str, exit_code: int, says: str):
    answer = subprocess.run([ROOT / "run", command], capture_output=True, text=True, check=False)
    assert answer.returncode == exit_code
    assert (answer.stdout + answer.stderr).startswith(says)


def test_a_worker_gets_the_arguments_that_follow():
    assert setup._program("worker", ["--concurrency", "4"]) == ["celery_app.py", "--concurrency", "4"]


# Installing only what changed


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A small checkout for scripts.setup, and the list of the steps it takes there."""
    for name in (
        "constraints.txt",
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-node.txt",
        "package.json",
    ):
        (tmp_path / name).write_text("first")
    for name in ("package-lock.json", "scripts/build_assets.mjs", "static/src/entries/app.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("first")
    taken: list[str] = []

    def call(command: list[str], env: dict[str, str] | None = None) -> int:
        step = next(word for word in ("venv", "pip", "ci", "build") if word in command)
        made = {"venv": ".venv/bin", "ci": "node_modules", "build": "static/built"}.get(step)
        if made:
            (tmp_path / made).mkdir(parents=True, exist_ok=True)
        if step == "build":
            (tmp_path / "static/built/manifest.json").write_text("{}")
        taken.append(step)
        return 0

    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(setup, "call", call)
    monkeypatch.setattr(setup, "_node_version", lambda: setup.OLDEST_NODE)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return taken


def prepare(steps: list[str], with_tools: bool = False) -> list[str]:
    """The steps of one more preparation."""
    steps.clear()
    setup._prepare(with_tools)
    return list(steps)


def test_a_second_start_installs_and_builds_nothing(steps: list[str]):
    assert prepare(steps) == ["venv", "pip", "ci", "build"]
    assert prepare(steps) == []


@pytest.mark.parametrize(
    "changed, again",
    [
        ("requirements.txt", ["venv", "pip"]),
        ("constraints.txt", ["venv", "pip"]),
        ("requirements-dev.txt", []),
        ("package.json", ["ci"]),
        ("package-lock.json", ["ci", "build"]),
        ("scripts/build_assets.mjs", ["build"]),
        ("static/src/entries/app.js", ["build"]),
    ],
)
def test_what_changed_is_done_again(steps: list[str], tmp_path: Path, changed: str, again: list[str]):
    prepare(steps)
    (tmp_path / changed).write_text("second")
    assert prepare(steps) == again
    assert prepare(steps) == []


def test_a_new_a_renamed_and_a_removed_source_are_changes(steps: list[str], tmp_path: Path):
    prepare(steps)
    entries = tmp_path / "static" / "src" / "entries"
    (entries / "other.js").write_text("other")
    assert prepare(steps) == ["build"]
    (entries / "other.js").rename(entries / "another.js")
    assert prepare(steps) == ["build"]
    (entries / "another.js").unlink()
    assert prepare(steps) == ["build"]


@pytest.mark.parametrize(
    "removed, again", [("node_modules", ["ci"]), ("static/built", ["build"]), (".venv", ["venv", "pip"])]
)
def test_what_was_removed_is_made_again(steps: list[str], tmp_path: Path, removed: str, again: list[str]):
    prepare(steps)
    shutil.rmtree(tmp_path / removed)
    assert prepare(steps) == again


def test_the_tools_are_installed_when_they_are_wanted_and_include_the_rest(steps: list[str]):
    prepare(steps)
    assert prepare(steps, with_tools=True) == ["venv", "pip"]
    assert prepare(steps, with_tools=True) == []
    assert prepare(steps) == []


def test_a_failed_step_ends_in_a_sentence_and_is_tried_again(
    steps: list[str], monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(setup, "call", lambda command, env=None: 1 if "ci" in command else 0)
        (setup.VENV / "bin").mkdir(parents=True)
        with pytest.raises(SystemExit, match="npm packages could not be installed"):
            setup._prepare(False)
    assert prepare(steps) == ["ci", "build"]


def test_without_a_new_enough_node_it_comes_as_a_python_package(
    steps: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(setup, "_node_version", lambda: setup.OLDEST_NODE - 1)
    assert prepare(steps) == ["venv", "pip", "pip", "ci", "build"]
    assert setup._npm()[0] == str(setup.PYTHON)


# local.env


def environ_of(folder: Path, **process: str) -> dict[str, str]:
    """What CashView reads when `folder` is INSTANCE_DIR."""
    return load_environ({"INSTANCE_DIR": str(folder), **process}, folder)


def test_local_env_makes_a_complete_configuration_that_only_its_owner_can_read(tmp_path: Path):
    local_env.write(tmp_path, {}, APP, SIMULATOR)
    assert stat.S_IMODE((tmp_path / "local.env").stat().st_mode) == 0o600
    settings = Settings.from_env(environ_of(tmp_path))
    assert settings.app_env == "local"
    assert settings.simulated
    assert settings.plaid_link_script_url.startswith(SIMULATOR)
    assert settings.account_types_offered == ("sandbox", "development")
    assert list(tmp_path.glob("*.tmp")) == []


def test_its_secrets_are_good_enough_for_production_and_differ_between_copies(tmp_path: Path):
    secrets = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        local_env.write(tmp_path / name, {}, APP, SIMULATOR)
        environ = environ_of(tmp_path / name, APP_ENV="production", DATABASE_URL="postgresql://db/name")
        secrets.append(Settings.from_env(environ).secret_key)
    assert secrets[0] != secrets[1]


def test_secrets_and_added_lines_stay_while_addresses_follow_the_port(tmp_path: Path):
    local_env.write(tmp_path, {}, APP, SIMULATOR)
    path = tmp_path / "local.env"
    first = environ_of(tmp_path)
    path.write_text(path.read_text().replace("\n\n", "\nLOG_LEVEL=DEBUG\n\n", 1))
    local_env.write(tmp_path, {}, APP, "http://127.0.0.1:5399")
    second = environ_of(tmp_path)
    assert second["LOG_LEVEL"] == "DEBUG"
    assert second["PLAID_BASE_URL"] == "http://127.0.0.1:5399"
    assert SIMULATOR not in path.read_text()
    assert [second[name] for name in ("SECRET_KEY", "ENCRYPTION_KEYS")] == [
        first[name] for name in ("SECRET_KEY", "ENCRYPTION_KEYS")
    ]
    local_env.write(tmp_path, {}, APP, "http://127.0.0.1:5399")
    assert environ_of(tmp_path) == second
    assert path.read_text().count(local_env.MARKER) == 1


def test_own_keys_end_the_simulators_settings(tmp_path: Path):
    local_env.write(tmp_path, {}, APP, SIMULATOR)
    assert local_env.simulated_vendors(tmp_path, {}) == ("plaid", "twilio")
    keys = {**PLAID, **TWILIO}
    assert local_env.simulated_vendors(tmp_path, keys) == ()
    local_env.write(tmp_path, keys, APP, SIMULATOR)
    settings = Settings.from_env(environ_of(tmp_path, **keys))
    assert not settings.simulated
    assert settings.account_types_offered == ("sandbox",)
    assert SIMULATOR not in (tmp_path / "local.env").read_text()


@pytest.mark.parametrize("theirs, other", [(PLAID, "twilio"), (TWILIO, "plaid")])
def test_the_simulator_stands_in_for_the_vendor_without_keys(
    tmp_path: Path, theirs: dict[str, str], other: str
):
    """Nothing of the simulator's reaches the vendor whose keys are there, wherever they are written."""
    vendor = "plaid" if other == "twilio" else "twilio"
    for given, kept in ((theirs, ""), ({}, "".join(f"{name}={value}\n" for name, value in theirs.items()))):
        (tmp_path / "local.env").write_text(kept)
        assert local_env.simulated_vendors(tmp_path, given) == (other,)
        local_env.write(tmp_path, given, APP, SIMULATOR)
        environ = environ_of(tmp_path, **given)
        assert {name: environ[name] for name in local_env.OWN[vendor] if name in environ} == theirs
        assert environ[f"{other.upper()}_BASE_URL"] == SIMULATOR
        Settings.from_env(environ)


@pytest.mark.parametrize("vendor", ["plaid", "twilio"])
def test_any_key_or_address_of_a_vendor_keeps_the_simulator_away(tmp_path: Path, vendor: str):
    for name in local_env.OWN[vendor]:
        assert vendor not in local_env.simulated_vendors(tmp_path, {name: "x"})
        (tmp_path / "local.env").write_text(f"{name}=x\n")
        assert vendor not in local_env.simulated_vendors(tmp_path, {})
        (tmp_path / "local.env").unlink()


def test_simulated_texts_report_to_this_copy_unless_it_has_a_public_address(tmp_path: Path):
    local_env.write(tmp_path, {}, APP, SIMULATOR)
    settings = Settings.from_env(environ_of(tmp_path))
    assert settings.texting_enabled
    assert (settings.twilio_base_url, settings.public_base_url) == (SIMULATOR, APP)
    public = {"PUBLIC_BASE_URL": "https://cash.example.com"}
    local_env.write(tmp_path, public, APP, SIMULATOR)
    assert Settings.from_env(environ_of(tmp_path, **public)).public_base_url == "https://cash.example.com"
    assert "PUBLIC_BASE_URL" not in (tmp_path / "local.env").read_text()


def test_the_simulated_bank_sends_its_webhooks_to_this_copy(tmp_path: Path):
    local_env.write(tmp_path, {}, APP, SIMULATOR)
    assert Settings.from_env(environ_of(tmp_path)).plaid_webhook_to_send == f"{APP}/webhooks/plaid"
    theirs = {"PLAID_WEBHOOK_URL": "https://cash.example.com/webhooks/plaid"}
    local_env.write(tmp_path, theirs, APP, SIMULATOR)
    assert f"{APP}/webhooks" not in (tmp_path / "local.env").read_text()
    local_env.write(tmp_path, PLAID, APP, SIMULATOR)
    assert Settings.from_env(environ_of(tmp_path, **PLAID)).plaid_webhook_to_send is None


def test_the_simulated_bank_sends_people_back_to_this_copy(tmp_path: Path):
    local_env.write(tmp_path, {}, APP, SIMULATOR)
    assert Settings.from_env(environ_of(tmp_path)).plaid_redirect_to_send == f"{APP}/oauth-return"
    local_env.write(tmp_path, PLAID, APP, SIMULATOR)
    assert Settings.from_env(environ_of(tmp_path, **PLAID)).plaid_redirect_to_send is None


def test_what_a_person_set_elsewhere_is_not_made_up(tmp_path: Path):
    local_env.write(
        tmp_path, {"SECRET_KEY": "theirs", "APP_ENV": "production"} | PLAID | TWILIO, APP, SIMULATOR
    )
    assert set(environ_of(tmp_path)) == {"INSTANCE_DIR", "ENCRYPTION_KEYS"}


def test_new_keys_are_not_made_for_a_database_that_needs_the_old_ones(tmp_path: Path):
    (tmp_path / "cashview.db").touch()
    with pytest.raises(local_env.MissingKeysError):
        local_env.write(tmp_path, {}, APP, SIMULATOR)
    assert not (tmp_path / "local.env").exists()


# Serving


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean checkout on a path with a space: without anybody's .env."""
    return copy_checkout(tmp_path_factory.mktemp("clean checkout"))


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def environ_for(instance_dir: Path, port: int, simulator_port: int) -> dict[str, str]:
    """Of this process only what a program needs: no setting of the person who runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "INSTANCE_DIR": str(instance_dir),
        "PORT": str(port),
        "SIMULATOR_PORT": str(simulator_port),
    }


def serve(checkout: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.serve"]
    return subprocess.run(
        command, cwd=checkout, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("which", ["PORT", "SIMULATOR_PORT"])
def test_a_port_in_use_gives_one_line_and_starts_nothing(
    checkout: Path, tmp_path: Path, taken_port: int, which: str
):
    ports = {"PORT": free_ports()[0], "SIMULATOR_PORT": free_ports()[1], which: taken_port}
    answer = serve(checkout, environ_for(tmp_path / "instance", ports["PORT"], ports["SIMULATOR_PORT"]))
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert f"Port {taken_port} is in use" in answer.stderr
    assert f"{which}=" in answer.stderr
    assert not (tmp_path / "instance").exists()


def test_a_folder_in_use_by_another_copy_is_refused(checkout: Path, tmp_path: Path):
    holder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        answer = serve(checkout, environ_for(tmp_path, *free_ports()))
    finally:
        os.close(holder)
    assert answer.returncode == 1
    assert "INSTANCE_DIR=other ./run" in answer.stderr
    assert not (tmp_path / "local.env").exists()


def test_wrong_settings_are_said_together_without_a_traceback(checkout: Path, tmp_path: Path):
    environ = environ_for(tmp_path, *free_ports()) | {"DEMO_ENABLED": "perhaps", "LOG_LEVEL": "loud"}
    answer = serve(checkout, environ)
    assert answer.returncode == 1
    assert "DEMO_ENABLED" in answer.stderr
    assert "LOG_LEVEL" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_gunicorn_refuses_wrong_settings_once_before_it_starts_a_worker(checkout: Path, tmp_path: Path):
    environ = {"PATH": os.environ["PATH"], "INSTANCE_DIR": str(tmp_path), "PORT": str(free_ports()[0])}
    command = [sys.executable, "-m", "gunicorn", "app:create_app()", "-c", "gunicorn.conf.py"]
    answer = subprocess.run(
        command, cwd=checkout, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 1
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL"):
        assert answer.stderr.count(f"{name} is missing") == 1
    assert "Traceback" not in answer.stderr


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Poll until the callable is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_serves_until_it_is_told_to_stop_and_leaves_nothing_running(
    checkout: Path, tmp_path: Path, number: signal.Signals
):
    port, simulator_port = free_ports()
    log = tmp_path / "log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "scripts.serve"]
        environ = environ_for(tmp_path / "an instance", port, simulator_port)
        runner = subprocess.Popen(command, cwd=checkout, env=environ, stdout=output, stderr=output)
    children: list[psutil.Process] = []
    try:
        wait_for(lambda: "Stop with Ctrl-C" in log.read_text() or runner.poll() is not None)
        assert runner.poll() is None, log.read_text()
        assert f"http://127.0.0.1:{port}\n" in log.read_text()
        assert "Test_User / pass_good" in log.read_text()
        assert f"http://127.0.0.1:{simulator_port}/phone" in log.read_text()
        children = psutil.Process(runner.pid).children(recursive=True)
        assert len(children) >= 4  # simulator, gunicorn and its two workers
        runner.send_signal(number)
        assert runner.wait(timeout=30) in (-number, 128 + number)
        # Killed outright it cannot see them end, but the system tells them to.
        wait_for(lambda: not any(child.is_running() for child in children), 30)
    finally:
        for process in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        runner.kill()
        runner.wait()
    assert stat.S_IMODE((tmp_path / "an instance" / "local.env").stat().st_mode) == 0o600
    assert "Traceback" not in log.read_text()


# Children


def test_a_program_is_ended_together_with_what_it_started():
    shell = processes.start(["sh", "-c", "trap '' TERM; sleep 300 & echo $!; wait"], stdout=subprocess.PIPE)
    assert shell.stdout is not None
    sleeper = psutil.Process(int(shell.stdout.readline()))
    processes.end(shell, seconds=0.2)
    shell.stdout.close()
    assert shell.returncode is not None
    wait_for(lambda: not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE, 10)


# Test groups


def run_group(tmp_path: Path, body: str) -> suites.Outcome:
    test = tmp_path / "test_one.py"
    test.write_text(body)
    return suites._run(suites.Group("one", [str(test), "-p", "no:cacheprovider"]))


def test_a_groups_outcome_is_pytests(tmp_path: Path):
    good = run_group(tmp_path, "def test_it():\n    pass\n")
    assert good.good
    assert "1 passed" in good.closing_line
    bad = run_group(tmp_path, "def test_it():\n    assert False\n")
    assert not bad.good
    assert "1 failed" in bad.closing_line
    assert not run_group(tmp_path, "").good  # a group without tests shows nothing


@pytest.mark.parametrize("ci, good", [("", True), ("true", False)])
def test_a_group_that_lacks_something_is_left_out_loudly_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ci: str, good: bool
):
    monkeypatch.setenv("CI", ci)
    outcome = suites._run(suites.Group("one", ["nowhere"], lambda: "apt-get install it"))
    assert outcome.good is good
    assert "LEFT OUT" in outcome.closing_line
    assert "apt-get install it" in capsys.readouterr().out
