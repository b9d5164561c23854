"""What a crawler learned since it last talked to the ledger: of URLs, and of hosts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.visits import Visited


@dataclass(slots=True)
class HostNote:
    """What the crawler learned of a host since the last batch."""

    next_at: float
    failures: int
    pages: int = 0
    give_back: bool = False
    unfetched: list[int] = field(default_factory=list)
    verdict: str | None = None
    robots: str = ""
    delay_s: float | None = None
    tdmrep: str | None = None
    address: str | None = None
    missing: int | None = None
    # pages asked for, by template; templates closed since
    sent: Counter[str] = field(default_factory=Counter)
    closed: dict[str, str] = field(default_factory=dict)
    give_up: str | None = None

    def followed_by(self, later: HostNote) -> HostNote:
        """Both as one: the latest word counts, pages add up."""
        later.pages += self.pages
        if later.verdict is None:
            later.verdict, later.robots, later.delay_s = self.verdict, self.robots, self.delay_s
        if later.tdmrep is None:
            later.tdmrep = self.tdmrep
        if later.missing is None:
            later.missing = self.missing
        later.sent += self.sent
        later.closed |= self.closed
        later.address = later.address or self.address
        later.give_back = later.give_back or self.give_back
        later.unfetched = [*self.unfetched, *later.unfetched]
        later.give_up = later.give_up or self.give_up
        return later


@dataclass(slots=True)
class Batch:
    """What waits to be handed over."""

    fetched: list[Fetched] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    rescored: list[tuple[int, float]] = field(default_factory=list)
    notes: dict[int, HostNote] = field(default_factory=dict)
    visited: list[Visited] = field(default_factory=list)
    # URLs left out: of which host, why; how many, and one of them
    traps: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def trapped(self, host: str, reason: str, url: str) -> None:
        """A URL of a host is left out."""
        number, example = self.traps.get((host, reason), (0, url))
        self.traps[host, reason] = (number + 1, example)

    def __bool__(self) -> bool:
        return bool(self.fetched or self.found or self.refused or self.notes)

    def add(self, later: Batch) -> None:
        """Takes what came after it: this one could not be handed over."""
        self.fetched += later.fetched
        self.found += later.found
        self.refused += later.refused
        self.rescored += later.rescored
        self.visited += later.visited
        for (name, reason), (number, example) in later.traps.items():
            before, first = self.traps.get((name, reason), (0, example))
            self.traps[name, reason] = (before + number, first)
        for host, note in later.notes.items():
            held = self.notes.get(host)
            self.notes[host] = held.followed_by(note) if held else note
