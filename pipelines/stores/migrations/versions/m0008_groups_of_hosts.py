"""Where hosts are, and which hosts make a site: shares and pace may be counted for a domain or an address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("hosts", sa.Column("address", sa.String(length=300), nullable=True))
    op.create_index("hosts_site", "hosts", ["site"])
    _partial("hosts_crawled", ["site", "pages"], "pages > 0")
    _partial("hosts_address", ["address"], "address IS NOT NULL")


def _partial(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "hosts", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
