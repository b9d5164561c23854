"""The clock process: starts a crawl, as a process of its own, for each slot that is due; and reconciles."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import time
from pathlib import Path

from crawler.alerts.announcer import Announcer
from crawler.running.runlock import is_at_work
from pipelines.config import Config, load
from pipelines.errors import StoreError, SuchlikeError
from pipelines.layers import FILE_NAME
from pipelines.stores import open_store, schedules, slots
from pipelines.stores.allotment import LEASE_S
from pipelines.walltime import Walltime
from workers import broker, clock
from workers.clock import Due
from workers.lifeline import child_of_this_process
from workers.queues import Queues
from workers.reconcile import clock_set_back, reconcile, ring_all
from workers.schedules import schedules as schedules_of
from workers.tuning import tuned

logger = logging.getLogger(__name__)

RECONCILE_S = 5.0
LOOK_S = 1.0
# what is just being told when the clock stops
TOLD_S = 2.0


class Clockwork:
    """`tick()` a few times a second. Crawls it started stop with it, and can be resumed."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._file = _File(config.path / FILE_NAME)
        self._store = open_store(config.database, mode=config.mode)
        self._heed(config)
        self._queues = Queues(broker.address(config), tuned(config).batch)
        self._crawls: dict[subprocess.Popen[bytes], Due] = {}
        self._looked = self._reconciled = 0.0
        self._walltime = Walltime()

    def tick(self) -> None:
        """One look at everything."""
        now = time.monotonic()
        self._announcer.nudge()
        try:
            if now - self._looked >= LOOK_S:
                self._looked = now
                self._read_again()
                self._reap()
                # one at a time in a folder: the next slot is claimed when this one, or the user's own run, is done
                if not self._crawls and not is_at_work(self._config.path):
                    due = clock.claim_due(self._store, self._schedules)
                    if due:
                        self._start(due)
            if now - self._reconciled >= RECONCILE_S:
                self._reconciled = now
                with self._store.write() as connection:
                    schedules.clock_was_here(connection, now=time.time())
                if back := self._walltime.set_back_s():
                    clock_set_back(self._store, back, hosts_too=False)
                if self._queues.forgot():
                    ring_all(self._store)
                reconcile(self._store, self._queues, self._queues.waiting(), ahead_s=self._walltime.ahead_s(LEASE_S))
        except SuchlikeError as error:
            logger.warning("%s", error)

    def stop(self) -> None:
        """Stops the crawls it started; they can be resumed."""
        for crawl in self._crawls:
            crawl.terminate()
        for crawl in self._crawls:
            crawl.wait()
        with contextlib.suppress(StoreError):  # how they ended is told by the runs too
            self._reap()
        self._queues.close()
        if self._announcer.rest(TOLD_S):
            self._store.close()

    def _heed(self, config: Config) -> None:
        """Starts and tells from now on as this says. Raises ConfigError."""
        self._schedules = schedules_of(config)
        self._profiles = set(config.profile)
        self._announcer = Announcer(config, self._store)

    def _read_again(self) -> None:
        """Heeds what the file says now; where that means nothing, what it said last."""
        if not self._file.changed():
            return
        try:
            self._heed(load(self._config.path))
        except SuchlikeError as error:
            logger.warning("%s Schedules and alerts stay as they were.", error)

    def _start(self, due: Due) -> None:
        command = [sys.executable, "-m", "crawler", "-C", str(self._config.path), "--quiet"]
        if due.schedule in self._profiles:
            command += ["--profile", due.schedule]
        logger.info("starting %s", due.schedule)
        crawl = subprocess.Popen(
            [*command, "run"], stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=child_of_this_process(),  # noqa: PLW1509  # it only makes a system call
        )  # fmt: skip
        self._crawls[crawl] = due

    def _reap(self) -> None:
        for crawl in [held for held in self._crawls if held.poll() is not None]:
            due = self._crawls[crawl]
            with self._store.write() as connection:
                slots.end(connection, due.schedule, due.slot_at, now=time.time(), exit_code=crawl.returncode)
            del self._crawls[crawl]
            logger.info("%s ended with %s", due.schedule, crawl.returncode)


class _File:
    """A file that somebody may write to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stamped()

    def changed(self) -> bool:
        """Whether it is another since this was asked last."""
        before, self._stamp = self._stamp, self._stamped()
        return self._stamp != before

    def _stamped(self) -> tuple[int, int] | None:
        try:
            said = self._path.stat()
        except OSError:
            return None
        return said.st_mtime_ns, said.st_size
