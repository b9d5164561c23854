"""The clock process: starts a crawl, as a process of its own, for each slot that is due; and reconciles."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import time

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
from workers.schedules import Schedule
from workers.schedules import schedules as of_config
from workers.tuning import tuned

logger = logging.getLogger(__name__)

RECONCILE_S = 5.0
LOOK_S = 1.0


class Clockwork:
    """`tick()` a few times a second. Crawls it started stop with it, and can be resumed."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._planned = _Planned(config)
        self._store = open_store(config.database, mode=config.mode)
        self._queues = Queues(broker.address(config), tuned(config).batch)
        self._crawls: dict[subprocess.Popen[bytes], Due] = {}
        self._announcer = Announcer(config, self._store)
        self._looked = self._reconciled = 0.0
        self._walltime = Walltime()

    def tick(self) -> None:
        """One look at everything."""
        now = time.monotonic()
        self._announcer.nudge()
        try:
            if now - self._looked >= LOOK_S:
                self._looked = now
                self._reap()
                # one at a time in a folder: the next slot is claimed when this one, or the user's own run, is done
                if not self._crawls and not is_at_work(self._config.path):
                    due = clock.claim_due(self._store, self._planned.now())
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

    def _start(self, due: Due) -> None:
        command = [sys.executable, "-m", "crawler", "-C", str(self._config.path), "--quiet"]
        if due.schedule in self._planned.profiles:
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


class _Planned:
    """The schedules of the project's file, read again when it changes. Raises ConfigError at first, warns later."""

    def __init__(self, config: Config) -> None:
        self._file = config.path / FILE_NAME
        self._stamp = self._stamped()
        self._take(config)

    def now(self) -> list[Schedule]:
        """As the file says now, or as it last said something that means something."""
        stamp = self._stamped()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._take(load(self._file.parent))
            except SuchlikeError as error:
                logger.warning("%s The schedules stay as they were.", error)
        return self._held

    def _take(self, config: Config) -> None:
        self._held = of_config(config)
        self.profiles = set(config.profile)

    def _stamped(self) -> tuple[int, int] | None:
        try:
            said = self._file.stat()
        except OSError:
            return None
        return said.st_mtime_ns, said.st_size
