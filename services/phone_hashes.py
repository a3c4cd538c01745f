"""Moving the keyed hashes of phone numbers under the newest key, with the numbers they belong to.

A hash cannot be rotated, only made anew from the number; so each table that keeps a hash beside an encrypted number
is read page by page. A person and their texts move in one commit: a text goes to the number it was written for, and
that is asked by comparing the two hashes. May be stopped and started again at will.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, delete, select, type_coerce, update
from sqlalchemy.types import Text

from extensions import db
from models import PHONE, PhoneOptOut, TextConsent, TextMessage, User
from vault import UndecryptableError, vault

PAGE = 500


def move_phone_hashes() -> None:
    """Every hash whose number is known and can be opened. (A deleted person's agreement has no number any more: its
    hash stays under the key of its time.)"""
    for opt_outs in _pages(PhoneOptOut):
        _move_opt_outs(opt_outs)
        db.session.commit()
    for people in _pages(User):
        _move(User, people)
        _move_texts(people)
        db.session.commit()
    for consents in _pages(TextConsent):
        _move(TextConsent, consents)
        db.session.commit()


def _pages(model: Any) -> Iterator[list[tuple[int, str, list[str]]]]:
    """(id, the hash it has, the number's hashes under every key) of rows whose number can be opened."""
    last = 0
    while rows := _page(model, last):
        last = rows[-1][0]
        yield [(row_id, kept, hashes) for row_id, kept, raw in rows if (hashes := _hashes(raw))]


def _page(model: Any, after: int) -> list[tuple[int, str, str]]:
    query = (
        select(model.id, model.phone_hash, type_coerce(model.phone_number, Text))
        .where(model.id > after, model.phone_number.is_not(None))
        .order_by(model.id)
        .limit(PAGE)
    )
    return [(row_id, kept, raw) for row_id, kept, raw in db.session.execute(query)]


def _hashes(ciphertext: str) -> list[str]:
    """Newest first; none when no key opens the number (which is counted elsewhere)."""
    try:
        return vault.digests(PHONE, vault.decrypt(ciphertext))
    except UndecryptableError:
        return []


def _move(model: Any, rows: list[tuple[int, str, list[str]]]) -> None:
    """A row whose number was changed meanwhile has another hash by now, and keeps it."""
    moved = [
        {"row": row_id, "before": kept, "after": hashes[0]}
        for row_id, kept, hashes in rows
        if kept != hashes[0]
    ]
    if not moved:
        return
    table = model.__table__
    statement = (
        update(table)
        .where(table.c.id == bindparam("row"), table.c.phone_hash == bindparam("before"))
        .values(phone_hash=bindparam("after"))
    )
    db.session.connection().execute(statement, moved)


def _move_texts(people: list[tuple[int, str, list[str]]]) -> None:
    """The texts of these people that were written for the number they have now."""
    table: Any = TextMessage.__table__
    moved = [
        {"person": user_id, "before": older, "after": hashes[0]}
        for user_id, _, hashes in people
        for older in hashes[1:]
    ]
    if not moved:
        return
    statement = (
        update(table)
        .where(table.c.user_id == bindparam("person"), table.c.phone_hash == bindparam("before"))
        .values(phone_hash=bindparam("after"))
    )
    db.session.connection().execute(statement, moved)


def _move_opt_outs(rows: list[tuple[int, str, list[str]]]) -> None:
    """A number may be on the list twice, under two keys, if both were noted at once: one of them is enough."""
    twice = db.session.scalars(
        select(PhoneOptOut.phone_hash).where(PhoneOptOut.phone_hash.in_([hashes[0] for _, _, hashes in rows]))
    )
    there = set(twice)
    doubled = [row_id for row_id, kept, hashes in rows if kept != hashes[0] and hashes[0] in there]
    db.session.execute(delete(PhoneOptOut).where(PhoneOptOut.id.in_(doubled)))
    _move(PhoneOptOut, [row for row in rows if row[0] not in set(doubled)])
