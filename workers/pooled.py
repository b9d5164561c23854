"""The same send() for recorded pages in bulk: extraction on every core, the other stages in this process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from pipelines.config import Config
from pipelines.stages import Rings, Stage
from pipelines.stores import Store, ledger, open_store
from workers import build, lifeline
from workers.inline import Inline
from workers.limits import limit_memory, page_alarm
from workers.reconcile import reconcile

BATCH = 16
# batches handed out for each process: one at work, one at hand
AHEAD = 2

_parse: Stage | None = None


class Pooled:
    """Extracts in `number` processes, forked once the first batch has warmed this one; with one core, in this one.

    A page that kills its process is tried again alone, and ends with that reason at last.
    """

    def __init__(self, store: Store, config: Config, number: int) -> None:
        self._store = store
        self._config = config
        self._number = number
        self._inline = Inline(build.stages(store, config))
        self._warm = False
        self._pool: ProcessPoolExecutor | None = None
        self._out: dict[Future[Rings], list[int]] = {}
        self._lost = False

    def send(self, stage: str, rows: Sequence[int], *, batch: int | None = None) -> bool:
        """See workers.queues.Sender. What becomes of rows sent to `parse` is certain after `drain()`."""
        if stage != "parse" or self._number < 2:
            return self._inline.send(stage, rows, batch=batch)
        size = batch or BATCH
        for at in range(0, len(rows), size):
            some = list(rows[at : at + size])
            if self._warm:
                self._submit(some)
            else:
                self._inline.send(stage, some)
                self._warm = True
        return True

    def drain(self) -> None:
        """Waits until every row that was sent has come to its end."""
        while self._out or self._lost:
            while self._out:
                self._take()
            if self._lost:
                self._lost = False
                reconcile(self._store, self, None)

    def close(self) -> None:
        """Ends the processes and closes what the stages hold open; what was not drained is left to the next replay."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._inline.close()

    def _submit(self, rows: list[int]) -> None:
        while len(self._out) >= AHEAD * self._number:
            self._take()
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._number,
                multiprocessing.get_context("fork"),
                initializer=_begin,
                initargs=(self._config, os.getpid()),
            )
        try:
            self._out[self._pool.submit(_run, rows)] = rows
        except BrokenProcessPool:
            self._mourn(rows)

    def _take(self) -> None:
        """Passes on what has been extracted, as soon as something is."""
        for future in wait(self._out, return_when=FIRST_COMPLETED).done:
            rows = self._out.pop(future)
            try:
                rings = future.result()
            except BrokenProcessPool:
                self._mourn(rows)
                return
            for stage, ringing in rings.items():
                self._inline.send(stage, ringing)

    def _mourn(self, rows: list[int]) -> None:
        """A process died, and the pool with it: who may have killed it is found by trying all again, in `drain`."""
        assert self._pool is not None
        self._pool.shutdown(cancel_futures=True)
        self._pool = None
        lost = [row for some in (rows, *self._out.values()) for row in some]
        self._out.clear()
        self._lost = True
        with self._store.write() as connection:
            ledger.release(connection, lost, now=time.time())


def _begin(config: Config, parent: int) -> None:
    """In a process of the pool: it dies with us, leaves Ctrl-C to us, and has a connection of its own."""
    global _parse  # noqa: PLW0603  # a pool calls plain functions; this is the only way to hand them anything
    lifeline.die_with(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    limit_memory()
    _parse = build.stage("parse", open_store(config.database, create=False, forks=False), config)


def _run(rows: list[int]) -> Rings:
    assert _parse is not None, "the pool begins with _begin()"
    try:
        return _parse.run(rows, page_alarm)
    finally:
        signal.alarm(0)
