"""Schedules rest, are asked for by hand, and know which of their slots nobody was there for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("slots", sa.Column("sort", sa.SmallInteger(), nullable=False, server_default="0"))
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("resumed", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("paused_at", sa.Float(), nullable=True),
        sa.Column("asked_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
