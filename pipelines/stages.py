"""The stages a fetched page passes, in order, and what every stage promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pipelines.stores.states import State

# rows the next stages are to be rung for, by stage name
Rings = dict[str, list[int]]
Watch = Callable[[int], None]

NAMES = ("parse", "dedupe", "store")
TAKES = {"parse": State.FETCHED, "dedupe": State.PARSED, "store": State.JUDGED}
# renewed before each page, of which none may take longer than 20 seconds: whoever says nothing for so long is dead
LEASE_S = 25.0
RENEW_S = 2.0
# how long the doorbell is trusted before the reconciler rings again: whoever took the job may have died before it began
RING_S = 8.0


class Stage(Protocol):
    """One step of the pipeline, made once a process.

    Takes rows that wait in its state, works, and moves each in one transaction together with what the work
    produced, or ends it with a reason it declared. Running it twice on a row is running it once.
    """

    name: str
    reasons: frozenset[str]

    def run(self, rows: Sequence[int], watch: Watch) -> Rings:
        """Works on `rows`; calls `watch(row)` before each, so that the caller can bound its time."""
        ...


def unwatched(_row: int) -> None:
    """A watch that bounds nothing."""
