"""The functions RQ may call, and the job class that calls no others.

Whoever can write to Redis can name any function of any module (rq#2389; JSON does not prevent it), so the name
is looked up in an allow-list and never imported, and a job's callbacks and webhooks are ignored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rq.exceptions import DeserializationError
from rq.job import Job

from pipelines.config import Config
from pipelines.stages import Stage, Watch, unwatched
from pipelines.stores import Store, ledger, open_store
from workers import build
from workers.queues import RUN_STAGE, Sender

# databases take no larger one
_MAX_ROW = 1 << 63


class Worked:
    """What a worker process works with: made before it forks, so that children need not make it again."""

    def __init__(self, config: Config, sender: Sender, watch: Watch = unwatched) -> None:
        self.store: Store = open_store(config.database)
        self.stages: dict[str, Stage] = build.stages(self.store, config)
        self.sender = sender
        self.watch = watch


_worked: Worked | None = None


def work_with(worked: Worked) -> None:
    """Gives this process's jobs their stages."""
    global _worked  # noqa: PLW0603  # RQ calls a plain function; this is the only way to hand it anything
    _worked = worked


def run_stage(stage: str, rows: list[int]) -> None:
    """Runs a stage on rows and rings the stages that follow. Rows it could not finish are released at once."""
    assert _worked is not None, "work_with() comes first"
    try:
        rings = _worked.stages[stage].run(rows, _worked.watch)
    except Exception:  # the edge of a process: whatever it was, the rows must not wait for their lease
        with _worked.store.write() as connection:
            ledger.release(connection, rows, now=time.time())
        raise
    for following, ringing in rings.items():
        if ringing:
            _worked.sender.send(following, ringing)


_ALLOWED: dict[str, Callable[..., Any]] = {RUN_STAGE: run_stage}


class StageJob(Job):
    """A job that can only be one of ours."""

    @property
    def func(self) -> Callable[..., Any]:
        """The allowed function of this name; ValueError for any other."""
        allowed = _ALLOWED.get(self.func_name or "")
        if allowed is None or self.instance is not None:
            raise ValueError(f"a job may not call {self.func_name!r}")
        return allowed

    @property
    def success_callback(self) -> None:
        """None: jobs of ours have no callbacks."""
        return

    failure_callback = success_callback
    stopped_callback = success_callback

    def send_webhooks(self, *_: object, **__: object) -> None:
        """Sends nothing: their addresses are a field of the job, so whoever writes to Redis could aim them."""


def rows_of(job: Job) -> list[int]:
    """The rows a job names; ValueError where it names none."""
    try:
        _, rows = job.args
    except (TypeError, ValueError, DeserializationError):
        rows = None
    if not isinstance(rows, list) or not all(type(row) is int and 0 < row < _MAX_ROW for row in rows):
        raise ValueError("a job names a stage and rows")
    return rows
