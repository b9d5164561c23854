"""What a crawler process must know when it begins: where the crawl started, and how its pages ended so far."""

from __future__ import annotations

from sqlalchemy import Connection, select

from pipelines.stores.schema import Kind, State
from pipelines.stores.schema import urls as table

MAX_ENDED = 20_000


def urls(connection: Connection) -> list[str]:
    """The URLs the user named."""
    return list(connection.execute(select(table.c.url).where(table.c.source == "start")).scalars())


def ended(connection: Connection, run: int) -> list[tuple[str, int | None, float, bool]]:
    """`(url, parent, quick, went on to extraction)` of the latest pages fetched in a run, in their order."""
    query = (
        select(table.c.url, table.c.parent, table.c.quick, table.c.state, table.c.reason)
        .where(table.c.run == run, table.c.kind == Kind.PAGE, table.c.state > State.LEASED, table.c.quick.is_not(None))
        .order_by(table.c.id.desc()).limit(MAX_ENDED)
    )  # fmt: skip
    rows = connection.execute(query).all()[::-1]
    return [(url, parent, quick, state != State.DROPPED) for url, parent, quick, state, _ in rows]
