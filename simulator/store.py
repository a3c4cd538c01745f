"""The simulator's memory on disk: documents by key in one SQLite file, all of them also in memory.

A write is on its way to the operating system before the call returns, so a killed simulator forgets nothing; only a
machine that loses power may. One connection, one lock: writes take microseconds.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

_TABLES = ("logins", "links", "grants", "items", "switches", "keys", "texts", "phone")


class Store:
    """Documents (JSON objects) by table and key."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            directory / "simulator.sqlite3", isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        for table in _TABLES:
            self._connection.execute(
                f"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, document TEXT) STRICT"
            )

    def load(self, table: str) -> dict[str, dict[str, Any]]:
        """Every document of a table by its key."""
        with self._lock:
            rows = self._connection.execute(f"SELECT key, document FROM {_known(table)}").fetchall()  # noqa: S608
        return {key: json.loads(document) for key, document in rows}

    def save(self, table: str, key: str, document: dict[str, Any]) -> None:
        text = json.dumps(document, separators=(",", ":"))
        with self._lock:
            self._connection.execute(f"INSERT OR REPLACE INTO {_known(table)} VALUES (?, ?)", (key, text))  # noqa: S608

    def delete(self, table: str, key: str) -> None:
        with self._lock:
            self._connection.execute(f"DELETE FROM {_known(table)} WHERE key = ?", (key,))  # noqa: S608


def _known(table: str) -> str:
    """The table's name: never anything from outside."""
    if table not in _TABLES:
        raise KeyError(table)
    return table
