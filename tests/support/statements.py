"""Counting what goes to the database, without what every driver adds on its own."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import ExecuteStyle

_NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


class StatementCounter:
    """The SQL statements and commits that the code inside `with` sends over one engine, from any thread.

    BEGIN, COMMIT, ROLLBACK, SAVEPOINT and PRAGMA are no statements here; a commit is a transaction's end. A
    list of rows that psycopg2 sends one by one counts as so many.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self.statements: list[str] = []
        self.commits = 0

    def __enter__(self) -> Self:
        event.listen(self._engine, "before_cursor_execute", self._executed)
        event.listen(self._engine, "commit", self._committed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        event.remove(self._engine, "before_cursor_execute", self._executed)
        event.remove(self._engine, "commit", self._committed)

    def _executed(
        self, connection: Any, _cursor: Any, statement: str, rows: Any, context: Any, _many: bool
    ) -> None:
        if not statement.lstrip().upper().startswith(_NOT_COUNTED):
            one_by_one = (
                context.execute_style is ExecuteStyle.EXECUTEMANY and connection.dialect.driver == "psycopg2"
            )
            with self._lock:
                self.statements += [" ".join(statement.split())] * (len(rows) if one_by_one else 1)

    def _committed(self, _connection: Any) -> None:
        with self._lock:
            self.commits += 1

    @property
    def verbs(self) -> list[str]:
        """'SELECT accounts' for each statement, in order: what it does and to which table."""
        return [_verb(statement) for statement in self.statements]


def _verb(statement: str) -> str:
    words = statement.split()
    verb = words[0].upper()
    after = {"SELECT": "FROM", "INSERT": "INTO", "DELETE": "FROM"}.get(verb)
    upper = [word.upper() for word in words]
    table = words[upper.index(after) + 1] if after in upper else words[1]
    return f"{verb} {table.strip('(),;')}"
