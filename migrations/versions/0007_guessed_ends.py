"""an end of access that is known only roughly

Revision 0007, after 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('financial_institutions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('end_is_guessed', sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table('financial_institutions', schema=None) as batch_op:
        batch_op.drop_column('end_is_guessed')
