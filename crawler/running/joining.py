"""The crawler of a machine that only helps: it joins whichever run is under way, and the next one after it."""

from __future__ import annotations

import logging
import time

from pipelines.config import Config
from pipelines.errors import StoreError
from pipelines.stores import open_store, runs
from workers.supervise import Supervisor

logger = logging.getLogger(__name__)


class Joining:
    """`tick()` a few times a second. The crawl is a process of its own, since one crawls once."""

    def __init__(self, config: Config) -> None:
        self._folder = str(config.path)
        self._store = open_store(config.database, mode=config.mode)
        self._supervisor = Supervisor(config.path)
        self._joined: int | None = None
        self._pages = 0

    def tick(self) -> None:
        """Leaves a run that has ended, and joins the one that is under way; again when its budget was raised."""
        self._supervisor.tick()
        try:
            with self._store.read() as connection:
                run = runs.under_way(connection, now=time.time())
                pages = runs.get(connection, run).config.crawl.pages if run is not None else 0
        except StoreError as error:
            logger.warning("%s", error)
            return
        if self._joined is not None and run != self._joined:
            self.stop()
            self._joined = None
        more = pages > self._pages and self._supervisor.finished("crawl")
        if run is not None and (self._joined is None or more):
            self._joined, self._pages = run, pages
            arguments = ["-C", self._folder, "crawl-worker", "--run", str(run)]
            self._supervisor.start("crawl-joined", arguments, again=False)

    def stop(self) -> None:
        """Stops the crawl; its run goes on without it."""
        self._supervisor.stop(("crawl",))
