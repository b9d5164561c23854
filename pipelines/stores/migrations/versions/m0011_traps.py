"""Traps met, shapes of URLs with their counts, and what hosts answer where there is nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("hosts", sa.Column("missing", sa.BigInteger(), nullable=True))
    op.create_table(
        "templates",
        sa.Column("host", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("template", sa.String(length=300), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("closed", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["host"], ["hosts.id"]),
        sa.PrimaryKeyConstraint("host", "key"),
    )
    counted = sa.text("pages > 0")
    op.create_index("templates_counted", "templates", ["host"], sqlite_where=counted, postgresql_where=counted)
    op.create_table(
        "traps",
        sa.Column("host", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("example", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["host"], ["hosts.id"]),
        sa.PrimaryKeyConstraint("host", "reason"),
    )
