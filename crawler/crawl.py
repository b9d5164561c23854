"""One crawl in one process: what the spiders and the scheduler share, and the process itself."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

from crawler import settings as scrapy_settings
from crawler.frontier.focus import Focus
from crawler.frontier.handoff import Handoff
from crawler.frontier.owned import Owned
from crawler.frontier.scope import Scope
from crawler.frontier.traps import Traps
from crawler.reading.gate import Gate
from pipelines import urls as identity
from pipelines.config import Config, load
from pipelines.days import day
from pipelines.errors import UsageError
from pipelines.holders import holder_name
from pipelines.likeness.profile import Profile
from pipelines.sections import Profile as Asked
from pipelines.stores import Store, open_store, runs, sites, starts
from workers import broker
from workers.queues import Queues, Sender
from workers.tuning import tuned

# new objects between two looks for garbage that holds itself
OBJECTS_APART = 10_000


class Crawl:
    """Everything one crawler process works with."""

    def __init__(self, store: Store, config: Config, run: int, profile: Profile | None, sender: Sender) -> None:
        self.store = store
        self.config = config
        self.agent = config.agent
        self.run = run
        self.ended: str | None = None
        self.concurrency = tuned(config).concurrency
        self.holder = holder_name(os.getpid())
        with store.read() as connection:
            started = starts.urls(connection)
            ended = starts.ended(connection, run)
            waiting = starts.waiting(connection)
            blocked = sites.blocked(connection)
        self.scope = Scope(config, started, blocked)
        asked = config.only_profile()[1] if profile else Asked()
        first_day = day(asked.since or None, "since")
        self.focus = Focus(profile, breadth=config.crawl.order == "breadth", first_day=first_day)
        self.gate = Gate(profile, keeps_all=config.store.keep == "all", threshold=asked.threshold, agent=config.agent)
        self.traps = Traps(config.crawl.max_per_template)
        self.owned = Owned()
        self.handoff = Handoff(store, sender, run=run, holder=self.holder, together=tuned(config).batch)
        self._warm(profile)
        self._remember(ended, waiting)

    def _warm(self, profile: Profile | None) -> None:
        """Loads now what is loaded when it is first used: later it would hold up the event loop."""
        self.gate.look(b"<html><p>A first page.</p>", "https://example.com/", {"content-type": "text/html"})
        identity.site_of("example.com")
        if profile is not None:
            profile.meant(["A first page"])

    def _remember(self, ended: list[starts.Known], waiting: list[starts.Known]) -> None:
        """A crawl that goes on learns what its predecessor had learned, from the ledger."""
        for known in ended:
            if known.candidate.source != "start":
                self._expect(known)
            self.focus.learn(known.candidate.url, known.parent, known.quick, alike=known.alike)
        for known in waiting:
            self._expect(known)

    def _expect(self, known: starts.Known) -> None:
        self.focus.expected(
            [known.candidate], parent=known.parent, parent_likeness=known.parent_quick, depth=known.depth
        )

    @classmethod
    def of_run(cls, config: Config, run: int) -> Crawl:
        """The crawl of a run that is in the store, under the configuration it was started with."""
        store = open_store(config.database, create=False, forks=False)
        with store.read() as connection:
            try:
                asked = runs.get(connection, run)
            except LookupError:
                raise UsageError(f"There is no run {run} in {store.shown}.") from None
            blob = runs.learned(connection, asked.profile) if asked.profile else None
        profile = Profile.from_bytes(blob) if blob else None
        joined = asked.config.in_hands_of(config)
        sender = Queues(broker.address(joined), tuned(joined).batch)
        return cls(store, joined, run, profile, sender)


def latest_run(folder: Path | None = None) -> tuple[Config, int]:
    """The latest run of the project in a folder (default: the current one), and the configuration it was begun with.

    What `suchlike scrapy crawl roam` goes on with. Raises UsageError or StoreError when there is none.
    """
    config = load(folder or Path.cwd())
    store = open_store(config.database, create=False)
    with store.read() as connection:
        latest = runs.latest(connection)
    store.close()
    if latest is None:
        raise UsageError("There is no run to crawl for in this folder yet; `suchlike run` begins one.")
    return latest.config.in_hands_of(config), latest.id


def crawl(config: Config, run: int, spider: str | None = None, sender: Sender | None = None) -> str:
    """Crawls for a run until its budget is spent, in this process; returns why it ended.

    Without a `spider` it is the one the run was begun for, `watch` or `roam`. Scrapy's reactor cannot start twice: a
    process crawls once.
    """
    from scrapy.crawler import AsyncCrawlerProcess

    work = Crawl.of_run(config, run)
    if sender is not None:
        work.handoff = Handoff(work.store, sender, run=run, holder=work.holder)
    with scrapy_settings.quietly():
        process: Any = AsyncCrawlerProcess(scrapy_settings.settings(work.config))
    crawler = process.create_crawler(spider or ("watch" if work.config.crawl.watch else "roam"))
    process.crawl(crawler, crawl=work)
    # what is loaded by now stays: collecting it again in the middle of a crawl would hold the event loop up for 100 ms
    gc.collect()
    gc.freeze()
    # next to nothing that a page leaves behind holds itself; looked for after every 700 objects, it costs 4 % of a page
    gc.set_threshold(OBJECTS_APART)
    process.start()
    return work.ended or "failed"
