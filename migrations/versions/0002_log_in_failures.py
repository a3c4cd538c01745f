"""log-in failures and trusted devices

Revision 0002, after 0001, 2026-11-26 01:20:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import database

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "log_in_failures",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("forgotten_at", big, nullable=False),
        sa.Column("open_at", big, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_log_in_failures")),
    )
    with op.batch_alter_table("log_in_failures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_log_in_failures_forgotten_at"), ["forgotten_at"], unique=False)

    op.create_table(
        "trusted_devices",
        sa.Column("id", big, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", big, nullable=False),
        sa.Column("created_at", database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", database.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_trusted_devices_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_devices")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_trusted_devices_token_hash")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("trusted_devices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trusted_devices_user_id"), ["user_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_trusted_devices_last_used_at"), ["last_used_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("trusted_devices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trusted_devices_last_used_at"))
        batch_op.drop_index(batch_op.f("ix_trusted_devices_user_id"))

    op.drop_table("trusted_devices")
    with op.batch_alter_table("log_in_failures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_log_in_failures_forgotten_at"))

    op.drop_table("log_in_failures")
