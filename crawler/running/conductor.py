"""One run from its start to its end: has the processes it needs, watches budgets, drains every stage, stops all."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from crawler.alerts.announcer import Announcer
from crawler.fetching import proxy
from crawler.running.interrupts import Interrupts
from crawler.running.learner import Learner
from crawler.running.lookout import Lookout, Progress
from crawler.running.processes import Processes
from pipelines.config import Config
from pipelines.errors import StoreError, UnreachableError
from pipelines.holders import holder_name, is_dead
from pipelines.rhythm import Bounds
from pipelines.stores import Store, leases, ledger, runs, waking
from pipelines.stores.allotment import LEASE_S
from pipelines.walltime import Walltime
from workers import broker
from workers.reconcile import clock_set_back, reconcile, ring_all

logger = logging.getLogger(__name__)

TICK_S = 0.2
LOOK_S = 0.5
RECONCILE_S = 2.0
BEAT_S = 5.0
# no row has moved for this long, and nobody is left to move one
STALLED_S = 180.0
# a database or a broker that is away comes back; after this long the run ends with the error, to be taken up again
PATIENCE_S = 1800.0
AWAY_S = 1.0
# alerts that take longer are left to the clock, or to the next run
TOLD_S = 30.0


@dataclass(slots=True)
class _Times:
    """When things were last done, on the clock that no one sets."""

    began: float
    looked: float = 0.0
    reconciled: float = 0.0
    beaten: float = 0.0
    moved_at: float = 0.0
    moved: int = -1
    away_since: float | None = None


class Conductor:
    """Conducts one run. `conduct()` returns why it ended.

    On Ctrl-C the run stays resumable and ends with `user`; a second Ctrl-C waits for nobody.
    """

    def __init__(
        self, config: Config, store: Store, run: int, *, tell: Callable[[Progress], None] = lambda _: None
    ) -> None:  # fmt: skip
        self._config = config
        self._store = store
        self._run = run
        self._interrupts = Interrupts()
        self._processes = Processes(config, run, hurry=lambda: self._interrupts.number > 1)
        self._lookout = Lookout(config, store, run, tell)
        self._learner = Learner(store, run)
        self._announcer = Announcer(config, store)
        self._walltime = Walltime()
        self.forecast = self._lookout.forecast

    def conduct(self) -> str:
        """Runs until a budget is spent, the frontier is empty, or somebody says stop; the caller holds the RunLock."""
        with self._interrupts:
            self._take_over()
            try:
                with self._processes:
                    return self._watch()
            finally:
                self._learner.close()
                self._announcer.finish(0.0 if self._interrupts.number else TOLD_S)

    def _take_over(self) -> None:
        """What crawlers that died on this machine still hold is free at once; those that live keep their hosts."""
        now = time.time()
        with self._store.write() as connection:
            for holder in filter(is_dead, leases.holders(connection)):
                leases.reclaim(connection, now=now, holder=holder)
                leases.free_leases(connection, now=now, holder=holder)
            leases.reclaim(connection, now=now)
            leases.free_leases(connection, now=now)
            ledger.unrung(connection, now=now)

    def _watch(self) -> str:
        at = _Times(time.monotonic())
        at.moved_at = at.began
        while True:
            self._announcer.nudge()
            died = self._processes.tend()
            if any(code == proxy.AWAY_CODE for _, code in died):
                raise proxy.away(self._config.crawl.proxy)
            if self._interrupts.number:
                self._lookout.stopping(time.monotonic() - at.began)
                return self._interrupted()
            try:
                reason = self._round(at, [pid for pid, _ in died])
            except UnreachableError as error:
                self._bear(error, at)
                reason = None
            if reason is not None:
                return reason
            time.sleep(TICK_S)

    def _bear(self, error: UnreachableError, at: _Times) -> None:
        """Storage or broker is away: everybody waits for it, and so do we. Raises the error once that is too long."""
        at.moved_at = now = time.monotonic()  # nothing can move
        at.away_since = at.away_since or now
        if now - at.away_since > PATIENCE_S:
            raise error
        if self._lookout.seen.trouble != str(error):
            logger.warning("%s Waiting for it.", error)
        self._lookout.trouble(str(error), now - at.began)
        time.sleep(AWAY_S)

    def _round(self, at: _Times, died: Sequence[int]) -> str | None:
        """One look at everything; why the run is over, once it is."""
        for pid in died:
            self._free(pid)
        now = time.monotonic()
        if now - at.looked >= LOOK_S:
            at.looked = now
            self._processes.require_broker()
            self._lookout.look(now - at.began)
            # counting takes longer the more there is: a tenth of the time at most
            at.looked = now + max(0.0, 10 * (time.monotonic() - now) - LOOK_S)
            crawled = self._processes.crawled
            if crawled and self._lookout.wants_more:
                self._lookout.raised = crawled = False
                self._processes.start_crawlers()
            reason = self._reason_to_end(crawled, at, now)
            if reason is not None:
                return self._end(reason)
        if now - at.reconciled >= RECONCILE_S:
            at.reconciled = now
            self._reconcile()
            at.away_since, self._lookout.seen.trouble = None, ""
        if now - at.beaten >= BEAT_S:
            at.beaten = now
            self._beat(wakes=not self._processes.crawled)
        return None

    def _reconcile(self) -> None:
        """Nothing waits for a ring that was lost, and a clock that was set back makes nobody wait.

        BrokerError when the broker is away, unless it is our own, which is started again.
        """
        queues = self._processes.queues
        if back := self._walltime.set_back_s():
            clock_set_back(self._store, back, hosts_too=True)
        if queues.forgot():
            ring_all(self._store)
        waiting = queues.waiting()
        self._processes.grow(self._lookout.unparsed)
        reconcile(self._store, queues, waiting, ahead_s=self._walltime.ahead_s(LEASE_S))
        if waiting is None and self._config.queue.redis != "embedded":
            broker.require(self._config.queue.redis)

    def _reason_to_end(self, crawled: bool, at: _Times, now: float) -> str | None:
        reason, seen = self._lookout.spent(), self._lookout.seen
        if not crawled:
            self._learner.tick()
        elif not seen.in_flight and self._learner.finish():
            return reason or self._why_crawlers_ended()
        if reason and not crawled:
            self._halt(reason)
        progress = seen.pages + seen.matches * 1_000_003 + seen.in_flight * 1_009
        if progress != at.moved or self._learner.busy:
            at.moved, at.moved_at = progress, now
        return "stalled" if crawled and now - at.moved_at > STALLED_S else None

    def _beat(self, *, wakes: bool) -> None:
        """Says that this run is at work; what is due to be looked at again waits from now on."""
        now = time.time()
        with self._store.write() as connection:
            runs.beat(connection, self._run, now=now)
            if wakes:
                waking.wake_due(connection, Bounds.of(self._config.crawl), now=now)

    def _free(self, pid: int) -> None:
        with self._store.write() as connection:
            leases.reclaim(connection, now=time.time(), holder=holder_name(pid))
            leases.free_leases(connection, now=time.time(), holder=holder_name(pid))

    def _halt(self, reason: str) -> None:
        """Tells every crawler of this run, wherever it is, to stop; the stages still drain."""
        with self._store.write() as connection:
            runs.halt(connection, self._run, reason)

    def _why_crawlers_ended(self) -> str:
        with self._store.read() as connection:
            budget = self._lookout.seen.budget
            spent = budget and runs.pages_fetched(connection, self._run) >= budget
            return "budget" if spent else "exhausted"

    def _interrupted(self) -> str:
        """The run is not ended: `run` takes it up again. Crawlers started elsewhere for it hear of it by the store."""
        with contextlib.suppress(StoreError):
            self._halt(runs.USER)
        return runs.USER

    def _end(self, reason: str) -> str:
        self._lookout.end()
        with self._store.write() as connection:
            runs.take_turn(connection)
            waking.put_back(connection, now=time.time())
            if reason == runs.USER:  # whose run goes on when it is asked for again
                return reason
            runs.end(connection, self._run, reason, now=time.time())
        return reason
