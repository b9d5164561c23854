"""Real crawls of a scripted web, as a process of their own, and what they left in the ledger."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patience import RUN_S

from crawler.project import Project
from crawler.starting import let_wait, starting_points
from pipelines import seeds
from pipelines.likeness.profile import Profile
from pipelines.stores import Store, articles, editions, fates, hosts, open_store, runs
from pipelines.stores.fates import find, tell

FAST = "50/1s"


@dataclass(frozen=True)
class Crawled:
    """A crawl that ended: its store and what the process said."""

    store: Store
    run: int
    process: subprocess.CompletedProcess[str]

    def fates(self) -> dict[str, Any]:
        """As `suchlike fates --run`, after checking that they add up and nothing is on its way."""
        with self.store.read() as connection:
            ends = fates.count(connection, self.run)
            assert hosts.frontier(connection)["leased"] == 0
        assert ends["in_flight"] == 0
        ended = ends["stored"] + ends["duplicate"] + sum(ends["dropped"].values()) + sum(ends["dead"].values())
        assert ends["fetched"] == ended
        return ends

    def told(self, url: str) -> dict[str, Any]:
        """As `suchlike show URL`."""
        with self.store.read() as connection:
            row = find(connection, url)
            assert row is not None, f"{url} is not in the ledger"
            return tell(connection, row)

    def fate(self, url: str) -> tuple[str, str | None]:
        """`(fate, reason)` of a URL."""
        told = self.told(url)
        return told["fate"], told["reason"]

    def knows(self, url: str) -> bool:
        """Whether the ledger holds the URL."""
        with self.store.read() as connection:
            return find(connection, url) is not None

    def stored(self) -> set[str]:
        """The URLs of the articles stored."""
        with self.store.read() as connection:
            return {one["url"] for one in articles.listed(connection, everything=True, copies=True)}


def settings(**crawl: Any) -> dict[str, Any]:
    """Overrides for a fast crawl that keeps everything."""
    return {"crawl": {"rate": FAST, **crawl}, "store": {"keep": "all", "archive": "none"}}


def begin(
    folder: Path, overrides: Mapping[str, Any], *, sites: Sequence[str] = (), feeds: Sequence[str] = (),
    sitemaps: Sequence[str] = (), seed_set: Path | None = None, again: bool = False,
) -> tuple[Store, int]:  # fmt: skip
    """A run in the ledger with its starting points, as `suchlike run` leaves it for its crawlers."""
    named = {"sites": list(sites), "feeds": list(feeds), "sitemaps": list(sitemaps)}
    config = Project(folder).config({**overrides, "sources": named})
    store = open_store(config.database, mode=config.mode)
    now = time.time()
    digest = ""
    with store.write() as connection:
        if seed_set is not None:
            read = seeds.read([seed_set])
            profile = Profile.learn([(s.name, s.title, s.text, s.language) for s in read.seeds])
            digest = profile.edition
            editions.keep(connection, digest, "main", "seeds", [], profile.to_bytes())
        run = runs.start(connection, config, digest, now=now).id
        let_wait(connection, config, starting_points(config, None), run=run, now=now, again=again)
    return store, run


@contextlib.contextmanager
def worker(folder: Path, run: int, *more: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A crawler process for a run, with the stages inside it; none is left when the block ends."""
    command = [sys.executable, "-m", "crawler", "-C", str(folder), "crawl-worker", "--run", str(run), "--inline", *more]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def finished(process: subprocess.Popen[str], seconds: float = RUN_S) -> subprocess.CompletedProcess[str]:
    """Waits for a process; it is killed when it takes longer."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the crawl did not end within {seconds} seconds:\n{err[-3000:]}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def crawl(
    folder: Path, overrides: Mapping[str, Any], *, seconds: float = RUN_S, more: Sequence[str] = (),
    environment: Mapping[str, str] | None = None, **start: Any,
) -> Crawled:  # fmt: skip
    """One crawl from its start to its end."""
    store, run = begin(folder, overrides, **start)
    with worker(folder, run, *more, **(environment or {})) as begun:
        process = finished(begun, seconds)
    assert process.returncode == 0, process.stderr
    with store.write() as connection:
        runs.end(connection, run, "test", now=time.time())
    return Crawled(store, run, process)
