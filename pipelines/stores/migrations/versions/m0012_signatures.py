"""Signatures of one row instead of 32, what shows that an article is a copy, and the versions an article had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

KEYS = 8


def upgrade() -> None:
    op.add_column("articles", sa.Column("kin", sa.BigInteger(), nullable=True))
    op.add_column("articles", sa.Column("kind", sa.String(length=12), nullable=True))
    op.add_column("articles", sa.Column("evidence", sa.Text(), nullable=True))
    where = sa.text("kin IS NOT NULL")
    op.create_index("articles_kin", "articles", ["kin"], sqlite_where=where, postgresql_where=where)
    # who is a copy stays one; what it was found by is found again when its story next changes
    op.execute("UPDATE articles SET kin = story WHERE copy_of IS NOT NULL")
    op.execute(
        "UPDATE articles SET kin = story, similarity = NULL "
        "WHERE id IN (SELECT copy_of FROM articles WHERE copy_of IS NOT NULL)"
    )
    op.create_table(
        "signatures",
        sa.Column("article", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        *(sa.Column(f"key{place}", sa.Integer(), nullable=False) for place in range(KEYS)),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("article"),
    )
    for place in range(KEYS):
        op.create_index(f"signatures_key{place}", "signatures", [f"key{place}"])
    op.create_table(
        "revisions",
        sa.Column("article", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("published", sa.String(length=32), nullable=True),
        sa.Column("fetched_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("article", "revision"),
    )
    # the signatures of older articles are made from their texts by the dedupe stage, latest first
    op.execute("INSERT INTO facts (name, value) SELECT 'unsigned', CAST(article AS VARCHAR(20)) FROM bands "
               "ORDER BY article DESC LIMIT 1")  # fmt: skip
    op.drop_table("bands")
