"""What a survey found: every list and starting point, how it was answered, and the pace of its host."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from pipelines.stores.schema import hosts, urls
from pipelines.stores.states import Kind, State


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One URL of a survey. `robots` is what its host's robots.txt means: rules, allow, later; None for no answer."""

    url: str
    kind: Kind
    state: State
    reason: str
    detail: str
    host: str
    robots: str | None
    delay_s: float | None


def told(connection: Connection) -> list[Surveyed]:
    """Every URL of the survey in this store, in the order they were named."""
    query = (
        select(
            urls.c.url, urls.c.kind, urls.c.state, urls.c.reason, urls.c.detail, hosts.c.name,
            hosts.c.robots_verdict, hosts.c.delay_s,
        ).join(hosts, hosts.c.id == urls.c.host).order_by(urls.c.id)
    )  # fmt: skip
    return [
        Surveyed(url, Kind(kind), State(state), reason or "", detail or "", name, verdict, delay)
        for url, kind, state, reason, detail, name, verdict, delay in connection.execute(query)
    ]
