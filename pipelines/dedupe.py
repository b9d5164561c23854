"""The dedupe stage: an article joins the story it tells, as its original or as a copy of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines import signature
from pipelines.stages import LEASE_S, RING_S, Rings, Watch
from pipelines.stores import Connection, Store, articles, ledger, stories
from pipelines.stores.schema import State
from pipelines.stores.stories import Known

# two versions of one canonical address share at least this much, or the address is wrong
SAME_ADDRESS = 0.3


@dataclass(frozen=True, slots=True)
class _Signed:
    row: int
    attempt: int
    shingles: frozenset[str]
    bands: list[tuple[int, int]]
    sha256: str
    canonical_key: int


class Dedupe:
    """Takes parsed rows. Drops nothing: a copy is kept, and points at the story's original."""

    name = "dedupe"
    reasons: frozenset[str] = frozenset()

    def __init__(self, store: Store) -> None:
        self._store = store

    def run(self, rows: Sequence[int], watch: Watch) -> Rings:
        """See Stage."""
        with self._store.write() as connection:
            taken = ledger.take(connection, State.PARSED, rows, now=time.time(), lease_s=LEASE_S, bodies_too=False)
            texts = articles.to_compare(connection, [one.page.row for one in taken])
        signed = []
        for one in taken:
            watch(one.page.row)
            text, sha256, canonical_key = texts[one.page.row]
            shingled = signature.shingles(text)
            bands = signature.bands(signature.signature(shingled))
            signed.append(_Signed(one.page.row, one.attempt, shingled, bands, sha256, canonical_key))
        moved = []
        with self._store.write() as connection:
            stories.lock(connection)
            for article in signed:
                if ledger.move(connection, article.row, article.attempt, to=State.JUDGED,
                               ring_after=time.time() + RING_S):  # fmt: skip
                    self._join(connection, article)
                    moved.append(article.row)
        return {"store": moved}

    @staticmethod
    def _join(connection: Connection, article: _Signed) -> None:
        known = stories.alike(connection, article.row, article.bands, article.sha256, article.canonical_key)
        same = [(other, share) for other in known if (share := _sameness(article, other)) > 0]
        stories.join(connection, article.row, article.bands, same)


def _sameness(article: _Signed, other: Known) -> float:
    """How surely two articles tell the same text, 0 when they do not."""
    if article.sha256 == other.sha256:
        return 1.0
    share = signature.similarity(article.shingles, signature.shingles(other.text))
    needed = SAME_ADDRESS if article.canonical_key == other.canonical_key else signature.SAME
    return share if share >= needed else 0.0
