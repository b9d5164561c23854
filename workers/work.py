"""The receiving side: one queue a process, imports warmed before the fork, limits the kernel enforces."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import SimpleWorker, Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.worker import WorkerStatus

from pipelines import disk, holders
from pipelines.config import Config
from pipelines.errors import StoreError, SuchlikeError
from pipelines.stages import unwatched
from pipelines.stores import ledger
from workers import broker, jobs, lifeline
from workers.jobs import StageJob, Worked, rows_of
from workers.lifeline import Stop
from workers.limits import limit_memory, page_alarm
from workers.queues import Queues
from workers.reconcile import free_of_the_dead
from workers.tuning import tuned

logger = logging.getLogger(__name__)

CPU_S = 900
# an idle worker asks its queue again after ASK_S, and gives up a reply that does not come within REPLY_S
ASK_S, REPLY_S = 2, 5
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
# a full disk is looked at again after this
FULL_S = 5.0
# a batch under way when we are asked to stop has this long to finish
GRACE_S = 3.0


class KernelAlarm(UnixSignalDeathPenalty):
    """Ends the process at the deadline. RQ raises an Exception, which C code never sees and `except` swallows."""

    def setup_death_penalty(self) -> None:
        """Arms the alarm, with the kernel's own handler for jobs."""
        if self._exception is not JobTimeoutException:
            super().setup_death_penalty()  # type: ignore[no-untyped-call]  # RQ's
            return
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(self._timeout)


class _OneQueue:
    """What both kinds of worker share. One queue, since with several RQ loses jobs on kill -9 (rq#1716)."""

    job_class = StageJob
    # a broker that is back is found within seconds; RQ's own limit is a minute
    max_connection_wait_time = 2.0
    dequeue_timeout = ASK_S
    connection_timeout = REPLY_S
    worked: Worked
    stop: Stop
    full: Callable[[], bool]

    def dequeue_job_and_maintain_ttl(self, *arguments: Any, **named: Any) -> Any:
        """Takes the next job; with no room to write anything down none is taken, and the worker is made anew later."""
        if self.full():
            raise StopRequested
        return super().dequeue_job_and_maintain_ttl(*arguments, **named)  # type: ignore[misc]  # RQ's, mixed in

    def heartbeat(self, *arguments: Any, **named: Any) -> None:
        """Before each look at the queue; ends a worker that was asked to when what a signal raises got lost."""
        if self.stop.asked and self.get_state() != WorkerStatus.BUSY:  # type: ignore[attr-defined]  # RQ's, mixed in
            raise StopRequested
        super().heartbeat(*arguments, **named)  # type: ignore[misc]  # RQ's, mixed in

    def subscribe(self) -> None:
        """Takes no commands by Redis: whoever may write there could stop workers, and a thread does not fork well."""

    def procline(self, message: str) -> None:
        """Keeps the name by which people and `ps` know it, its command line; RQ would put its own there."""

    def _shutdown(self) -> None:
        """Asked to stop, in a signal handler: unlike RQ's this asks Redis nothing, which may be away."""
        self.stop.ask()
        if self.get_state() != WorkerStatus.BUSY:  # type: ignore[attr-defined]  # RQ's, mixed in
            raise StopRequested
        self._stop_requested = True
        impatient = threading.Timer(GRACE_S, self.kill_horse)
        impatient.daemon = True
        impatient.start()

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Ends the batch under way, if it has a process of its own. RQ's kills the whole group when it has none."""
        if self.horse_pid:  # type: ignore[attr-defined]  # RQ's, mixed in
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, sig)  # type: ignore[attr-defined]

    def maintain_heartbeats(self, job: Job, execution: Any) -> None:
        """A broker that is away does not concern a batch under way; RQ's worker would leave it and quit."""
        with contextlib.suppress(redis.RedisError, OSError):
            super().maintain_heartbeats(job, execution)  # type: ignore[misc]  # RQ's, mixed in

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: Any) -> None:
        """The batch died with its process: its rows wait no longer than the next reconciliation."""
        logger.warning("a process of %s died (status %s)", job.description, ret_val)
        # where that fails the reconciler finds them all the same, when their lease runs out
        with contextlib.suppress(ValueError, StoreError), self.worked.store.write() as connection:
            ledger.release(connection, rows_of(job), now=time.time(), by=holders.holder_name(retpid))


class ForkingWorker(_OneQueue, Worker):
    """A process for every batch, so that a page that kills it kills nothing else."""

    death_penalty_class = KernelAlarm
    frozen = False

    def setup_work_horse_signals(self) -> None:
        """In the child: limits, and its own database connections."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # RQ's
        assert self.pid is not None
        lifeline.die_with(self.pid, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        limit_memory()
        self.worked.store.engine.dispose(close=False)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Loads what the batch will need before the fork."""
        prepare = getattr(self.worked.stages.get(queue.name), "prepare", None)
        if prepare is not None:
            # whatever is wrong with the job or the store, the child will meet it again and say so
            with contextlib.suppress(ValueError, LookupError, SuchlikeError):
                prepare(rows_of(job))
        if not self.frozen:
            # what is loaded by now stays; a child would otherwise go through all of it, and so copy it, at each batch
            gc.collect()
            gc.freeze()
            self.frozen = True
        super().execute_job(job, queue)


class PlainWorker(_OneQueue, SimpleWorker):
    """Works in its own process: for stages that run no foreign bytes through C parsers."""

    death_penalty_class = KernelAlarm


def work(config: Config, stage: str) -> None:
    """Works on the queue of one stage until SIGTERM or SIGINT. Lives through an absent broker."""
    stop = Stop()
    queues = Queues(broker.address(config), tuned(config).batch)
    forks = stage == "parse"
    worked = Worked(config, stage, queues, watch=page_alarm if forks else unwatched, forks=forks)
    warm = getattr(worked.stages[stage], "warm", None)
    if warm is not None:
        warm()
    jobs.work_with(worked)
    failures = 0
    while True:
        stop.listen()  # RQ's worker takes the signals for as long as it works
        if stop.asked:
            return
        if (full := disk.shortage(config)) is not None:
            logger.warning("Paused: %s.", full)
            stop.wait(FULL_S)
            continue
        started = time.monotonic()
        try:
            _serve(config, stage, worked, ForkingWorker if forks else PlainWorker, stop)
        except StopRequested:  # before RQ listens to it, or after
            pass
        except (redis.RedisError, OSError) as error:
            logger.warning("the broker is away: %s", error)
        stop.listen()
        failures = 0 if time.monotonic() - started > BACKOFF_S[-1] else failures + 1
        stop.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])


def _serve(config: Config, stage: str, worked: Worked, kind: type[Any], stop: Stop) -> None:
    """One RQ worker, until it is asked to stop or its broker leaves it."""
    # one try, at once, for a connection the server has dropped meanwhile; longer waits are made in work()
    connection = redis.Redis.from_url(broker.address(config), retry=Retry(NoBackoff(), 1))
    with contextlib.closing(connection):
        worker = kind(
            [stage], connection=connection, serializer=JSONSerializer, maintenance_interval=30,
            job_monitoring_interval=5, log_job_description=False,
        )  # fmt: skip
        worker.worked, worker.stop = worked, stop
        worker.full = lambda: disk.shortage(config) is not None
        with contextlib.suppress(StoreError):  # nobody else may know who died on this machine
            free_of_the_dead(worked.store)
        try:
            worker.work(logging_level="WARNING")
        finally:
            worker.kill_horse()
            worker.wait_for_horse()
