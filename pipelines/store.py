"""The store stage: the page goes to the archive, the article becomes part of the corpus, the row ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pipelines import urls as identity
from pipelines.archive import Archive
from pipelines.judge import Judges
from pipelines.rhythm import Bounds
from pipelines.stages import LEASE_S, Rings, Watch
from pipelines.stores import Connection, Store, articles, bodies, ledger, rhythms, stories
from pipelines.stores.ledger import Taken
from pipelines.stores.schema import State


class Keep:
    """Takes judged rows; they end as stored, or as duplicates of their story's original.

    Rows that already ended elsewhere and still have a body (`archive = "all"`) are archived and nothing more.
    """

    name = "store"
    reasons: frozenset[str] = frozenset({"copy"})

    def __init__(self, store: Store, folder: Path, judges: Judges | None = None) -> None:
        self._store = store
        self._archive = Archive(folder)
        self._judges = judges or Judges(store)

    def run(self, rows: Sequence[int], watch: Watch) -> Rings:
        """See Stage."""
        with self._store.write() as connection:
            taken = ledger.take(connection, State.JUDGED, rows, now=time.time(), lease_s=LEASE_S)
            ended = bodies.left_over(connection, rows)
        for one in taken:
            watch(one.page.row)
        wanted = [one.page for one in taken if self._judges.of(one.run).config.store.archive != "none"]
        wanted = [page for page in wanted if page.body]
        places = self._archive.append(wanted + ended)
        place_of = {page.row: place for page, place in zip(wanted + ended, places, strict=True)}
        with self._store.write() as connection:
            stories.lock(connection)  # who is whose copy must not change meanwhile
            done = [page.row for page in ended]
            for one in taken:
                row = one.page.row
                copy = articles.is_copy(connection, row)
                to = State.DUPLICATE if copy else State.STORED
                if ledger.move(connection, row, one.attempt, to=to, reason="copy" if copy else None):
                    file, offset = place_of.get(row, (None, None))
                    if articles.seal(connection, row, now=time.time(), file=file, offset=offset):
                        self._look_again(connection, one)
                    done.append(row)
            for page in ended:
                articles.note_archived(connection, page.row, *place_of[page.row])
            bodies.discard(connection, done)  # whoever took a row over meanwhile still needs its body
        return {}

    def _look_again(self, connection: Connection, one: Taken) -> None:
        """A match, stored for the first time, is looked at again while it is young."""
        page, bounds = one.page, Bounds.of(self._judges.of(one.run).config.crawl)
        if articles.is_match(connection, page.row):
            rhythms.found_match(
                connection, page.row, bounds, headers=page.headers, digest=identity.digest(page.body), now=time.time()
            )

    def close(self) -> None:
        """Closes the archive's file."""
        self._archive.close()
