"""The functions RQ may call, and the job class that calls no others.

Whoever can write to Redis can name any function of any module (rq#2389; JSON does not prevent it), so the name
is looked up in an allow-list and never imported, and a job's callbacks and webhooks are ignored.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from rq.exceptions import DeserializationError
from rq.job import Job

from pipelines import holders
from pipelines.config import Config
from pipelines.errors import StoreError, is_away
from pipelines.stages import LEASE_S, RENEW_S, TAKES, Stage, Watch, unwatched
from pipelines.stores import Store, ledger, open_store
from workers import build
from workers.queues import RUN_STAGE, Sender

# a database that is away, or a disk that is full, is not asked again at once
AWAY_S = 2.0
# databases take no larger one
_MAX_ROW = 1 << 63


class Worked:
    """What a worker process works with: made before it `forks`, so that children need not make it again."""

    def __init__(
        self, config: Config, stage: str, sender: Sender, watch: Watch = unwatched, *, forks: bool = True
    ) -> None:
        self.store: Store = open_store(config.database, forks=forks)
        self.stages: dict[str, Stage] = {stage: build.stage(stage, self.store, config)}
        self.sender = sender
        self.watch = watch


class Renewing:
    """A stage's watch, which also says from time to time that somebody is still at its rows."""

    def __init__(self, worked: Worked, rows: list[int]) -> None:
        self._worked = worked
        self._rows = rows
        self._renewed = time.monotonic()

    def __call__(self, row: int) -> None:
        """Before each row, and before the writing down (row 0)."""
        self._worked.watch(row)
        now = time.monotonic()
        if now - self._renewed > RENEW_S:
            self._renewed = now
            with self._worked.store.write() as connection:
                ledger.renew(connection, self._rows, until=time.time() + LEASE_S, by=holders.mine())


_worked: Worked | None = None


def work_with(worked: Worked) -> None:
    """Gives this process's jobs their stages."""
    global _worked  # noqa: PLW0603  # RQ calls a plain function; this is the only way to hand it anything
    _worked = worked


def run_stage(stage: str, rows: list[int]) -> None:
    """Runs a stage on rows and rings the stages that follow. Rows it could not finish are released at once."""
    worked = _held()
    try:
        rings = worked.stages[stage].run(rows, Renewing(worked, rows))
    except Exception as error:  # the edge of a process: whatever it was, the rows must not wait for their lease
        _let_go(stage, rows, error)
        raise
    for following, ringing in rings.items():
        if ringing:
            worked.sender.send(following, ringing)


def _held() -> Worked:
    assert _worked is not None, "work_with() comes first"
    return _worked


def _let_go(stage: str, rows: list[int], error: Exception) -> None:
    """Rows that a stage could not finish are rung again: soon, or once there may be room, or a database, again."""
    with contextlib.suppress(StoreError), _held().store.write() as connection:
        if is_away(error):
            ledger.begin_not(connection, rows, state=TAKES[stage], until=time.time() + AWAY_S, by=holders.mine())
        else:
            ledger.release(connection, rows, now=time.time(), by=holders.mine())


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
