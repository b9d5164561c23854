"""Learns again while a crawl goes on, beside the conductor's loop, which must not wait for it."""

from __future__ import annotations

import threading

from crawler.rating import learn_on
from pipelines import rejudge
from pipelines.stores import Store, editions


class Learner:
    """One thread at a time: `tick()` starts one when enough has been judged, `finish()` a last one."""

    def __init__(self, store: Store, run: int) -> None:
        self._store = store
        self._run = run
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._finished = False
        self._begun = False
        self._stop = threading.Event()

    def tick(self) -> None:
        """Looks whether it is time to learn. Raises what the last thread failed with."""
        if self.busy:
            return
        self._finished = False  # the budget may have been raised after the last look
        # a run taken up again may be judged by another threshold than its articles were
        if not self._begun or self._due():
            self._begun = True
            self._start()

    def finish(self) -> bool:
        """Whether nothing is left to judge anew; starts the last look if there was none since the crawl ended."""
        if self.busy:
            return False
        if not self._finished:
            self._finished = True
            self._start()
            return False
        return True

    @property
    def busy(self) -> bool:
        """Whether a thread is at it. Raises what the last one failed with."""
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None
            if self._error:
                error, self._error = self._error, None
                # it was not learned: once whatever failed is back, it is tried again
                self._begun = self._finished = False
                raise error
        return self._thread is not None

    def close(self) -> None:
        """Ends the thread after the batch it is at; what it leaves is judged by the next run."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _due(self) -> bool:
        with self._store.read() as connection:
            family, learned_from = editions.learned_from(connection, self._run)
            if learned_from >= rejudge.MILESTONES[-1]:
                return False
            return rejudge.due(editions.count(connection, family), learned_from)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._learn, name="learner", daemon=True)
        self._thread.start()

    def _learn(self) -> None:
        try:
            learn_on(self._store, self._run, self._stop.is_set, last=self._finished)
        except Exception as error:  # told by the conductor, whose thread ends in one sentence
            self._error = error
