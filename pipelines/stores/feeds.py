"""The feeds of a crawl: what it can be told by others to look at."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, and_, or_, select

from pipelines.records import Feed
from pipelines.stores.schema import hosts, rhythms, urls
from pipelines.stores.states import Kind, State


def read(connection: Connection) -> Iterator[Feed]:
    """The feeds that were read when they were last asked for, among them those that wait to be asked again.

    One that was found as a page, by a link or as a starting point, is known by what it named.
    """
    listed = or_(urls.c.state == State.LISTED, rhythms.c.was == int(State.LISTED))
    named = urls.alias("named")
    by_feeds = select(named.c.parent).where(named.c.source == "feed", named.c.parent.is_not(None))
    is_feed = or_(urls.c.kind == Kind.FEED, and_(urls.c.kind == Kind.PAGE, urls.c.id.in_(by_feeds)))
    query = (
        select(urls.c.url, hosts.c.site)
        .join(hosts, hosts.c.id == urls.c.host)
        .outerjoin(rhythms, rhythms.c.url == urls.c.id)
        .where(is_feed, listed)
    )
    for url, site in connection.execute(query):
        yield Feed(url, site)
