"""What hosts say of text and data mining (tdmrep.json), and when they were asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("hosts", sa.Column("tdmrep", sa.Text(), nullable=True))
    op.add_column("hosts", sa.Column("tdmrep_at", sa.Float(), nullable=True))
