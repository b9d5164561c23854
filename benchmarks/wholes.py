"""Cases of `make bench` that start whole processes or fill a store: crawlers beside Scrapy's, two beside one, SQLite.

As `parts.py`, which see: every case gives lines for a table.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.contenders import Web, plant, served
from benchmarks.crawler_cpu import Ground, costs, endless, news
from benchmarks.crawls import ROOT
from benchmarks.news_web import make
from benchmarks.parts import Line
from benchmarks.spending import Spent, spend
from benchmarks.store import Maker, measured, searched
from pipelines.config import Config
from pipelines.stores import open_store, runs

FEW, MANY = 200, 1_000
NEWS_HOSTS = 80
WARM, STORED, BATCH = 320, 3_200, 32
# words of a search are drawn from so many of the most common
RANKS = 5_000


def crawler(_: Web, rounds: int) -> Iterator[Line]:
    """Our crawler process beside Scrapy that is given addresses, and Scrapy that looks for links (crawler_cpu.py)."""
    with tempfile.TemporaryDirectory(prefix="suchlike-news-") as held:
        file = Path(held) / "web"
        make(file, 2 * MANY, NEWS_HOSTS)
        yield from _beside("pages of 60 KB, most links known", news(file), rounds)
    yield from _beside("pages of 8 KB, most links new", endless(), rounds)


def _beside(told: str, ground: Ground, rounds: int) -> Iterator[Line]:
    each = list(costs(ground, FEW, MANY, rounds))
    for peer, said in (("plain", "Scrapy that looks at nothing"), ("extracting", "Scrapy with LinkExtractor")):
        ratios = tuple(one["ours"] / one[peer] for one in each)
        yield Line(f"crawler (fetch, links, gate, frontier), {told}: CPU a page", f"÷ {said}", ratios)
    yield Line(f"crawler, {told}: CPU ms", "a page", tuple(1000 * one["ours"] for one in each))


def crawlers(web: Web, rounds: int) -> Iterator[Line]:
    """A whole crawl with two crawler processes beside one."""
    each = [{number: _crawled(web, number) for number in (1, 2)} for _ in range(rounds)]
    yield Line("time of a crawl with one crawler", "÷ with two", tuple(one[1].wall_s / one[2].wall_s for one in each))
    yield Line("CPU of a crawl with two crawlers", "÷ with one", tuple(one[2].cpu_s / one[1].cpu_s for one in each))


def _crawled(web: Web, number: int) -> Spent:
    with tempfile.TemporaryDirectory(prefix="suchlike-crawlers-") as held, served(web) as proxy:
        folder, log = Path(held), Path(held) / "log"
        plant(web, folder, proxy, "matches")
        command = [sys.executable, "-m", "crawler", "-C", held, "-q", "run", "--crawlers", str(number)]
        spent = spend(command, cwd=ROOT, env=dict(os.environ), log=log)
        if spent.code:
            raise SystemExit(log.read_text())
        return spent


def sqlite(_: Web, rounds: int) -> Iterator[Line]:
    """All stages' writing of an article with its index, and a search for two words among what was written."""
    spent, found = [], []
    for _round in range(rounds):
        with tempfile.TemporaryDirectory(prefix="suchlike-sqlite-") as held:
            store, maker = open_store(f"sqlite:///{held}/a.db", mode="replay", forks=False), Maker()
            with store.write() as connection:
                run = runs.start(connection, Config(mode="replay"), "", now=1.0).id
            measured(store, maker, range(WARM), run, BATCH)
            spent.append(measured(store, maker, range(WARM, WARM + STORED), run, BATCH)["cpu_ms"])
            found.append(searched(store, maker, RANKS)["p50_ms"])
            store.close()
    yield Line("store: CPU ms of every stage's writing, with the index", "an article", tuple(spent))
    yield Line(f"store: ms of a search for two words among {STORED:,} articles", "a search", tuple(found))


CASES: tuple[Callable[[Web, int], Iterator[Line]], ...] = (crawler, crawlers, sqlite)
