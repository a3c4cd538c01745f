"""Can this process serve? The database answers, and its schema is the one this code was written for."""

from __future__ import annotations

from functools import lru_cache

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from extensions import db

DATABASE_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)
"""Down, starting, read-only, busy beyond patience, or no connection free: all pass, unlike a broken rule."""


def roll_back() -> None:
    """Roll back, also on a connection that was cut off since: then it and the session's objects are given up."""
    try:
        db.session.rollback()
    except DATABASE_AWAY:
        db.session().invalidate()


def ready() -> str | None:
    """None when ready, else why not, in words without an address or a secret."""
    try:
        current = MigrationContext.configure(db.session.connection()).get_current_revision()
    except SQLAlchemyError:
        roll_back()
        return "the database does not answer"
    return (
        None
        if current == _head(current_app.extensions["migrate"].directory)
        else "migrations are not current"
    )


@lru_cache(maxsize=4)
def _head(directory: str) -> str | None:
    return ScriptDirectory(directory).get_current_head()
