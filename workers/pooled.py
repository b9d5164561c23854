"""The same send() for recorded pages in bulk: extraction on every core, the other stages in this process."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import TYPE_CHECKING

from pipelines.config import Config
from pipelines.errors import StoreError, is_away
from pipelines.stages import Rings
from pipelines.stores import Store, ledger, open_store
from pipelines.stores.states import State
from workers import build, lifeline
from workers.inline import Inline
from workers.limits import limit_memory, page_alarm
from workers.reconcile import reconcile

if TYPE_CHECKING:
    from pipelines.parse import Parse

logger = logging.getLogger(__name__)

BATCH = 16
# batches handed out for each process: one at work, one at hand
AHEAD = 2

_address = ""


class Pooled:
    """Extracts in `number` processes, forked from this one once it has loaded what they need.

    A page that kills its process, or fails in it, is tried again alone, and ends with that reason at last.
    """

    def __init__(self, store: Store, config: Config, number: int) -> None:
        self._store = store
        self._number = max(1, number)
        self._parse = _parse_over(store)
        self._inline = Inline(build.stages(store, config) | {"parse": self._parse})
        self._pool: ProcessPoolExecutor | None = None
        self._out: dict[Future[Rings], list[int]] = {}
        self._lost = False

    def send(self, stage: str, rows: Sequence[int], *, batch: int | None = None, first: bool = False) -> bool:
        """See workers.queues.Sender. What becomes of rows sent to `parse` is certain after `drain()`."""
        if stage != "parse":
            return self._inline.send(stage, rows, batch=batch)
        size = batch or BATCH
        for at in range(0, len(rows), size):
            self._submit(list(rows[at : at + size]))
        return True

    def drain(self) -> None:
        """Waits until every row that was sent has come to its end."""
        while self._out or self._lost:
            while self._out:
                self._take()
            if self._lost:
                # until a round finds nothing: each takes up only so many, and some may fail once more
                self._lost = any(reconcile(self._store, self, None).values())

    def close(self) -> None:
        """Ends the processes and closes what the stages hold open; what was not drained is left to the next replay."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._inline.close()

    def _submit(self, rows: list[int]) -> None:
        while len(self._out) >= AHEAD * self._number:
            self._take()
        if self._pool is None:
            self._load(rows)
            self._pool = ProcessPoolExecutor(
                self._number,
                multiprocessing.get_context("fork"),
                initializer=_begin,
                initargs=(self._store.address, os.getpid()),
            )
        try:
            self._out[self._pool.submit(_run, rows)] = rows
        except BrokenProcessPool:
            self._mourn(rows)

    def _load(self, rows: list[int]) -> None:
        """Loads here what every process of the pool will need, as a worker does before it forks."""
        self._parse.warm()
        self._parse.prepare(rows)

    def _take(self) -> None:
        """Passes on what has been extracted, as soon as something is."""
        for future in wait(self._out, return_when=FIRST_COMPLETED).done:
            rows = self._out.pop(future)
            try:
                rings = future.result()
            except BrokenProcessPool:
                self._mourn(rows)
                return
            except Exception as error:  # the edge of a process: whatever it was, it costs no other page
                if is_away(error):
                    with contextlib.suppress(StoreError), self._store.write() as connection:
                        ledger.begin_not(connection, rows, state=State.FETCHED, until=time.time())
                    raise
                logger.warning("a page among %d failed, they are tried again: %s", len(rows), rows, exc_info=True)
                self._release(rows)
                continue
            for stage, ringing in rings.items():
                self._inline.send(stage, ringing)

    def _mourn(self, rows: list[int]) -> None:
        """A process died, and the pool with it: who may have killed it is found by trying all again, in `drain`."""
        assert self._pool is not None
        self._pool.shutdown(cancel_futures=True)
        self._pool = None
        lost = [row for some in (rows, *self._out.values()) for row in some]
        self._out.clear()
        self._release(lost)

    def _release(self, rows: list[int]) -> None:
        self._lost = True
        with self._store.write() as connection:
            ledger.release(connection, rows, now=time.time())


def _begin(address: str, parent: int) -> None:
    """In a process of the pool: it dies with us, leaves Ctrl-C to us, and will have a connection of its own."""
    global _address  # noqa: PLW0603  # a pool calls plain functions; this is the only way to hand them anything
    lifeline.die_with(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    limit_memory()
    _address = address


def _run(rows: list[int]) -> Rings:
    try:
        return _own_parse().run(rows, page_alarm)
    finally:
        signal.alarm(0)


@cache
def _own_parse() -> Parse:
    """Made at the first batch: what fails in `_begin` would reach nobody, and be tried for ever."""
    return _parse_over(open_store(_address, create=False, forks=False))


def _parse_over(store: Store) -> Parse:
    from pipelines.parse import Parse  # loads what most commands do without

    return Parse(store)
