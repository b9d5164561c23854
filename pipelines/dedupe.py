"""The dedupe stage: an article joins the story it tells, as its canonical one or as a copy of it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pipelines import holders, trail
from pipelines.signature import READ_CHARS, Signature, signature
from pipelines.stages import LEASE_S, RING_S, Rings, Watch
from pipelines.stores import Store, articles, ledger, signatures, stories
from pipelines.stores.ledger import Taken
from pipelines.stores.states import State
from pipelines.trail import Step

# articles of before there were signatures, signed beside each batch
OLDER = 500


class Dedupe:
    """Takes parsed rows. Drops nothing: a copy is kept, and points at the story's canonical article."""

    name = "dedupe"
    reasons: frozenset[str] = frozenset()

    def __init__(self, store: Store) -> None:
        self._store = store

    def run(self, rows: Sequence[int], watch: Watch) -> Rings:
        """See Stage."""
        with self._store.write() as connection:
            signatures.sign_older(connection, OLDER)
            taken = ledger.take(
                connection, State.PARSED, rows, now=time.time(), lease_s=LEASE_S, by=holders.mine(), bodies_too=False
            )
            texts = articles.texts(connection, [one.page.row for one in taken], READ_CHARS)
        signed: list[tuple[Taken, Signature | None]] = []
        for one in taken:
            watch(one.page.row)
            signed.append((one, signature(texts[one.page.row])))
        moved, steps = [], []
        with self._store.write() as connection:
            stories.lock(connection)
            ours = ledger.move_all(connection, taken, to=State.JUDGED, ring_after=time.time() + RING_S)
            for one, its in signed:
                row = one.page.row
                if row in ours:
                    stories.place(connection, row, its)
                    moved.append(row)
                    steps.append(Step(row, one.run, one.page.url, State.JUDGED))
        trail.tell(self.name, steps)
        return {"store": moved}
