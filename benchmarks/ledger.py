"""Leasing from a ledger in which millions of URLs wait: how long a batch takes, and how large a row is.

    python benchmarks/ledger.py --database sqlite:////tmp/ledger.db [--rows 10000000]

Generates the waiting rows in an empty database, on hosts of which few have much and many have little, then does what a
crawler's handoff does, batch after batch: records what was fetched, adds what was found, estimates again, leases.
Prints, as JSON, the bytes a row takes and for each part of a batch the median, the 95th percentile and the longest.
A database that holds rows already is measured as it is.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import func, select, text, update

from crawler.frontier.handoff import HORIZON_S
from pipelines.records import Candidate
from pipelines.stores import Store, allotment, discovery, fetches, hosts, leases, open_store, schema
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State

HOLDER = "benchmark"
HOSTS_OF = 50  # rows to a host, on average
LEASED_HOSTS, ROWS_EACH = 16, 4
FOUND, AGAIN = 200, 500
CLOSED_SHARE = 0.02
# about as long as those of real pages
_COLUMNS = "id, key, host, url, expected, depth, source, parent, anchor, context, run, found_at"
_ANCHOR = "'Ministers meet again over the grain corridor as talks drag on ' || i"
_CONTEXT = """'The talks between the two delegations went on late into the evening, said one who was in the room,'
              || ' and would be taken up again ' || i"""
_ROWS = {
    "sqlite": """
        WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}),
                       placed(i, host) AS (SELECT i, {host} FROM n)
        INSERT INTO urls ({columns})
        SELECT i, random(), host,
               printf('https://www.site-%d.example/world/2026/%02d/%02d/the-title-%d.html', host, i % 12, i % 28, i),
               (random() & 1048575) / 1048576.0, i % 5, 'link', max(i - 1000, 1),
               substr({anchor}, 1, 30 + i % 40), substr({context}, 1, 60 + i % 100), 1, 1790000000.0 FROM placed""",
    "postgresql": """
        INSERT INTO urls ({columns})
        SELECT i, hashint8extended(i, 7), host,
               format('https://www.site-%s.example/world/2026/%s/%s/the-title-%s.html', host,
                      lpad(CAST(i % 12 AS text), 2, '0'), lpad(CAST(i % 28 AS text), 2, '0'), i),
               random(), i % 5, 'link', greatest(i - 1000, 1),
               left({anchor}, 30 + i % 40), left({context}, 60 + i % 100), 1, 1790000000.0
        FROM (SELECT i, {host} AS host FROM generate_series({first}, {last}) AS i) AS placed""",
}
CHUNK = 500_000


def fill(store: Store, rows: int) -> None:
    """`rows` waiting URLs; a host's share falls with the square of its number."""
    number = max(LEASED_HOSTS * 2, rows // HOSTS_OF)
    names = [{"id": i, "name": f"www.site-{i}.example", "site": f"site-{i}.example"} for i in range(1, number + 1)]
    with store.write() as connection:
        if connection.execute(select(schema.hosts.c.id).limit(1)).first() is not None:
            return
        connection.execute(schema.hosts.insert(), names)
    share = "(CAST(i AS bigint) * 7919 % 1000003 / 1000003.0)"
    rows_of = _ROWS[store.engine.dialect.name]
    for first in range(1, rows + 1, CHUNK):
        last = min(first + CHUNK - 1, rows)
        host = f"CAST(0.5 + {number - 1} * {share} * {share} AS INTEGER) + 1"
        made = rows_of.format(
            columns=_COLUMNS, anchor=_ANCHOR, context=_CONTEXT, first=first, last=last, host=host
        )  # fmt: skip
        with store.write() as connection:
            if store.is_sqlite:  # for the generation alone: the rows come faster than from any crawl
                connection.exec_driver_sql("PRAGMA cache_size=-4000000")
            connection.execute(text(made.replace(":", r"\:")))
        print(f"{last:,} rows", file=sys.stderr)
    if not store.is_sqlite:  # rows that name their own id do not move PostgreSQL's counters
        with store.write() as connection:
            for table, last in (("urls", rows), ("hosts", number)):
                connection.execute(select(func.setval(func.pg_get_serial_sequence(table, "id"), last)))
    best = select(func.max(schema.urls.c.expected)).where(schema.urls.c.host == schema.hosts.c.id, schema.WAITS)
    with store.write() as connection:
        connection.execute(update(schema.hosts).values(best=best.scalar_subquery(), next_at=0.0))
        # some may not be asked for long: a leasing crawler has to look past them
        closed = schema.hosts.c.id % int(1 / CLOSED_SHARE) == 0
        connection.execute(update(schema.hosts).where(closed).values(next_at=time.time() + 86_400))
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
        if store.is_sqlite:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def size(store: Store) -> int:
    """Bytes on disk: the file, or the tables of the frontier with their indexes."""
    with store.read() as connection:
        if store.is_sqlite:
            return Path(str(store.engine.url.database)).stat().st_size
        total = func.pg_total_relation_size("urls") + func.pg_total_relation_size("hosts")
        return int(connection.execute(select(total)).scalar_one())


class Parts:
    """How long each part of a batch took, in milliseconds."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Times what is inside."""
        began = time.perf_counter()
        yield
        self.took[part].append((time.perf_counter() - began) * 1000)

    def figures(self) -> dict[str, dict[str, float]]:
        """Of each part the median, the 95th percentile and the longest."""
        return {
            part: {"median": round(statistics.median(took), 2),
                   "p95": round(statistics.quantiles(took, n=20)[-1], 2), "longest": round(max(took), 2)}
            for part, took in self.took.items()
        }  # fmt: skip


def found(turn: int, draw: random.Random, on: list[str]) -> list[Found]:
    """What the pages of one batch name: new URLs, mostly on hosts that have many."""
    return [
        Found(
            Candidate(f"https://{on[int(draw.random() ** 2 * len(on))]}/new/{time.time()}-{turn}-{i}.html", "link",
                      anchor="An anchor of a few words", context="and what stood around it in the paragraph"),
            draw.random(), 2, 1,
        )
        for i in range(FOUND)
    ]  # fmt: skip


def waiting_keys(store: Store, draw: random.Random, rows: int) -> list[int]:
    """Keys of rows that wait, to be estimated again."""
    some = schema.urls.c.id.in_(draw.sample(range(1, rows), AGAIN))
    with store.read() as connection:
        return list(connection.execute(select(schema.urls.c.key).where(some, schema.WAITS)).scalars())


def batches(store: Store, number: int, left: int) -> dict[str, dict[str, float]]:
    """What a crawler does, `number` times, with `left` requests left of its budget."""
    parts, draw = Parts(), random.Random(7)
    with store.read() as connection:
        on = list(connection.execute(select(schema.hosts.c.name).order_by(schema.hosts.c.id)).scalars())
        rows = connection.execute(select(func.max(schema.urls.c.id))).scalar_one()
    held: list[allotment.HostLease] = []
    for turn in range(number):
        now = time.time()
        new = found(turn, draw, on)
        fetched = [
            Fetched(row.row, State.DROPPED, status=200, reason="unlike", fetched_at=now)
            for one in held for row in one.rows
        ]  # fmt: skip
        again = [(key, draw.random()) for key in waiting_keys(store, draw, rows)]
        with parts.timed("batch"), store.write() as connection:
            with parts.timed("record"):
                fetches.record(connection, fetched, run=1, ring_after=now)
            with parts.timed("discover"):
                discovery.discover(connection, new, run=1, now=now)
            with parts.timed("estimate again"):
                discovery.rescore(connection, again)
            with parts.timed("give back"):
                hosts.note_paces(connection, {one.id: (now, 0, len(one.rows)) for one in held})
                leases.give_back(connection, {one.id: ([], now) for one in held}, holder=HOLDER)
            with parts.timed("lease"):
                worth = allotment.floor(connection, left, before=now + HORIZON_S)
                held = allotment.lease(connection, HOLDER, run=1, now=now, number=LEASED_HOSTS, rows_each=ROWS_EACH,
                                   at_most=left, worth=worth)  # fmt: skip
        if len(held) < LEASED_HOSTS:
            raise SystemExit(f"batch {turn} leased {len(held)} hosts only")
    with store.write() as connection:
        leases.reclaim(connection, now=time.time(), holder=HOLDER)
    return parts.figures()


def main() -> None:
    """Fills, measures, prints."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--database", required=True)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--batches", type=int, default=100)
    options.add_argument("--left", type=int, default=19_000, help="requests left of the crawl's budget")
    chosen = options.parse_args()
    store = open_store(chosen.database, mode="online")
    fill(store, chosen.rows)
    with store.read() as connection:
        rows = connection.execute(select(func.max(schema.urls.c.id))).scalar_one()
    figures = {
        "database": store.engine.dialect.name, "rows": rows, "bytes_per_row": round(size(store) / rows),
        "milliseconds": batches(store, chosen.batches, chosen.left),
    }  # fmt: skip
    store.close()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
