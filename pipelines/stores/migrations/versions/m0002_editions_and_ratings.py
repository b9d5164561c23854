"""Profiles are learned again while a crawl goes on: editions, what judged an article, and what the user rated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("profiles", sa.Column("family", sa.String(length=120), nullable=False, server_default=""))
    op.add_column("profiles", sa.Column("sample", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("profiles", sa.Column("judged", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("profiles", sa.Column("learned_at", sa.Float(), nullable=False, server_default="0"))
    op.create_index("profiles_family", "profiles", ["family", "learned_at"])
    op.add_column("articles", sa.Column("edition", sa.String(length=32), nullable=False, server_default=""))
    op.create_index("articles_judged", "articles", ["run", "edition"])
    op.create_table(
        "ratings",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("family", sa.String(length=120), nullable=False),
        sa.Column("article", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("undone_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["article"], ["articles.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
