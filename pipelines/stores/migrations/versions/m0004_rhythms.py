"""Pages that are looked at again, each by its own rhythm, in place of an index over all lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

FIRST_S = 3600.0


def upgrade() -> None:
    op.create_table(
        "rhythms",
        sa.Column("url", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sort", sa.SmallInteger(), nullable=False),
        sa.Column("interval_s", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=False, server_default=""),
        sa.Column("modified", sa.Text(), nullable=False, server_default=""),
        sa.Column("digest", sa.BigInteger(), nullable=True),
        sa.Column("was", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["url"], ["urls.id"]),
        sa.PrimaryKeyConstraint("url"),
    )
    _partial("rhythms_due", ["sort", "due_at"], "due_at IS NOT NULL")
    _partial("rhythms_woken", ["was"], "was IS NOT NULL")
    # the lists read so far
    op.execute(
        "INSERT INTO rhythms (url, sort, interval_s, due_at) "
        f"SELECT id, 0, {FIRST_S}, fetched_at + {FIRST_S} FROM urls WHERE state = 10"
    )
    op.drop_index("urls_lists", table_name="urls")
    for name in ("revisited", "unmodified", "changed"):
        op.add_column("runs", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def _partial(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "rhythms", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
