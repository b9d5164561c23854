"""Many generated articles into a database, as the stages write them: how fast, how large, how fast to search.

    python benchmarks/store.py ADDRESS [--sizes 10000,100000,300000,1000000] [--measured 3200] [--batch 32]

ADDRESS is `sqlite:////tmp/x.db` or `postgresql+psycopg://…`, empty; many_articles.py fills it to each size.
There so many articles more are measured: each is discovered, recorded, put, given a story and sealed (which indexes its
words), 32 in a transaction, by the store's own functions; not measured is making the texts and their signatures.
Prints lines of JSON: articles a second on the clock, and milliseconds of CPU an article, of this process and of
PostgreSQL's; bytes an article by table; search times of two words, and of two among the fifty commonest, with the CPU
they spend.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import msgspec
from sqlalchemy import text

from benchmarks.many_articles import POOL, Maker, address, grow, signed
from pipelines.asked import understood
from pipelines.config import Config
from pipelines.records import Candidate
from pipelines.stores import (
    Connection,
    Store,
    articles,
    bodies,
    discovery,
    fetches,
    ledger,
    open_store,
    replayed,
    runs,
    search,
    stories,
)
from pipelines.stores.articles import Draft
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State
from pipelines.stores.wanted import Wanted

QUERIES = 60


@dataclass
class Spent:
    """Wall and CPU seconds for one batch; `store` is the CPU of its last stage, with the search index."""

    wall: float
    cpu: float
    store: float


def put(store: Store, maker: Maker, numbers: range, run: int, cpu: Callable[[], float]) -> Spent:
    """One batch, as crawler and stages write it."""
    urls = {address(n): n for n in numbers}
    drafts = {url: maker.draft(0, n, run) for url, n in urls.items()}
    began, used = time.perf_counter(), cpu()
    now = time.time()
    with store.write() as connection:
        discovery.discover(connection, [Found(Candidate(url, "link"), 0.5) for url in urls], run=run, now=now)
        rows = replayed.lease(connection, dict.fromkeys(urls, 0.0), run=run, now=now)
        done = [Fetched(rows[url], State.FETCHED, 200, final_url=url, fetched_at=now, body=b"x") for url in urls]
        fetches.record(connection, done, run=run, ring_after=now + 60)
    for before, after in ((State.FETCHED, State.PARSED), (State.PARSED, State.JUDGED), (State.JUDGED, State.STORED)):
        at = cpu()
        with store.write() as connection:
            taken = ledger.take(connection, before, list(rows.values()), now=now, lease_s=60.0)
            if after is not State.PARSED:
                ledger.move_all(connection, taken, to=after, ring_after=now + 60)
            for one in taken:
                row, url = one.page.row, one.page.url
                if after is State.PARSED:
                    ledger.move(connection, row, one.state, one.attempt, to=after, ring_after=now + 60)
                    articles.put(connection, _at(drafts[url], row))
                elif after is State.JUDGED:
                    stories.place(connection, row, signed(urls[url]))
            if after is State.STORED:
                _seal(connection, {one.page.row: urls[one.page.url] for one in taken}, now)
                bodies.discard(connection, list(rows.values()))
    return Spent(time.perf_counter() - began, cpu() - used, cpu() - at)


def _seal(connection: Connection, numbers: dict[int, int], now: float) -> None:
    articles.seal(connection, list(numbers), now=now)
    articles.note_archived(connection, {row: (f"a{n // 1000}.warc.gz", n) for row, n in numbers.items()})


def _at(draft: Draft, row: int) -> Draft:
    return replace(draft, article=replace(draft.article, row=row))


def searched(store: Store, maker: Maker, ranks: int) -> dict[str, float]:
    """Milliseconds of QUERIES searches for two words of so many of the commonest, the commoner the likelier."""
    chosen, wall, spent = random.Random(7), [], []
    with store.read() as connection:
        server = server_cpu(connection)
        for _ in range(QUERIES):
            words = [maker.vocabulary[int(chosen.random() ** 3 * ranks)] for _ in range(2)]
            began, used = time.perf_counter(), time.process_time() + server()
            search.find(connection, understood(" ".join(words)), Wanted())
            wall.append(1000 * (time.perf_counter() - began))
            spent.append(1000 * (time.process_time() + server() - used))
    at = int(QUERIES * 0.95)
    return {"p50_ms": round(statistics.median(wall), 1), "p95_ms": round(sorted(wall)[at], 1),
            "p50_cpu_ms": round(statistics.median(spent), 1), "p95_cpu_ms": round(sorted(spent)[at], 1)}  # fmt: skip


def sizes(store: Store) -> dict[str, int]:
    """Bytes by table, indexes with their tables, but that over the words by itself; "all" is the whole database."""
    with store.read() as connection:
        if store.is_sqlite:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
            held = {"all": int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar() or 0)}
            query = """SELECT CASE WHEN s.name LIKE 'articles_search%' THEN 'search' WHEN m.name = s.name THEN s.name
                ELSE m.tbl_name || ' indexes' END, sum(s.pgsize) FROM dbstat AS s
                LEFT JOIN sqlite_master AS m ON m.name = s.name WHERE s.aggregate = 1 GROUP BY 1"""
            return held | {name: int(number) for name, number in connection.execute(text(query)) if name}
        held = {"all": int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())}
        query = """SELECT relname, pg_table_size(oid), pg_indexes_size(oid), CASE WHEN relname = 'articles'
            THEN pg_relation_size('articles_search') ELSE 0 END FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"""
        for name, table, indexes, words in connection.execute(text(query)):
            held |= {name: table, f"{name} indexes": indexes - words} | ({"search": words} if words else {})
        return held


def main() -> None:
    """Prints lines of JSON for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("--sizes", default="10000,100000,300000,1000000", help=f"whole {POOL}s")
    parser.add_argument("--measured", type=int, default=3_200)
    parser.add_argument("--batch", type=int, default=32)
    asked = parser.parse_args()
    store, maker = open_store(asked.address, mode="online", forks=False), Maker()
    config = msgspec.convert({"mode": "online", "store": {"keep": "all", "database": asked.address},
                              "folder": str(Path.cwd())}, Config)  # fmt: skip
    with store.write() as connection:
        run = runs.start(connection, config, "", now=time.time()).id
    for size in map(int, asked.sizes.split(",")):
        grow(store, maker, size, run)
        settle(store)
        measured(store, maker, range(2 * size, 2 * size + 320), run, asked.batch)  # not counted: everything is cold
        beyond = range(2 * size + 320, 2 * size + 320 + asked.measured)
        tell = partial(_tell, store, size)
        tell(**measured(store, maker, beyond, run, asked.batch))
        settle(store)
        with store.read() as connection:
            number = connection.execute(text("SELECT count(*) FROM articles")).scalar_one()
        held = {name: round(held / number) for name, held in sizes(store).items()}
        tell(bytes_each={name: size for name, size in sorted(held.items(), key=lambda one: -one[1]) if size})
        for name, ranks in (("two words", 5_000), ("two common words", 50)):
            tell(search=name, **searched(store, maker, ranks))
    store.close()


def _tell(store: Store, number: int, **told: object) -> None:
    print(json.dumps({"database": store.engine.dialect.name, "articles": number, **told}), flush=True)


def measured(store: Store, maker: Maker, numbers: range, run: int, batch: int) -> dict[str, float]:
    """Articles a second on the clock, and milliseconds of CPU each."""
    with store.read() as connection:
        server = server_cpu(connection)

    def cpu() -> float:
        return time.process_time() + server()

    spent = [put(store, maker, numbers[at : at + batch], run, cpu) for at in range(0, len(numbers), batch)]
    return {
        "a_second": round(len(numbers) / sum(one.wall for one in spent), 1),
        "cpu_ms": round(1000 * sum(one.cpu for one in spent) / len(numbers), 2),
        "store_cpu_ms": round(1000 * sum(one.store for one in spent) / len(numbers), 2),
    }


def server_cpu(connection: Connection) -> Callable[[], float]:
    """The CPU seconds of the connection's server process so far; of SQLite, which has none, always 0. Linux only."""
    if connection.dialect.name == "sqlite":
        return lambda: 0.0
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()

    def read() -> float:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    return read


def settle(store: Store) -> None:
    """What a database does by itself later, done now: SQLite's log is emptied, PostgreSQL's tables are counted."""
    store.settle()
    if not store.is_sqlite:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


if __name__ == "__main__":
    main()
