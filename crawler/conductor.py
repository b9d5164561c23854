"""One run from its start to its end: starts the processes it needs, watches budgets, drains every stage, stops all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from crawler.crawl import holder_name, is_dead
from crawler.forecast import AHEAD, Forecast, Promise
from crawler.learner import Learner
from pipelines.config import Config
from pipelines.errors import StoreError, UsageError
from pipelines.rhythm import Bounds
from pipelines.stores import Connection, Store, articles, bodies, hosts, ledger, rhythms, runs
from workers import broker
from workers.queues import Queues
from workers.reconcile import reconcile
from workers.supervise import Supervisor

TICK_S = 0.2
LOOK_S = 0.5
RECONCILE_S = 2.0
BEAT_S = 5.0
# no row has moved for this long, and nobody is left to move one
STALLED_S = 180.0
# a process that cannot even start will not start the tenth time
HOPELESS = 6
# the clock looks whether a run is at work by touching its lock for a moment
LOCK_S = 0.5


@dataclass(slots=True)
class Progress:
    """What the watcher of a run is told."""

    pages: int = 0
    matches: int = 0
    in_flight: int = 0
    seconds: float = 0.0
    stage: str = "crawling"
    latest: list[tuple[float, str, str]] = field(default_factory=list)
    promise: Promise | None = None


class Conductor:
    """Conducts one run. `conduct()` returns why it ended.

    On Ctrl-C the run stays resumable and ends with `user`; a second Ctrl-C waits for nobody.
    """

    def __init__(
        self, config: Config, store: Store, run: int, *, spider: str = "roam",
        tell: Callable[[Progress], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._config = config
        self._store = store
        self._run = run
        self._spider = spider
        self._tell = tell
        self._interrupts = 0
        self._seen = Progress()
        self._stored_until = time.time()
        self._learner = Learner(store, run)
        self.forecast = Forecast()

    def conduct(self) -> str:
        """Runs until a budget is spent, the frontier is empty, or somebody says stop."""
        with _only_one(self._config.path), _Signals(self._interrupt):
            self._take_over()
            embedded = broker.Broker(self._config.path) if self._config.queue.redis == "embedded" else None
            if embedded:
                embedded.start()
            address = broker.address(self._config)
            broker.require(address)
            env = {"SUCHLIKE_REDIS": address, "SUCHLIKE_DATABASE": self._config.database}
            supervisor = Supervisor(self._config.path, env)
            queues = Queues(address, self._config.queue.batch)
            try:
                self._start(supervisor)
                return self._watch(supervisor, queues, embedded)
            finally:
                supervisor.stop(("crawl", "work"), hurry=lambda: self._interrupts > 1)
                self._learner.close()
                queues.close()
                if embedded:
                    embedded.stop()

    def _interrupt(self, _signum: int, _frame: FrameType | None) -> None:
        self._interrupts += 1

    def _take_over(self) -> None:
        """What crawlers that died on this machine still hold is free at once; those that live keep their hosts."""
        now = time.time()
        with self._store.write() as connection:
            for holder in filter(is_dead, hosts.holders(connection)):
                hosts.reclaim(connection, now=now, holder=holder)
                hosts.free_leases(connection, now=now, holder=holder)
            hosts.reclaim(connection, now=now)
            hosts.free_leases(connection, now=now)
            ledger.make_due(connection, now=now)

    def _start(self, supervisor: Supervisor) -> None:
        folder = str(self._config.path)
        # the first page is what the user waits for, so crawlers get the machine first
        for number in range(self._config.crawl.crawlers):
            arguments = ["-C", folder, "crawl-worker", "--run", str(self._run), "--spider", self._spider]
            supervisor.start(f"crawl-{number}", arguments, again=False)
        for number in range(self._config.queue.workers or default_workers()):
            supervisor.start(f"work-parse-{number}", ["-C", folder, "work", "parse"])
        supervisor.start("work-dedupe", ["-C", folder, "work", "dedupe"])
        supervisor.start("work-store", ["-C", folder, "work", "store"])

    def _watch(self, supervisor: Supervisor, queues: Queues, embedded: broker.Broker | None) -> str:
        began = time.monotonic()
        looked = reconciled = beaten = 0.0
        moved_at, moved = began, -1
        while True:
            now = time.monotonic()
            for name, pid, _code in supervisor.tick():
                if name.startswith("crawl"):
                    self._free(pid)
            if hopeless := supervisor.failing("", HOPELESS):
                raise StoreError(f"The process {hopeless} keeps failing; its log is {supervisor.log_of(hopeless)}.")
            if self._interrupts:
                return self._interrupted()
            if now - looked >= LOOK_S:
                looked = now
                if embedded:
                    embedded.keep()
                self._look(now - began)
                crawled = supervisor.finished("crawl")
                reason = self._ended_by()
                if not crawled:
                    self._learner.tick()
                elif not self._seen.in_flight and self._learner.finish():
                    return self._end(reason or self._why_crawlers_ended())
                if reason and not crawled:
                    self._halt(reason)
                progress = self._seen.pages + self._seen.matches * 1_000_003 + self._seen.in_flight * 1_009
                if progress != moved or self._learner.busy:
                    moved, moved_at = progress, now
                if crawled and now - moved_at > STALLED_S:
                    return self._end("stalled")
            if now - reconciled >= RECONCILE_S:
                reconciled = now
                reconcile(self._store, queues, queues.waiting())
            if now - beaten >= BEAT_S:
                beaten = now
                self._beat(wakes=not supervisor.finished("crawl"))
            time.sleep(TICK_S)

    def _beat(self, *, wakes: bool) -> None:
        """Says that this run is at work; what is due to be looked at again waits from now on."""
        now = time.time()
        with self._store.write() as connection:
            runs.beat(connection, self._run, now=now)
            if wakes:
                rhythms.wake_due(connection, Bounds.of(self._config.crawl), now=now)

    def _free(self, pid: int) -> None:
        with self._store.write() as connection:
            hosts.reclaim(connection, now=time.time(), holder=holder_name(pid))
            hosts.free_leases(connection, now=time.time(), holder=holder_name(pid))

    def _look(self, seconds: float) -> None:
        with self._store.read() as connection:
            self._seen.pages = runs.pages_fetched(connection, self._run)
            self._seen.matches = articles.matches(connection, self._run)
            self._seen.in_flight = sum(ledger.in_flight(connection).values()) or self._unarchived(connection)
            latest = articles.best(connection, self._run, self._stored_until, 5)
            waiting = hosts.best_waiting(connection, AHEAD)
        if latest:
            self._stored_until = max(at for *_, at in latest)
        self._seen.latest = [(score, title, site) for score, title, site, _ in latest]
        budget = self._config.crawl.pages
        # what is in flight may still match
        ended = max(0, self._seen.pages - self._seen.in_flight)
        self._seen.promise = self.forecast.look(
            ended, self._seen.matches, waiting, left=budget - self._seen.pages if budget else None
        )
        self._seen.seconds = seconds
        self._tell(self._seen)

    def _unarchived(self, connection: Connection) -> int:
        """Pages that have ended but still wait for the archive; one stands for all."""
        return len(bodies.left_over(connection, limit=1)) if self._config.store.archive == "all" else 0

    def _ended_by(self) -> str | None:
        crawl = self._config.crawl
        if crawl.matches and self._seen.matches >= crawl.matches:
            return "matches"
        if self._config.time_s and self._seen.seconds >= self._config.time_s:
            return "time"
        return None

    def _halt(self, reason: str) -> None:
        """Tells every crawler of this run, wherever it is, to stop; the stages still drain."""
        with self._store.write() as connection:
            runs.halt(connection, self._run, reason)

    def _why_crawlers_ended(self) -> str:
        with self._store.read() as connection:
            budget = self._config.crawl.pages
            return "budget" if budget and runs.pages_fetched(connection, self._run) >= budget else "exhausted"

    def _interrupted(self) -> str:
        """The run is not ended: `run` takes it up again. Crawlers started elsewhere for it hear of it by the store."""
        with contextlib.suppress(StoreError):
            self._halt("user")
        return "user"

    def _end(self, reason: str) -> str:
        with self._store.write() as connection:
            rhythms.put_back(connection, now=time.time())
            runs.end(connection, self._run, reason, now=time.time())
        return reason


def default_workers() -> int:
    """Extraction processes for this machine: all cores but the crawler's, two at least once there are two."""
    cores = os.cpu_count() or 1
    return max(1, cores - 1) if cores > 2 else cores


def is_at_work(folder: Path) -> bool:
    """Whether a run is under way in this project folder."""
    try:
        with _only_one(folder, wait_s=0.0):
            return False
    except UsageError:
        return True


class _only_one:  # reads as the statement it is
    """One conductor a project folder."""

    def __init__(self, folder: Path, wait_s: float = LOCK_S) -> None:
        self._file = folder / ".suchlike" / "run.lock"
        self._wait_s = wait_s

    def __enter__(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self._file.open("a")
        deadline = time.monotonic() + self._wait_s
        while not self._locked():
            if time.monotonic() >= deadline:
                self._lock.close()
                raise UsageError(f"Another run is at work in {self._file.parent.parent}; wait for it or stop it.")
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


class _Signals:
    """SIGINT and SIGTERM ask for an orderly end while the block runs (in the main thread, the only one they reach)."""

    def __init__(self, handler: Callable[[int, FrameType | None], None]) -> None:
        self._handler = handler

    def __enter__(self) -> None:
        self._mine = threading.current_thread() is threading.main_thread()
        if self._mine:
            self._before = [signal.signal(signum, self._handler) for signum in (signal.SIGINT, signal.SIGTERM)]

    def __exit__(self, *_: object) -> None:
        if self._mine:
            for signum, before in zip((signal.SIGINT, signal.SIGTERM), self._before, strict=True):
                signal.signal(signum, before)
