"""The full-text index holds words as we find them, the same on both databases, and no second copy of the text."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

from pipelines.stores import search

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.execute("DROP TABLE articles_search")
        # the words come apart by spaces; to this tokenizer every other character beyond ASCII is part of a word
        op.execute("CREATE VIRTUAL TABLE articles_search USING fts5(title, text, content='', tokenize='ascii')")
    for row in connection.execute(text("SELECT id FROM articles WHERE stored_at IS NOT NULL")).scalars().all():
        search.index(connection, [row])
