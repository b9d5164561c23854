"""Where Scrapy ends: one SQL transaction a batch carries what was fetched and found into the ledger, and brings back
the next URLs. Runs in a thread of its own, so that the event loop never waits for a database."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.rhythm import Bounds
from pipelines.stages import RING_S
from pipelines.stores import Connection, Store, hosts, ledger, rhythms, runs
from pipelines.stores.hosts import LEASE_S, HostLease
from pipelines.stores.ledger import Fetched, Found
from pipelines.stores.rhythms import Visited
from pipelines.stores.runs import Run
from pipelines.stores.schema import State
from workers.queues import Sender

# fetched pages waiting for the workers before the crawler pauses
BACKLOG = 2_000
# a host that may be asked only after this is not waited for
HORIZON_S = 120.0


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
    give_up: str | None = None

    def followed_by(self, later: HostNote) -> HostNote:
        """Both as one: the latest word counts, pages add up."""
        later.pages += self.pages
        if later.verdict is None:
            later.verdict, later.robots, later.delay_s = self.verdict, self.robots, self.delay_s
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

    def __bool__(self) -> bool:
        return bool(self.fetched or self.found or self.refused or self.notes)

    def add(self, later: Batch) -> None:
        """Takes what came after it: this one could not be handed over."""
        self.fetched += later.fetched
        self.found += later.found
        self.refused += later.refused
        self.rescored += later.rescored
        self.visited += later.visited
        for host, note in later.notes.items():
            held = self.notes.get(host)
            self.notes[host] = held.followed_by(note) if held else note


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many hosts and URLs of each the crawler can hold; `held` are the pages it holds already."""

    hosts: int
    rows_each: int
    held: int


@dataclass(frozen=True, slots=True)
class Given:
    """What came back. `stop` says why the crawl is over, once it is; `paused` that the workers must catch up."""

    leases: list[HostLease]
    stop: str | None = None
    paused: bool = False


class Handoff:
    """The crawler's door to the ledger. Safe to call from any thread, one at a time."""

    def __init__(self, store: Store, sender: Sender, *, run: int, holder: str) -> None:
        self._store = store
        self._sender = sender
        self._run = run
        self._holder = holder
        self._renewed = 0.0

    def exchange(self, batch: Batch, wanted: Wanted) -> Given:
        """Hands `batch` over and leases what is `wanted`, in one transaction; then rings the parse stage."""
        now = time.time()
        with self._store.write() as connection:
            # first of all, since crawlers find the same URLs: in PostgreSQL they would lock each other out half-way
            asked = runs.get(connection, self._run, lock=True)
            parse = ledger.record(connection, batch.fetched, run=self._run, ring_after=now + RING_S)
            ledger.refuse(connection, batch.refused, now=now)
            rhythms.refused(connection, [row for row, _, _ in batch.refused])
            new = ledger.discover(connection, batch.found, run=self._run, now=now)
            news, bounds = {one.parent for one in new}, Bounds.of(asked.config.crawl)
            rhythms.note(connection, batch.visited, news, bounds, run=self._run, now=now)
            ledger.rescore(connection, batch.rescored)
            paces = {host: (note.next_at, note.failures, note.pages) for host, note in batch.notes.items()}
            hosts.note_paces(connection, paces)
            for host, note in batch.notes.items():
                self._note(connection, host, note, now)
            if now - self._renewed > LEASE_S / 4:
                hosts.renew(connection, self._holder, now=now)
                self._renewed = now
            given = self._lease(connection, asked, wanted, now)
        if parse:
            self._sender.send("parse", parse)
        return given

    def _note(self, connection: Connection, host: int, note: HostNote, now: float) -> None:
        if note.verdict:
            hosts.note_robots(connection, host, verdict=note.verdict, text=note.robots, delay_s=note.delay_s, now=now)
        if note.give_back or note.give_up:
            hosts.give_back(connection, host, note.unfetched, holder=self._holder, next_at=note.next_at)
        if note.give_up:
            hosts.give_up(connection, host, note.give_up)

    def _lease(self, connection: Connection, asked: Run, wanted: Wanted, now: float) -> Given:
        if asked.ended_at is not None or asked.stopped_by is not None:
            return Given([], stop=asked.stopped_by or "user")
        budget = asked.config.crawl.pages
        left = budget - runs.pages_fetched(connection, self._run) if budget else 1_000_000
        if left <= 0:
            return Given([], stop="budget")
        if ledger.in_flight(connection)[State.FETCHED] > BACKLOG:
            return Given([], paused=True)
        free = left - runs.pages_leased(connection, self._run) if budget else 1_000_000
        soon, most = now + HORIZON_S, asked.config.crawl.max_per_site
        worth = hosts.floor(connection, left, before=soon, max_per_site=most) if budget and left < 20_000 else 0.0
        leases: list[HostLease] = []
        if wanted.hosts > 0 and free > 0:
            leases = hosts.lease(
                connection, self._holder, run=self._run, now=now, number=wanted.hosts, rows_each=wanted.rows_each,
                at_most=free, worth=worth, max_per_site=most,
            )  # fmt: skip
        if leases or wanted.held or hosts.anything_left(connection, before=soon, max_per_site=most):
            return Given(leases)
        return Given([], stop="exhausted")


def give_back_all(store: Store, holder: str, notes: Sequence[tuple[int, list[int], float]]) -> None:
    """At the end of a crawler: everything it still holds waits again. `notes`: host, URLs not fetched, next_at."""
    with store.write() as connection:
        for host, rows, next_at in notes:
            hosts.give_back(connection, host, rows, holder=holder, next_at=next_at)
        hosts.reclaim(connection, now=time.time(), holder=holder)
