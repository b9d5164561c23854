"""Where a run stood as it went on, and indexes by which results are paged through however many there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "marks",
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pages", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("matches", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("run", "pages"),
    )
    score = sa.text("score DESC")
    told: list[str | sa.TextClause] = ["matched", "copy_of", "site", "language", "published"]
    _partial("articles_results", [score, "id", *told], "stored_at IS NOT NULL")
    _partial("articles_site", ["site", score, "id"], "stored_at IS NOT NULL")
    _partial("articles_copies", ["copy_of", "id"], "copy_of IS NOT NULL")


def _partial(name: str, columns: list[str | sa.TextClause], where: str) -> None:
    op.create_index(name, "articles", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
