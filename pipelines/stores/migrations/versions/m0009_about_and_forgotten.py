"""What is known of articles beside the usual, and the sites of which nothing is taken up again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("articles", sa.Column("about", sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "forgotten",
        sa.Column("site", sa.String(length=300), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("site"),
    )
