"""How much of a core the simulator takes for what the job asks: why the job is measured against bench/vendor.py."""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory

from bench.report import Figure
from bench.world import cpu_seconds, free_port, wait_until_up
from scripts.processes import end, start

_KEYS = {"client_id": "simulator", "secret": "simulator-sandbox-secret"}


def measure(*, calls: int, at_once: int, latency_ms: int) -> Iterator[Figure]:
    """So many /accounts/get of one Item, so many at once. Nothing where CPU time cannot be read."""
    port = free_port()
    with TemporaryDirectory(prefix="cvbench") as data:
        options = ["--port", str(port), "--data", data, "--latency-ms", str(latency_ms)]
        process = start([sys.executable, "-m", "simulator", *options])
        try:
            wait_until_up(port, process, "/")
            token = _item(port)
            begun, before = time.perf_counter(), cpu_seconds(process.pid)
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(lambda _: _ask(port, "/accounts/get", access_token=token), range(calls)))
            seconds, after = time.perf_counter() - begun, cpu_seconds(process.pid)
        finally:
            end(process)
    if before is None or after is None:
        return
    cpu = after - before
    section = f"The simulator, {at_once} calls at once at {latency_ms} ms"
    ideal = calls * latency_ms / 1000 / at_once
    yield Figure(
        section, "CPU for a call", cpu / calls * 1000, " ms", note=f"{calls} calls took {seconds:.1f} s"
    )
    yield Figure(
        section, "CPU, of one core, at full speed", cpu / ideal, "", note="bench/vendor.py stands in for it"
    )


def _item(port: int) -> str:
    """The access token of a fresh Item."""
    made = _ask(
        port, "/sandbox/public_token/create", institution_id="ins_109508", initial_products=["transactions"]
    )
    return _ask(port, "/item/public_token/exchange", public_token=made["public_token"])["access_token"]


def _ask(port: int, path: str, **body: object) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, json.dumps({**_KEYS, **body}), headers)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
