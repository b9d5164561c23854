"""The feeds of a crawl: what it can be told by others to look at."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, or_, select

from pipelines.records import Feed
from pipelines.stores.schema import Kind, State, hosts, rhythms, urls


def read(connection: Connection) -> Iterator[Feed]:
    """The feeds that were read when they were last asked for, among them those that wait to be asked again."""
    listed = or_(urls.c.state == State.LISTED, rhythms.c.was == int(State.LISTED))
    query = (
        select(urls.c.url, hosts.c.site)
        .join(hosts, hosts.c.id == urls.c.host)
        .outerjoin(rhythms, rhythms.c.url == urls.c.id)
        .where(urls.c.kind == Kind.FEED, listed)
    )
    for url, site in connection.execute(query):
        yield Feed(url, site)
