"""accounts chosen in Link

Revision 0006, after 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import database

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('financial_institutions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('accounts_chosen_at', database.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('financial_institutions', schema=None) as batch_op:
        batch_op.drop_column('accounts_chosen_at')
