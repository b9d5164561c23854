"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bands",
        sa.Column("band", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("band", "value", "article"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "hosts",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("site", sa.String(length=300), nullable=False),
        sa.Column("best", sa.Float(), nullable=True),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("next_at", sa.Float(), server_default="0", nullable=False),
        sa.Column("delay_s", sa.Float(), nullable=True),
        sa.Column("robots", sa.Text(), nullable=True),
        sa.Column("robots_verdict", sa.String(length=16), nullable=True),
        sa.Column("robots_at", sa.Float(), nullable=True),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("given_up", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    _partial("hosts_best", "hosts", ["best"], "best IS NOT NULL")
    _partial("hosts_held", "hosts", ["holder"], "holder IS NOT NULL")
    op.create_table(
        "profiles",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("seeds", sa.Text(), nullable=False),
        sa.Column("learned", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "runs",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("stopped_by", sa.String(length=32), nullable=True),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "slots",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("schedule", sa.String(length=120), nullable=False),
        sa.Column("slot_at", sa.Float(), nullable=False),
        sa.Column("claimed_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("schedule", "slot_at"),
    )
    op.create_table(
        "urls",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("expected", sa.Float(), server_default="0", nullable=False),
        sa.Column("depth", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("parent", sa.BigInteger(), nullable=True),
        sa.Column("anchor", sa.Text(), server_default="", nullable=False),
        sa.Column("context", sa.Text(), server_default="", nullable=False),
        sa.Column("published", sa.String(length=40), server_default="", nullable=False),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("found_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), server_default="0", nullable=False),
        sa.Column("fetches", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("fetched_at", sa.Float(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("quick", sa.Float(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("archive_file", sa.String(length=120), nullable=True),
        sa.Column("archive_offset", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["host"],
            ["hosts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    _partial("urls_best", "urls", [sa.literal_column("expected DESC"), "host"], "state = 0")
    _partial("urls_ended", "urls", ["run", "kind", "state", "reason", "fetched_at"], "state > 1")
    _partial("urls_moving", "urls", ["state", "due_at"], "state BETWEEN 1 AND 4")
    _partial("urls_waiting", "urls", ["host", sa.literal_column("expected DESC"), "id"], "state = 0")
    _partial("urls_lists", "urls", ["fetched_at"], "state = 10")
    _partial("urls_starts", "urls", ["id"], "source = 'start'")
    _partial("urls_redirects", "urls", ["parent"], "source = 'redirect'")
    op.create_table(
        "articles",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("canonical_url", sa.Text(), nullable=False),
        sa.Column("canonical_key", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.String(length=300), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("authors", sa.Text(), nullable=False),
        sa.Column("published", sa.String(length=32), nullable=True),
        sa.Column("published_confidence", sa.Float(), server_default="0", nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rights", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("likeness", sa.Text(), nullable=False),
        sa.Column("matched", sa.SmallInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("story", sa.BigInteger(), nullable=True),
        sa.Column("copy_of", sa.BigInteger(), nullable=True),
        sa.Column("similarity", sa.Float(), nullable=True),
        sa.Column("revision", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("fetched_at", sa.Float(), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["id"],
            ["urls.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("articles_canonical", "articles", ["canonical_key"], unique=False)
    op.create_index("articles_score", "articles", [sa.literal_column("score DESC")], unique=False)
    op.create_index("articles_stored", "articles", ["run", "matched", "stored_at", "story"], unique=False)
    op.create_index("articles_story", "articles", ["story", "copy_of"], unique=False)
    op.create_index("articles_text", "articles", ["sha256"], unique=False)
    op.create_table(
        "bodies",
        sa.Column("url", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("final_url", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["url"],
            ["urls.id"],
        ),
        sa.PrimaryKeyConstraint("url"),
    )

    _add_search()


def _partial(name: str, table: str, columns: list[Any], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _add_search() -> None:
    """Full text: an FTS5 table over `articles` on SQLite, a tsvector column beside it on PostgreSQL."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE articles_search USING fts5("
            "title, text, content='articles', content_rowid='id', tokenize='unicode61 remove_diacritics 2')"
        )
    else:
        op.execute("ALTER TABLE articles ADD COLUMN search tsvector")
        op.execute("CREATE INDEX articles_search ON articles USING gin (search)")
