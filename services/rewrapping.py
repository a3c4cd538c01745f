"""Moving every stored secret under the newest key, so that an old key can be retired.

Every EncryptedText column of every table, page by page, each page its own commit: it may be stopped and
started again at will, and runs beside a living site.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Table, Text, bindparam, select, type_coerce, update

from database import EncryptedText
from extensions import db
from services.phone_hashes import move_phone_hashes
from vault import UndecryptableError, vault

PAGE = 500


@dataclass
class Rewrapped:
    """How many secrets are under the newest key now, and how many no key opens."""

    moved: int = 0
    unreadable: int = 0


def rewrap_secrets() -> Rewrapped:
    """Re-encrypt everything with the newest key, and hash every phone number under it. What no key opens stays as it
    is and is counted."""
    report = Rewrapped()
    move_phone_hashes()
    for table, column in _encrypted_columns():
        last = 0
        while rows := _page(table, column, last):
            last = rows[-1][0]
            _move(table, column, rows, report)
    return report


def _encrypted_columns() -> Iterator[tuple[Table, Column[str]]]:
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, EncryptedText):
                yield table, column


def _page(table: Table, column: Column[str], after: int) -> list[tuple[int, str]]:
    """(id, ciphertext) of the next rows, in id order."""
    query = (
        select(table.c.id, type_coerce(column, Text))
        .where(table.c.id > after, column.is_not(None))
        .order_by(table.c.id)
        .limit(PAGE)
    )
    return [(number, ciphertext) for number, ciphertext in db.session.execute(query)]


def _move(table: Table, column: Column[str], rows: list[tuple[int, str]], report: Rewrapped) -> None:
    """One statement for the page. A row that was changed meanwhile keeps its newer value."""
    moved = []
    for number, ciphertext in rows:
        try:
            moved.append({"row": number, "before": ciphertext, "after": vault.rotate(ciphertext)})
        except UndecryptableError:
            report.unreadable += 1
    if moved:
        raw = type_coerce(column, Text)
        statement = (
            update(table)
            .where(table.c.id == bindparam("row"), raw == bindparam("before", type_=Text))
            .values({column.name: bindparam("after", type_=Text)})
        )
        db.session.connection().execute(statement, moved)
    db.session.commit()
    report.moved += len(moved)
