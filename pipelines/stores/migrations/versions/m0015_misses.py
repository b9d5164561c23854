"""Articles that did not match, by run and score: the closest misses are found without reading the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    missed = sa.text("matched = 0")
    op.create_index("articles_missed", "articles", ["run", sa.text("score DESC")],
                    sqlite_where=missed, postgresql_where=missed)  # fmt: skip
