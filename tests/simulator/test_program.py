"""The program: how it starts, serves, remembers and ends."""

from __future__ import annotations

import ast
import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing

import pytest

from tests.simulator.bank import Bank, Ledger, Refused
from tests.support.simulator import REPOSITORY, SimulatorProcess


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_ends_when_told_to(how):
    """Also while clients keep connections open and calls are waiting out a latency of a minute."""
    simulator = SimulatorProcess(latency_ms=60_000)
    simulator.start()
    connections = [http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=20) for _ in range(4)]
    try:
        connections[0].request("GET", "/healthz")
        assert connections[0].getresponse().read() == b"ok\n"
        for waiting in connections[1:]:
            waiting.request("POST", "/item/get", body="{}")
        process = simulator._process
        assert process is not None
        process.send_signal(how)
        assert process.wait(10) == 0
        with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", simulator.port)):
            pass
    finally:
        for connection in connections:
            connection.close()
        simulator.clean()


@pytest.mark.parametrize("wrong", [["--today", "tomorrow"], ["--port", "x"], []])
def test_wrong_options_are_explained(wrong, tmp_path):
    data = ["--data", str(tmp_path)] if wrong else []
    command = [sys.executable, "-m", "simulator", *data, *wrong]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "error:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_sixty_four_calls_wait_at_the_same_time():
    """One after another they would take more than a minute."""
    with SimulatorProcess(latency_ms=1000) as process:
        answers: list[int] = []

        def call() -> None:
            with closing(http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)) as connection:
                connection.request("POST", "/item/get", body="{}")
                answers.append(connection.getresponse().status)

        threads = [threading.Thread(target=call) for _ in range(64)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40)
        assert answers == [400] * 64
        assert 1 <= time.monotonic() - began < 20


def test_a_killed_simulator_forgets_nothing(tmp_path):
    process = SimulatorProcess(data_dir=tmp_path, today="2026-11-20").start()
    try:
        bank = Bank(process)
        ledger = Ledger(bank, bank.ready("ins_sim_family"), count=50)
        ledger.sync()
        accounts = bank.accounts(ledger.token)
        removed, unused = bank.link(), bank.public_token()
        bank.call("/item/remove", access_token=removed)
        process.kill()
        process.start()
        assert bank.accounts(ledger.token) == accounts
        fresh = Ledger(bank, ledger.token)
        fresh.sync()
        assert fresh.rows == ledger.rows
        assert fresh.cursor == ledger.cursor
        assert bank.call("/item/public_token/exchange", public_token=unused)["access_token"]
        with pytest.raises(Refused, match="ITEM_NOT_FOUND"):
            bank.call("/item/get", access_token=removed)
    finally:
        process.clean()


def test_the_same_seed_and_date_tell_the_same_life(tmp_path):
    def told(seed: str) -> list[tuple]:
        with SimulatorProcess(seed=seed, today="2026-11-20") as process:
            bank = Bank(process)
            ledger = Ledger(bank, bank.ready("ins_109508", "user_transactions_dynamic"))
            ledger.sync()
            return [(row["name"], row["amount"], row["date"], row["pending"]) for row in ledger.rows.values()]

    first = told("a")
    assert told("a") == first
    assert told("b") != first


def test_sixty_four_clients_do_not_disturb_each_other(simulator_process):
    """Everybody links, reads and removes an Item of their own, all at once."""
    bank = Bank(simulator_process)
    expected: list[int] = []
    failures: list[str] = []

    def client() -> None:
        try:
            token = bank.ready("ins_109508", "user_transactions_dynamic")
            ledger = Ledger(bank, token, count=100)
            ledger.sync()
            expected.append(len(ledger.rows))
            bank.call("/item/remove", access_token=token)
        except Exception as error:  # a thread's failure must reach the test
            failures.append(repr(error))

    threads = [threading.Thread(target=client) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert len(expected) == 64
    assert len(set(expected)) == 1


class TestHomePage:
    def _get(self, simulator_process, path: str):
        with urllib.request.urlopen(simulator_process.url + path, timeout=10) as answer:
            return answer.headers, answer.read().decode()

    def test_it_tells_what_to_try_and_counts_items(self, simulator_process):
        bank = Bank(simulator_process)
        _, page = self._get(simulator_process, "/")
        before = int(page.split(" Item")[0].rpartition(">")[2])
        bank.link()
        headers, page = self._get(simulator_process, "/")
        assert int(page.split(" Item")[0].rpartition(">")[2]) == before + 1
        for word in (
            "user_good",
            "pass_good",
            "First Platypus Bank",
            "Alder &amp; Oak Bank",
            "ins_sim_forty",
        ):
            assert word in page
        assert "<script" not in page
        assert "style=" not in page
        assert "default-src 'none'" in headers["Content-Security-Policy"]

    def test_its_style_sheet_and_the_logos_are_there(self, simulator_process):
        headers, _ = self._get(simulator_process, "/home-assets/home.css")
        assert headers["Content-Type"].startswith("text/css")
        assert self._get(simulator_process, "/healthz")[1] == "ok\n"


def test_it_stands_alone():
    """The simulator imports the standard library, Flask, gunicorn and itself; cryptography only to sign webhooks."""
    allowed = {"flask", "gunicorn", "werkzeug", "simulator"} | sys.stdlib_module_names
    found = set()
    for source in (REPOSITORY / "simulator").rglob("*.py"):
        signs = source.name == "webhooks.py"
        for node in ast.walk(ast.parse(source.read_text())):
            if signs and isinstance(node, ast.ImportFrom) and str(node.module).startswith("cryptography."):
                continue
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                found.add(str(node.module).partition(".")[0])
    assert "flask" in found
    assert found <= allowed
