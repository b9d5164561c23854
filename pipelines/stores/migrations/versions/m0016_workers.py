"""Which process is at a row: when it dies, its rows need not wait for their lease to run out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("urls", sa.Column("worker", sa.String(64)))
