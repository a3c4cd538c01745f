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
    # Not in a batch: for a column with a default that makes SQLite's table anew, and what hangs on it goes.
    op.add_column('financial_institutions', sa.Column('end_is_guessed', sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column('financial_institutions', 'end_is_guessed')
