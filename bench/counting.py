"""Counting what goes to the database: statements and commits, over any engine, from all threads or from some."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import ExecuteStyle

_NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


class Counter:
    """Statements (without BEGIN, COMMIT and their like) and commits of this process inside the `with`;
    of threads whose name begins with `threads`. Rows that psycopg2 sends one by one are so many statements."""

    def __init__(self, threads: str = "") -> None:
        self._threads = threads
        self.statements = 0
        self.commits = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        event.listen(Engine, "before_cursor_execute", self._executed)
        event.listen(Engine, "commit", self._committed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        event.remove(Engine, "before_cursor_execute", self._executed)
        event.remove(Engine, "commit", self._committed)

    def _executed(
        self, connection: Any, _cursor: Any, statement: str, rows: Any, context: Any, _many: bool
    ) -> None:
        if self._counts_here() and not statement.lstrip().upper().startswith(_NOT_COUNTED):
            one_by_one = (
                context.execute_style is ExecuteStyle.EXECUTEMANY and connection.dialect.driver == "psycopg2"
            )
            with self._lock:
                self.statements += len(rows) if one_by_one else 1

    def _committed(self, _connection: Any) -> None:
        if self._counts_here():
            with self._lock:
                self.commits += 1

    def _counts_here(self) -> bool:
        return threading.current_thread().name.startswith(self._threads)
