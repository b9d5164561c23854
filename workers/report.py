"""What the broker says of queues and workers."""

from __future__ import annotations

import contextlib

import redis
from rq import Worker
from rq.registry import FailedJobRegistry, StartedJobRegistry

from pipelines.config import Config
from pipelines.stages import NAMES
from workers import broker
from workers.queues import queue


def queues(config: Config) -> tuple[dict[str, dict[str, int]], int]:
    """`({queue: {waiting, running, failed}}, workers)`; zeros while no broker runs."""
    nothing = {name: {"waiting": 0, "running": 0, "failed": 0} for name in NAMES}
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
        return nothing, 0
