"""indexes and hashes of rows that were there before 0003, without holding a table

Revision 0005, after 0004, 2026-11-26 09:40:00.

Everything here may be begun again: a run that ended half-way (a lock, a lost connection, a killed process) is
simply run once more.
"""

from __future__ import annotations

import contextlib

import sqlalchemy as sa
from alembic import op

from vault import UndecryptableError, vault

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_transactions_spending_version": ("transactions", "spending_version"),
    "ix_users_phone_hash": ("users", "phone_hash"),
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            _build_beside_the_site()
            _hash_phone_numbers()
    else:
        for name, (table, column) in INDEXES.items():
            op.create_index(name, table, [column], unique=False, if_not_exists=True)
        _hash_phone_numbers()


def _build_beside_the_site() -> None:
    """CONCURRENTLY holds no lock that anybody waits for; it waits itself, as long as the oldest statement runs. What
    an interrupted one left is there by name and good for nothing."""
    op.execute("SET lock_timeout = 0")
    for name, (table, column) in INDEXES.items():
        if not _is_valid(name):
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} ({column})")


def _is_valid(name: str) -> bool:
    query = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return bool(op.get_bind().scalar(query, {"name": name}))


def _hash_phone_numbers() -> None:
    """The keyed hash of every number that has none, page by page, each row its own commit where the database can.
    A number that no key opens keeps an empty one: it finds nobody."""
    users = sa.table("users", sa.column("id"), sa.column("phone_number", sa.Text()), sa.column("phone_hash"))
    connection, last = op.get_bind(), 0
    page = sa.select(users.c.id, users.c.phone_number).order_by(users.c.id).limit(500)
    while rows := connection.execute(page.where(users.c.id > last, users.c.phone_hash == "")).all():
        for number, ciphertext in rows:
            with contextlib.suppress(UndecryptableError):
                value = vault.digest("phone", vault.decrypt(ciphertext))
                row = sa.and_(users.c.id == number, users.c.phone_number == ciphertext)
                connection.execute(users.update().where(row).values(phone_hash=value))
        last = rows[-1].id


def downgrade() -> None:
    for name, (table, _column) in INDEXES.items():
        op.drop_index(name, table, if_exists=True)
