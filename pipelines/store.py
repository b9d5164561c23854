"""The store stage: the page goes to the archive, the article becomes part of the corpus, the row ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pipelines import holders, members, trail
from pipelines.archive import Archive
from pipelines.config import Config
from pipelines.rhythm import Bounds
from pipelines.stages import LEASE_S, Rings, Watch
from pipelines.stores import Connection, Store, articles, bodies, forgotten, ledger, rhythms, runs, stories
from pipelines.stores.ledger import Taken
from pipelines.stores.states import State
from pipelines.trail import Step


class Keep:
    """Takes judged rows; they end as stored, or as duplicates of their story's original.

    Rows that already ended elsewhere and still have a body (`archive = "all"`) are archived and nothing more.
    """

    name = "store"
    reasons: frozenset[str] = frozenset({"copy"})

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._archive = Archive(folder)
        self._configs: dict[int, Config] = {}

    def run(self, rows: Sequence[int], watch: Watch) -> Rings:
        """See Stage."""
        with self._store.write() as connection:
            taken = ledger.take(connection, State.JUDGED, rows, now=time.time(), lease_s=LEASE_S, by=holders.mine())
            ended = bodies.ended(connection, rows)
            # a run taken up again may have another configuration
            self._configs = {run: runs.get(connection, run).config for run in {one.run for one in taken}}
        for one in taken:
            watch(one.page.row)
        wanted = [one.page for one in taken if self._configs[one.run].store.archive != "none"]
        wanted = [page for page in wanted if page.body and not page.archived] + [*filter(None, ended.values())]
        place_of = dict(zip([page.row for page in wanted], self._archive.append(wanted), strict=True))
        with self._store.write() as connection:
            stories.lock(connection)  # who is whose copy must not change meanwhile
            copies = articles.copies_among(connection, [one.page.row for one in taken])
            moved, steps = [], []
            for to, reason in ((State.STORED, None), (State.DUPLICATE, "copy")):
                these = [one for one in taken if (one.page.row in copies) == (to is State.DUPLICATE)]
                ours = ledger.move_all(connection, these, to=to, reason=reason)
                for one in these:
                    if one.page.row in ours:
                        moved.append(one)
                        steps.append(Step(one.page.row, one.run, one.page.url, to, reason))
            done = [one.page.row for one in moved]
            fresh = articles.seal(connection, done, now=time.time())
            self._look_again(connection, [one for one in moved if one.page.row in fresh])
            # one that was put back to be tried again has another body by now
            done += bodies.left_over(connection, len(ended), among=ended)
            gone = forgotten.among(connection, sorted(place_of.keys() - {one.page.row for one in moved}))
            articles.note_archived(
                connection, {row: place_of[row] for row in done if row in place_of and row not in gone}
            )
            bodies.discard(connection, done)  # whoever took a row over meanwhile still needs its body
        self._take_back([place_of[row] for row in gone])
        trail.tell(self.name, steps)
        return {}

    def _take_back(self, places: Sequence[tuple[str, int]]) -> None:
        """Pages that were forgotten while they were being archived leave the archive again."""
        offsets: dict[str, list[int]] = {}
        for file, offset in places:
            offsets.setdefault(file, []).append(offset)
        members.blank(self._folder, offsets)

    def _look_again(self, connection: Connection, stored: Sequence[Taken]) -> None:
        """Matches, stored for the first time, are looked at again while they are young."""
        matches = articles.matches_among(connection, [one.page.row for one in stored])
        for run, config in self._configs.items():
            pages = [one.page for one in stored if one.run == run and one.page.row in matches]
            if pages:
                rhythms.found_matches(connection, pages, Bounds.of(config.crawl), now=time.time())

    def close(self) -> None:
        """Closes the archive's file."""
        self._archive.close()
