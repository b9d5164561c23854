"""The receiving side: one queue a process, imports warmed before the fork, limits the kernel enforces."""

from __future__ import annotations

import contextlib
import logging
import resource
import signal
import sys
import threading
import time
from typing import Any

import redis
from rq import SimpleWorker, Worker
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from pipelines import extract
from pipelines.config import Config
from pipelines.stages import unwatched
from pipelines.stores import ledger
from workers import broker, jobs, lifeline
from workers.jobs import StageJob, Worked
from workers.queues import PAGE_S, Queues

logger = logging.getLogger(__name__)

# a page that needs more than this is hostile; lxml and regular expressions run in C, where no exception reaches
MEMORY_BYTES = 4 << 30
CPU_S = 900
SETTLE_S = 120
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class KernelAlarm(UnixSignalDeathPenalty):
    """Ends the process at the deadline. RQ raises an Exception instead, which C code never sees and `except` swallows."""

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
    worked: Worked
    asked_to_stop = False

    def request_stop(self, signum: int, frame: Any) -> None:
        """RQ forgets that an idle worker was asked to stop; whoever restarts workers must know."""
        self.asked_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[misc]  # RQ's, mixed in

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: Any) -> None:
        """The batch died with its process: its rows wait no longer than the next reconciliation."""
        logger.warning("a process of %s died (status %s)", job.description, ret_val)
        with contextlib.suppress(Exception):  # the reconciler finds them later all the same
            _, rows = job.args
            with self.worked.store.write() as connection:
                ledger.release(connection, rows, now=time.time())


class ForkingWorker(_OneQueue, Worker):
    """A process for every batch, so that a page that kills it kills nothing else."""

    death_penalty_class = KernelAlarm

    def setup_work_horse_signals(self) -> None:
        """In the child: limits, and its own database connections."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # RQ's
        lifeline.die_with_parent(signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        self.worked.store.engine.dispose(close=False)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Loads what the batch will need before the fork."""
        prepare = getattr(self.worked.stages.get(queue.name), "prepare", None)
        if prepare is not None:
            with contextlib.suppress(ValueError, LookupError):
                prepare(job.args[1])
        super().execute_job(job, queue)


class PlainWorker(_OneQueue, SimpleWorker):
    """Works in its own process: for stages that run no foreign bytes through C parsers."""


def work(config: Config, stage: str) -> None:
    """Works on the queue of one stage until SIGTERM or SIGINT. Lives through an absent broker."""
    stop = threading.Event()
    queues = Queues(broker.address(config), config.queue.batch)
    forks = stage == "parse"
    if forks:
        extract.warm()
    worked = Worked(config, queues, watch=_page_alarm if forks else unwatched)
    jobs.work_with(worked)
    failures = 0
    while not stop.is_set():
        started = time.monotonic()
        try:
            stopped = _serve(config, stage, worked, ForkingWorker if forks else PlainWorker)
        except (redis.RedisError, OSError) as error:
            logger.warning("the broker is away: %s", error)
            stopped = False
        if stopped:
            return
        failures = 0 if time.monotonic() - started > BACKOFF_S[-1] else failures + 1
        stop.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])


def _serve(config: Config, stage: str, worked: Worked, kind: type[Any]) -> bool:
    """One RQ worker until it stops; True when it was asked to."""
    connection = redis.Redis.from_url(broker.address(config))
    with contextlib.closing(connection):
        worker = kind(
            [stage], connection=connection, serializer=JSONSerializer, worker_ttl=45, maintenance_interval=30,
            job_monitoring_interval=5, log_job_description=False,
        )  # fmt: skip
        worker.worked = worked
        worker.work(logging_level="WARNING")
        return bool(worker.asked_to_stop)


def _page_alarm(row: int) -> None:
    """A deadline for each page; row 0 is the writing down, which may wait for the database's lock."""
    signal.alarm(PAGE_S if row else SETTLE_S)
