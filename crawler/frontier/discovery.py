"""What is new of what pages name, and worth a row: not seen before, within the crawl's bounds, and no trap."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crawler.frontier.seen import Seen
from pipelines import urls as identity
from pipelines.records import Candidate
from pipelines.stores.discovery import Found

if TYPE_CHECKING:
    from crawler.crawl import Crawl

NOT_A_PAGE = "not-a-page"
HEADLINE_WORDS = 4
# of what a page names so many candidates are estimated in one go: more would hold up all other answers for long
TURN = 100


class Discovery:
    """Of one crawler process; the ledger decides about URLs that others have found."""

    def __init__(self, crawl: Crawl) -> None:
        self._crawl = crawl
        self._seen = Seen()

    async def find_all(
        self, found: Sequence[Candidate], *, parent: int | None, likeness: float, depth: int
    ) -> list[Found]:
        """What is new of what a page names, found in turns between which other answers are looked at."""
        new: list[Found] = []
        for first in range(0, len(found), TURN):
            if first:
                await asyncio.sleep(0)
            new += self.find(found[first : first + TURN], parent=parent, likeness=likeness, depth=depth)
        return new

    def find(self, found: Sequence[Candidate], *, parent: int | None, likeness: float, depth: int) -> list[Found]:
        """What is new of what a page names, with its estimate; of what is known the in-link is remembered."""
        focus = self._crawl.focus
        new: list[Candidate] = []
        known: list[Candidate] = []
        for candidate in found:
            if not self.is_new(candidate):
                known.append(candidate)
            elif (why := self._trap(candidate)) is not None:
                if why != NOT_A_PAGE:
                    self._crawl.owned.batch.trapped(identity.host_of(candidate.url), why, candidate.url)
            else:
                new.append(candidate)
        expected = focus.expected(new, parent=parent, parent_likeness=likeness, depth=depth, known=known)
        return [Found(candidate, worth, depth, parent) for candidate, worth in zip(new, expected, strict=True)]

    def is_new(self, candidate: Candidate) -> bool:
        """Whether this process sees the URL for the first time and may follow it; the ledger decides the rest."""
        return self._seen.add(identity.key(candidate.url)) and self._crawl.scope.allows(candidate.url)

    def wants(self, url: str) -> bool:
        """Whether it is worth reading what a page says of a canonical URL: it is new, or waits and few name it.

        May be asked from any thread.
        """
        key = identity.key(url)
        return key not in self._seen or self._crawl.focus.wants(key)

    def has_seen(self, url: str) -> bool:
        """Whether this process has come across the canonical URL."""
        return identity.key(url) in self._seen

    def _trap(self, candidate: Candidate) -> str | None:
        """Why a candidate is not worth a place in the ledger."""
        if candidate.kind != "page":
            return "many-lists" if self._crawl.focus.sated(candidate) else None
        why = identity.looks_like_trap(candidate.url)
        if why == "pagination" and len(f"{candidate.anchor} {candidate.title}".split()) >= HEADLINE_WORDS:
            why = None  # somewhere `page=4711` is an article, and its anchor a headline
        if why is None and self._crawl.traps.closed(identity.host_of(candidate.url), candidate.url):
            why = "repeats"
        return why or ("barren" if self._crawl.focus.barren(candidate) else None)
