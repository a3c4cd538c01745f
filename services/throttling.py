"""Guesses at passwords are counted in rows, for all processes together, before anything is compared.

A guess is counted as a failure first and given back when it was right: of any number of guesses at once no more
get through than the rules allow. Names and addresses are kept as keyed hashes only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from database import changed_rows, utcnow
from domain.errors import TooSoon
from domain.throttling import ADDRESS, NAME, OWN, Rule, moment, network, wait_words
from extensions import db
from models import LogInFailures
from vault import vault

_TABLE: Table = LogInFailures.__table__  # type: ignore[assignment]


class TooManyGuesses(TooSoon):
    """Too many wrong passwords lately; the same words whether there is such a person or not."""

    code = "too_many_guesses"

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            "There were too many wrong passwords, so there is a short pause. "
            f"Please try again in {wait_words(retry_after)}. Nothing is locked.",
            retry_after=retry_after,
        )


@dataclass(frozen=True)
class Counter:
    """One counter. `owned`: its failures are this person's own, so a right password clears it; of the others a
    right password takes back only itself."""

    key_hash: str
    rule: Rule
    owned: bool


@dataclass(frozen=True)
class Guess:
    """A guess that was let through: each counter with the `open_at` it got."""

    counted: tuple[tuple[Counter, int], ...]


def for_log_in(name_key: str, address: str | None, device: int | None) -> tuple[Counter, ...]:
    """What counts a log-in under this name. A browser this person has signed in with before (`device`, the id of its
    row) has a counter of its own and knows no other: strangers cannot fill it."""
    if device is not None:
        return (_counter("device", str(device), OWN, owned=True),)
    client = network(address)
    # Always in this order: two transactions that lock the same rows never wait for each other in a ring.
    return (
        _counter("name", name_key, NAME),
        _counter("name and address", f"{name_key}\n{client}", OWN, owned=True),
        _counter("address", client, ADDRESS),
    )


def for_confirmation(user_id: int) -> tuple[Counter, ...]:
    """What counts the current password asked again of somebody signed in."""
    return (_counter("confirmation", str(user_id), OWN, owned=True),)


def begin(counters: Sequence[Counter]) -> Guess:
    """Count one guess in every counter, committed, or TooManyGuesses and nothing is counted."""
    now = moment(utcnow())
    if (wait := _longest_wait(counters, now)) > 0:
        raise TooManyGuesses(_seconds(wait))
    counted = []
    for counter in counters:
        open_at = db.session.execute(_count_one(counter, now)).scalar_one_or_none()
        if open_at is None:  # somebody else's guess came between
            db.session.rollback()
            raise TooManyGuesses(_seconds(_longest_wait(counters, now)))
        counted.append((counter, open_at))
    db.session.commit()
    return Guess(tuple(counted))


def succeed(guess: Guess) -> None:
    """The password was right: clear what is the person's own, take this guess out of the rest."""
    for counter, open_at in guess.counted:
        row = _TABLE.c.key_hash == counter.key_hash
        db.session.execute(delete(_TABLE).where(row) if counter.owned else _take_back(counter, open_at))
    db.session.commit()


def purge(now: datetime) -> int:
    """Delete counters that have forgotten everything; how many."""
    passed = and_(_TABLE.c.forgotten_at <= moment(now), _TABLE.c.open_at <= moment(now))
    result = db.session.execute(delete(_TABLE).where(passed))
    db.session.commit()
    return changed_rows(result)


def _counter(kind: str, value: str, rule: Rule, *, owned: bool = False) -> Counter:
    return Counter(vault.digest(f"log-in: {kind}", value), rule, owned)


def _longest_wait(counters: Sequence[Counter], now: int) -> int:
    """Milliseconds until the last of these counters opens; 0 or less: all are open. Only reads: who hammers on a
    closed door keeps nobody from writing."""
    keys = [counter.key_hash for counter in counters]
    latest = db.session.scalar(select(func.max(_TABLE.c.open_at)).where(_TABLE.c.key_hash.in_(keys)))
    db.session.commit()
    return (latest or 0) - now


def _seconds(wait: int) -> int:
    """Whole seconds, at least one, never less than the wait."""
    return max(1, math.ceil(wait / 1000))


def _count_one(counter: Counter, now: int) -> Any:
    """One statement: count a failure if the counter is open, and say when it opens again; no row if it is closed.
    Does in SQL what Rule.counted does."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    rule, table = counter.rule, _TABLE.c
    forgotten_at, open_at = rule.counted(now, now)
    first = insert(_TABLE).values(key_hash=counter.key_hash, forgotten_at=forgotten_at, open_at=open_at)
    after = case((table.forgotten_at > now, table.forgotten_at), else_=now) + rule.forget_ms
    opens = case(*[(after - now > debt, now + wait) for debt, wait in rule.steps], else_=0)
    return first.on_conflict_do_update(
        index_elements=["key_hash"],
        set_={"forgotten_at": after, "open_at": opens},
        where=table.open_at <= now,
    ).returning(table.open_at)


def _take_back(counter: Counter, open_at: int) -> Any:
    """One failure less; the wait it brought is lifted unless another failure came after it."""
    table = _TABLE.c
    return (
        update(_TABLE)
        .where(table.key_hash == counter.key_hash)
        .values(
            forgotten_at=table.forgotten_at - counter.rule.forget_ms,
            open_at=case((table.open_at == open_at, 0), else_=table.open_at),
        )
    )
