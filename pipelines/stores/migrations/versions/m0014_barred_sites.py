"""One list of the sites of which nothing is taken up: forgotten ones, and those blocked until that is taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.rename_table("forgotten", "barred")
    op.add_column("barred", sa.Column("blocked", sa.SmallInteger(), nullable=False, server_default="0"))
    op.execute("INSERT INTO barred (site, at, blocked) SELECT DISTINCT site, 0, 1 FROM hosts "
               "WHERE given_up = 'blocked by you' AND site NOT IN (SELECT site FROM barred)")  # fmt: skip
