"""When an article was first fetched, bodies out of the archive; on PostgreSQL, texts beside their rows, not in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("articles", sa.Column("first_at", sa.Float(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE articles SET first_at = COALESCE((SELECT min(r.fetched_at) FROM revisions AS r "
        "WHERE r.article = articles.id), fetched_at)"
    )
    op.add_column("bodies", sa.Column("archived", sa.SmallInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        _narrow_rows()


def _narrow_rows() -> None:
    """A row changes three times until it is stored, and is looked at more often than its text."""
    op.execute("ALTER TABLE articles SET (toast_tuple_target = 256)")
    kinds = op.get_bind().execute(
        sa.text("SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
    )
    if kinds.scalar():
        for name in ("text", "search"):
            op.execute(f"ALTER TABLE articles ALTER COLUMN {name} SET COMPRESSION lz4")
