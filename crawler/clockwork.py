"""The clock process: starts a crawl, as a process of its own, for each slot that is due; and reconciles."""

from __future__ import annotations

import logging
import subprocess
import sys
import time

from crawler.conductor import is_at_work
from pipelines.config import Config
from pipelines.errors import SuchlikeError
from pipelines.stores import open_store, slots
from workers import broker, clock
from workers.lifeline import child_of_this_process
from workers.queues import Queues
from workers.reconcile import reconcile

logger = logging.getLogger(__name__)

RECONCILE_S = 5.0
LOOK_S = 1.0


class Clockwork:
    """`tick()` a few times a second. Crawls it started stop with it, and can be resumed."""

    def __init__(self, config: Config) -> None:
        clock.schedules(config)  # a wrong line is said at once, not when it would have been due
        self._config = config
        self._store = open_store(config.database, mode=config.mode)
        self._queues = Queues(broker.address(config), config.queue.batch)
        self._crawls: dict[subprocess.Popen[bytes], tuple[str, float]] = {}
        self._looked = self._reconciled = 0.0

    def tick(self) -> None:
        """One look at everything."""
        now = time.monotonic()
        try:
            if now - self._looked >= LOOK_S:
                self._looked = now
                self._reap()
                # one at a time in a folder: the next slot is claimed when this one, or the user's own run, is done
                if not self._crawls and not is_at_work(self._config.path):
                    claimed = clock.claim_due(self._store, self._config)
                    if claimed:
                        self._start(claimed[0].name, claimed[1])
            if now - self._reconciled >= RECONCILE_S:
                self._reconciled = now
                reconcile(self._store, self._queues, self._queues.waiting())
        except SuchlikeError as error:
            logger.warning("%s", error)

    def stop(self) -> None:
        """Stops the crawls it started; they can be resumed."""
        for crawl in self._crawls:
            crawl.terminate()
        for crawl in self._crawls:
            crawl.wait()
        self._reap()
        self._queues.close()

    def _start(self, name: str, slot_at: float) -> None:
        command = [sys.executable, "-m", "crawler", "-C", str(self._config.path), "--quiet"]
        if name in self._config.profile:
            command += ["--profile", name]
        logger.info("starting %s", name)
        crawl = subprocess.Popen(
            [*command, "run"], stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=child_of_this_process(),  # noqa: PLW1509  # it only makes a system call
        )  # fmt: skip
        self._crawls[crawl] = (name, slot_at)

    def _reap(self) -> None:
        for crawl in [held for held in self._crawls if held.poll() is not None]:
            name, slot_at = self._crawls.pop(crawl)
            logger.info("%s ended with %s", name, crawl.returncode)
            with self._store.write() as connection:
                slots.end(connection, name, slot_at, now=time.time(), exit_code=crawl.returncode)
