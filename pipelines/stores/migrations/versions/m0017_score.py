"""Articles by score are looked for among those that are kept, by `articles_results`; nothing asked the other index."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.drop_index("articles_score", "articles")
