"""where the end of access is known from

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
    # Not in a batch: that may make SQLite's table anew, and what hangs on it goes.
    op.add_column('financial_institutions', sa.Column('end_source', sa.String(length=16), nullable=True))
    # Until now nobody knew of a disconnection whether its day was told; of the others it was.
    for code, source in (('PENDING_DISCONNECT', 'guessed'), ('PENDING_EXPIRATION', 'announced')):
        op.execute(
            f"UPDATE financial_institutions SET end_source = '{source}' "
            f"WHERE error_code = '{code}' AND expires_at IS NOT NULL"
        )


def downgrade() -> None:
    op.drop_column('financial_institutions', 'end_source')
