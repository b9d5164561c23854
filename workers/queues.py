"""The sending side of RQ: a job names a stage and rows, nothing else, in JSON."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from pipelines import stages
from workers import broker

logger = logging.getLogger(__name__)

# the dotted name of the job function is a wire format: jobs in Redis carry it
RUN_STAGE = "workers.jobs.run_stage"
PAGE_S = 20
FAILURE_TTL_S = 24 * 3600
# stands in a broker that holds what we rang; one that was emptied, or lost its data, has it no more
RUNG_KEY = "suchlike:rung"


class Sender(Protocol):
    """Whoever can ring a stage's doorbell. Losing a ring loses nothing: the reconciler rings again."""

    def send(self, stage: str, rows: Sequence[int], *, batch: int | None = None, first: bool = False) -> bool:
        """Tells the workers of `stage` that `rows` wait, in jobs of `batch`, before all others where these go `first`;
        False when nobody could be told."""
        ...


class Queues:
    """Sends through RQ. If Redis is away, sending is skipped."""

    def __init__(self, address: str, batch: int) -> None:
        self._connection = broker.connect(address)
        self._batch = batch
        self._was_away = self._told = False
        self._server: str | None = None
        self._queues = {name: queue(name, self._connection) for name in stages.NAMES}

    def send(self, stage: str, rows: Sequence[int], *, batch: int | None = None, first: bool = False) -> bool:
        """See Sender."""
        size = batch or self._batch
        jobs = [
            Queue.prepare_data(
                RUN_STAGE, args=(stage, list(rows[at : at + size])), timeout=PAGE_S * (size + 1), result_ttl=0,
                failure_ttl=FAILURE_TTL_S, description=f"{stage} {len(rows[at : at + size])} rows",
                at_front=first,
            )
            for at in range(0, len(rows), size)
        ]  # fmt: skip
        if not jobs:
            return True
        try:
            self._queues[stage].enqueue_many(jobs)
        except (redis.RedisError, OSError) as error:
            if not self._told:
                logger.warning("The broker is away (%s); what it was to be told it hears when it is back.", error)
            self._was_away = self._told = True
            return False
        self._told = False
        return True

    def waiting(self) -> dict[str, int] | None:
        """Jobs waiting in each queue; None when the broker is away."""
        try:
            return {name: held.count for name, held in self._queues.items()}
        except (redis.RedisError, OSError):
            self._was_away = True
            return None

    def forgot(self) -> bool:
        """Whether what the broker was told is lost: it holds nothing, or was away, and what workers had just taken
        from it nobody knows. Asked again, it is not."""
        try:
            emptied = bool(self._connection.set(RUNG_KEY, 1, nx=True))
            server = str(self._connection.info("server").get("run_id"))
        except (redis.RedisError, OSError):
            self._was_away = True
            return False
        # a connection that broke meanwhile was made anew without a word
        began_anew = self._server not in (None, server)
        forgot = emptied or self._was_away or began_anew
        self._was_away, self._server = False, server
        return forgot

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def queue(name: str, connection: redis.Redis) -> Queue:
    """The RQ queue of a stage; JSON, since a pickle in a shared Redis is code."""
    return Queue(name, connection=connection, serializer=JSONSerializer)
