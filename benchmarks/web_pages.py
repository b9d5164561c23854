"""How long the dashboard's pages take with many articles stored: the median and the 95th percentile of each page,
and how much of a core each spends, of the server and of PostgreSQL.

    python benchmarks/web_pages.py [--articles 200000] [--requests 60] [--database postgresql+psycopg://…]

Fills a store by benchmarks/many_articles.py (one that holds as many already, such as benchmarks/store.py leaves, is
taken as it is), serves it by `suchlike web`, and asks over HTTP, one request at a time, by different keys each time.
Figures are wall time on whatever machine this is; docs/dashboard.md has ours.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.many_articles import SITES, Maker, grow, site
from benchmarks.store import settle
from crawler.project import Project
from pipelines.likeness.read import Example
from pipelines.stores import Connection, Store, editions, marks, open_store, runs, schema

TOKEN = "the-token-of-a-benchmark"


def main() -> None:
    """Makes, serves, asks, prints one JSON object a page."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--articles", type=int, default=200_000)
    asked.add_argument("--requests", type=int, default=60)
    asked.add_argument("--database", help="its address; without one, a SQLite file that is removed afterwards")
    told = asked.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="suchlike-pages-"))
    try:
        store = make(folder, told.articles, told.database or f"sqlite:///{folder / 'suchlike.db'}")
        measure(folder, store, told.requests)
    finally:
        shutil.rmtree(folder)


def make(folder: Path, number: int, address: str) -> Store:
    """A project with so many stored articles, two fifths as many other URLs, and one run that brought them."""
    seeds = Path(__file__).parents[1] / "seeds" / "harbour-dredging"
    shutil.copytree(seeds, folder / "seeds", dirs_exist_ok=True)
    (folder / "suchlike.toml").write_text(
        f'[profile.harbour]\nseeds = "seeds/"\n[store]\ndatabase = "{address}"\n', encoding="utf-8"
    )
    project = Project(folder)
    seed_set = project.seed_set(project.config())
    config = project.config(seed_set=seed_set)
    profile = project.learn(seed_set, config)
    store = open_store(address, mode="online", forks=False)
    now = time.time()
    examples = [Example(s.name, s.title, s.text, s.language, s.published) for s in seed_set.seeds]
    with store.write() as connection:
        editions.keep(connection, profile.edition, "harbour", "seeds", examples, profile.to_bytes())
        held = runs.latest(connection)
        run = held.id if held else runs.start(connection, config, profile.edition, now=now).id
        kept = {"profile": profile.edition, "config": msgspec.json.encode(config.kept).decode()}
        connection.execute(schema.runs.update().where(schema.runs.c.id == run).values(kept))
    grow(store, Maker([one.name for one in seed_set.seeds]), number, run)
    settle(store)
    with store.write() as connection:
        for pages in range(0, number, max(1, number // 400)):
            marks.note(connection, run, pages, int(pages**0.9 / 3), now=now + pages)
        runs.end(connection, run, "budget", now=now + number)
    return store


def kinds(store: Store) -> dict[str, Callable[[random.Random], str]]:
    """Name of a kind of page -> an address of that kind."""
    words = Maker().vocabulary
    common, rare = words[:50], words[20_000:]
    with store.read() as connection:
        highest = connection.execute(text("SELECT max(article) FROM signatures")).scalar_one()
        # of each part of the rows one that is an article, and one that is a copy
        rows = [articles_from(connection, highest * part // 200) for part in range(200)]
        copied = [articles_from(connection, highest * part // 200, copied=True) for part in range(200)]

    return {
        "overview": lambda _: "/",
        "results": lambda _: "/results",
        "results, deep": lambda c: f"/results?after={c.uniform(0.55, 0.95):.6f}_{c.choice(rows)}",
        "results of a site": lambda c: f"/results?site={site(c.randrange(SITES))}",
        "results in a language": lambda c: f"/results?language=de&after={c.uniform(0.55, 0.95):.6f}_1",
        "results of a month": lambda c: f"/results?since=2026-{c.randrange(1, 12):02}-01&until=2026-12-31",
        "results, none like it": lambda _: "/results?language=xx",
        "results with copies": lambda c: f"/results?retold=1&after={c.uniform(0.55, 0.95):.6f}_1",
        "results from a score": lambda c: f"/results?least={c.uniform(0.5, 0.99):.2f}",
        "search, rare words": lambda c: f"/results?q={c.choice(rare)}",
        "search, a rare and a common word": lambda c: f"/results?q={c.choice(rare)}+{c.choice(common)}",
        "search, common words": lambda c: f"/results?q={c.choice(common)}+{c.choice(common)}",
        "search, common words, of a site": lambda c: f"/results?q={c.choice(common)}&site={site(c.randrange(SITES))}",
        "article": lambda c: f"/article/{c.choice(rows)}",
        "stories": lambda c: f"/stories?before={c.choice(rows)}",
        "story": lambda c: f"/story/{c.choice(copied)}",
        "sources": lambda c: f"/sources?from={c.randrange(0, SITES - 100)}",
        "source": lambda c: f"/source/{site(c.randrange(SITES))}",
        "queues": lambda _: "/queues",
        "failures": lambda _: "/failures",
        "seeds": lambda _: "/seeds",
        "api, a page of articles": lambda c: f"/api/v1/articles?after={c.uniform(0.55, 0.95):.6f}_1",
    }


def articles_from(connection: Connection, row: int, *, copied: bool = False) -> int:
    """The row of the first article behind this one, or of the first original that has a copy."""
    what = "copy_of" if copied else "id"
    query = text(f"SELECT {what} FROM articles WHERE id >= :row AND {what} IS NOT NULL ORDER BY id LIMIT 1")
    backwards = text(f"SELECT {what} FROM articles WHERE {what} IS NOT NULL ORDER BY id DESC LIMIT 1")
    return int(connection.execute(query, {"row": row}).scalar() or connection.execute(backwards).scalar_one())


def measure(folder: Path, store: Store, requests: int) -> None:
    """Serves the store and asks for every kind of page."""
    with store.read() as connection:
        number = connection.execute(text("SELECT count(*) FROM articles")).scalar_one()
    command = [sys.executable, "-m", "crawler", "-C", str(folder), "web"]
    server = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "SUCHLIKE_WEB__TOKEN": TOKEN}
    )  # fmt: skip
    assert server.stderr is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", server.stderr.readline())
        assert found
        asked = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=600)
        counted = time.monotonic()
        while "being counted" in get(asked, "/results")[1].lower():
            time.sleep(0.5)
        sys.stderr.write(f"totals counted in {time.monotonic() - counted:.1f} s\n")
        for name, address in kinds(store).items():
            chance = random.Random(name)
            spent = cpu_s(server.pid) + theirs(store)
            took = sorted(timed(asked, address(chance)) for _ in range(requests))
            spent = 1000 * (cpu_s(server.pid) + theirs(store) - spent) / requests
            told = {"database": store.engine.dialect.name, "page": name, "articles": number, "requests": requests,
                    "median_ms": took[len(took) // 2], "p95_ms": took[int(0.95 * (len(took) - 1))],
                    "cpu_ms": round(spent, 1)}  # fmt: skip
            print(json.dumps(told), flush=True)
    finally:
        server.terminate()
        server.wait()
        server.stderr.close()


def theirs(store: Store) -> float:
    """Seconds of a core that PostgreSQL's processes for this database have had, its own workers among them."""
    if store.is_sqlite:
        return 0.0
    with store.read() as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        pids = list(connection.execute(text(query)).scalars())
    found = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            found += cpu_s(pid)
    return found


def cpu_s(pid: int) -> float:
    """Seconds of a core a process has had: what a page takes where nobody else works. Linux only."""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def timed(asked: http.client.HTTPConnection, path: str) -> float:
    """Milliseconds from the question to the last byte of the answer."""
    began = time.perf_counter()
    status, _ = get(asked, path)
    took = 1000 * (time.perf_counter() - began)
    assert status == 200, (status, path)
    return round(took, 1)


def get(asked: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    """One request on a connection that stays open."""
    asked.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
    answer = asked.getresponse()
    return answer.status, answer.read().decode()


if __name__ == "__main__":
    main()
