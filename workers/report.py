"""What the broker says of queues and workers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import redis
from rq import Worker
from rq.registry import FailedJobRegistry, StartedJobRegistry

from pipelines.config import Config
from pipelines.stages import NAMES
from workers import broker
from workers.queues import queue


def queues(config: Config) -> tuple[dict[str, dict[str, int]], int]:
    """`({queue: {waiting, running, failed}}, workers)`; zeros while no broker runs."""
    try:
        with contextlib.closing(broker.connect(broker.address(config))) as connection:
            counts = {}
            for name in NAMES:
                held = queue(name, connection)
                # registries' own counts would clean up as a side effect, which is the workers' business
                counts[name] = {
                    "waiting": held.count,
                    "running": int(connection.zcard(StartedJobRegistry(queue=held).key)),
                    "failed": int(connection.zcard(FailedJobRegistry(queue=held).key)),
                }
            return counts, Worker.count(connection=connection)
    except (redis.RedisError, OSError):
        return _nothing(), 0


def _nothing() -> dict[str, dict[str, int]]:
    return {name: {"waiting": 0, "running": 0, "failed": 0} for name in NAMES}


@dataclass(frozen=True, slots=True)
class AtWork:
    """A worker process: where it runs, which queues it serves, and what it is doing (`busy`, `idle` …)."""

    name: str
    machine: str
    queues: tuple[str, ...]
    state: str
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the broker says of queues (see `queues`) and workers; `answers` is False where it says nothing."""

    answers: bool
    queues: dict[str, dict[str, int]]
    workers: list[AtWork]


def told(config: Config) -> Told:
    """Asks the broker, which takes seconds where it is frozen."""
    if not broker.is_up(broker.address(config)):
        return Told(False, _nothing(), [])
    return Told(True, queues(config)[0], workers(config))


def workers(config: Config) -> list[AtWork]:
    """Every worker the broker knows; none while no broker runs."""
    try:
        with contextlib.closing(broker.connect(broker.address(config))) as connection:
            found = [
                AtWork(one.name[:12], one.hostname or "", tuple(one.queue_names()), str(one.get_state()),
                       one.successful_job_count or 0, one.failed_job_count or 0)
                for one in Worker.all(connection=connection)
            ]  # fmt: skip
    except (redis.RedisError, OSError):
        return []
    return sorted(found, key=lambda one: (one.queues, one.name))
