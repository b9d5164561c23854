"""Traps met, host by host, and the shapes of URLs: how many of each were asked for, and which lead nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from pipelines import urls as identity
from pipelines.stores.dialect import insert_new, portions, run_many
from pipelines.stores.discovery import settle_best
from pipelines.stores.schema import COUNTED, WAITS, hosts, templates, traps, urls
from pipelines.stores.states import State

BUDGET_SPENT = "template-budget"


def note(connection: Connection, met: Mapping[tuple[str, str], tuple[int, str]]) -> None:
    """Counts URLs left out: `(host, reason): (number, example)`. Hosts nobody knows are passed over."""
    if not met:
        return
    names = {host for host, _ in met}
    ids = dict(connection.execute(select(hosts.c.name, hosts.c.id).where(hosts.c.name.in_(names))).all())
    rows = [
        {"host": ids[host], "reason": reason, "number": 0, "example": example, "more": number}
        for (host, reason), (number, example) in sorted(met.items()) if host in ids
    ]  # fmt: skip
    run_many(connection, insert_new(connection, traps), [{k: v for k, v in row.items() if k != "more"} for row in rows])
    counted = update(traps).where(traps.c.host == bindparam("of"), traps.c.reason == bindparam("why"))
    run_many(
        connection, counted.values(number=traps.c.number + bindparam("more")),
        [{"of": row["host"], "why": row["reason"], "more": row["more"]} for row in rows],
    )  # fmt: skip


def met(connection: Connection) -> list[dict[str, Any]]:
    """`{host, reason, number, example}` of every trap met, the largest first."""
    query = (
        select(hosts.c.name, traps.c.reason, traps.c.number, traps.c.example).join(hosts, hosts.c.id == traps.c.host)
        .order_by(traps.c.number.desc(), hosts.c.name, traps.c.reason)
    )  # fmt: skip
    return [
        {"host": host, "reason": reason, "number": number, "example": example}
        for host, reason, number, example in connection.execute(query)
    ]


def counted(connection: Connection) -> dict[str, int]:
    """How many URLs were left out, by reason."""
    query = select(traps.c.reason, func.sum(traps.c.number)).group_by(traps.c.reason)
    return {reason: int(number) for reason, number in connection.execute(query)}


_SENT = (
    update(templates).where(templates.c.host == bindparam("of"), templates.c.key == bindparam("shape"))
    .values(pages=templates.c.pages + bindparam("more"))
)  # fmt: skip


def sent(connection: Connection, asked: Mapping[int, Mapping[str, int]]) -> None:
    """Pages of these templates were asked for, by host."""
    each = [(host, one, number) for host, of in sorted(asked.items()) for one, number in sorted(of.items())]
    rows = [{"host": host, "key": identity.key(one), "template": one} for host, one, _ in each]
    run_many(connection, insert_new(connection, templates), rows)
    run_many(
        connection, _SENT, [{"of": host, "shape": identity.key(one), "more": number} for host, one, number in each]
    )


def close(connection: Connection, host: int, template: str, why: str) -> None:
    """No more pages of a template: what waits of it ends as refused."""
    connection.execute(
        update(templates).where(templates.c.host == host, templates.c.key == identity.key(template)).values(closed=why)
    )
    _refuse(connection, host, template, "trap", f"{why}: pages like {template}")


def _refuse(connection: Connection, host: int, template: str, reason: str, detail: str) -> None:
    there = select(urls.c.id, urls.c.url).where(urls.c.host == host, WAITS)
    # a host may have a million that wait
    with connection.execute(there, execution_options={"yield_per": 1000}) as found:
        rows = [row for row, url in found if identity.template_of(url) == template]
    for some in portions(rows):
        waiting = update(urls).where(urls.c.id.in_(some), WAITS)
        connection.execute(waiting.values(state=State.REFUSED, reason=reason, detail=detail))
    settle_best(connection, [host])


def begin_anew(connection: Connection, last_run: int | None) -> None:
    """For a new run: every template has its whole share again, and what the last run left for that waits again."""
    connection.execute(update(templates).where(COUNTED).values(pages=0))
    left = (urls.c.run == last_run, urls.c.state == State.REFUSED, urls.c.reason == BUDGET_SPENT)
    on: Sequence[int] = connection.execute(select(urls.c.host).where(*left).distinct()).scalars().all()
    connection.execute(update(urls).where(*left).values(state=State.WAITING, reason=None, detail=None))
    settle_best(connection, on)
