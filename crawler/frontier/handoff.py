"""Where Scrapy ends: one SQL transaction a batch carries what was fetched and found into the ledger, and brings back
the next URLs. Runs in a thread of its own, so that the event loop never waits for a database."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from crawler.frontier.batch import Batch, HostNote
from crawler.reading.gate import LOW
from pipelines import disk, trail
from pipelines.rhythm import Bounds
from pipelines.stages import RING_S
from pipelines.stores import (
    Connection,
    Store,
    allotment,
    discovery,
    fetches,
    hosts,
    leases,
    ledger,
    runs,
    tallies,
    traps,
    visits,
    waking,
)
from pipelines.stores.allotment import LEASE_S, HostLease
from pipelines.stores.runs import Run
from pipelines.stores.states import State
from pipelines.trail import Step
from pipelines.walltime import Walltime
from workers.queues import Sender

# pages waiting for the workers, at whatever stage, before the crawler pauses
BACKLOG = 2_000
# a host that may be asked only after this is not waited for
HORIZON_S = 120.0
# of many pages few are kept, and a job costs the queue as much for two as for sixty: pages wait for others for a tenth
# of the time a crawl has taken so far, within these bounds, so that whoever watches it begin sees what it finds
RING_AFTER_S, RING_EVERY_S = 1.0, 5.0
# how often a crawler says that it lives
RENEW_S = LEASE_S / 4
# between two looks through all matches of a run, so many times as long as the first took
LOOK_RESTS = 50
# a host asked for one file by somebody who does not own it rests a little longer: he does not tell when it came
GUEST_DELAYS = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many hosts and URLs of each the crawler can hold; `held` are the pages it holds already.

    `guests`: hosts it does not hold, and would ask for one file.
    """

    hosts: int
    rows_each: int
    held: int
    guests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What came back. `stop` says why the crawl is over, once it is; `paused` why nothing is given for now.

    `mine` are the hosts it still owns, where that was looked at; `guests` those it may ask for one file now.
    `matched`, where that was looked at: how many matches the run has, and a quick score that few of them lie below.
    """

    leases: list[HostLease]
    stop: str | None = None
    paused: str = ""
    mine: frozenset[int] | None = None
    guests: tuple[str, ...] = ()
    matched: tuple[int, float] | None = None


class Handoff:
    """The crawler's door to the ledger. Safe to call from any thread, one at a time.

    `clock` tells seconds since 1970, `monotonic` seconds that nobody sets.
    """

    def __init__(
        self, store: Store, sender: Sender, *, run: int, holder: str, together: int = 1,
        clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """`together`: rows that are worth a ring of their own; fewer wait for others, for RING_EVERY_S at most."""
        self._store = store
        self._sender = sender
        self._together = together
        self._run = run
        self._holder = holder
        self._clock = clock
        self._monotonic = monotonic
        self._walltime = Walltime(clock, monotonic)
        self._renewed = self._look_at = -math.inf
        self._unrung: list[int] = []
        self._rung_at = 0.0
        self._began = monotonic()

    def exchange(self, batch: Batch, wanted: Wanted) -> Given:
        """Hands `batch` over and leases what is `wanted`, in one transaction; then rings the parse stage."""
        matched = self._matched()
        with self._store.write() as connection:
            # first of all, since crawlers find the same URLs: in PostgreSQL they would lock each other out half-way
            asked = runs.get(connection, self._run, lock=True)
            if self._walltime.set_by_s():  # looked at before it is read: who sees it set must go by the new time
                self._renewed = -math.inf  # for others our leases may have run out by that
            now = self._clock()  # only now: there may have been a long wait for the lock
            parse = fetches.record(connection, batch.fetched, run=self._run, ring_after=now + RING_S)
            fetches.refuse(connection, batch.refused, now=now)
            steps = self._steps(connection, batch) if trail.is_kept() else []
            visits.refused(connection, [row for row, _, _ in batch.refused])
            new = discovery.discover(connection, batch.found, run=self._run, now=now)
            news, bounds = {one.parent for one in new}, Bounds.of(asked.config.crawl)
            visits.note(connection, batch.visited, news, bounds, run=self._run, now=now)
            discovery.rescore(connection, batch.rescored)
            traps.note(connection, batch.traps)
            paces = {host: (note.next_at, note.failures, note.pages) for host, note in batch.notes.items()}
            hosts.note_paces(connection, paces)
            traps.sent(connection, {host: note.sent for host, note in batch.notes.items() if note.sent})
            for host, note in batch.notes.items():
                self._note(connection, host, note, now)
            self._give_back(connection, batch.notes, now)
            mine, steady = None, self._monotonic()
            # by the clock that nobody sets: until one that was set back caught up, nobody would know that we live
            if steady - self._renewed > RENEW_S:
                leases.renew(connection, self._holder, now=now)
                mine = leases.held_by(connection, self._holder)
            given = self._lease(connection, asked, wanted, now)
            given = replace(given, mine=mine, guests=self._reserved(connection, asked, wanted, now), matched=matched)
        if mine is not None:
            self._renewed = steady  # only now: what failed has told nobody that we live
        trail.tell("crawl", steps)
        self._unrung += parse
        if len(self._unrung) >= self._together or self._waited or given.stop or given.paused:
            self.ring()
        return given

    def _matched(self) -> tuple[int, float] | None:
        """What the run's matches tell, now and then: less often the longer it takes, and while nobody waits for it."""
        began = self._monotonic()
        if began < self._look_at:
            return None
        with self._store.read() as connection:
            found = tallies.low_quick(connection, self._run, LOW)
        self._look_at = began + max(RENEW_S, LOOK_RESTS * (self._monotonic() - began))
        return found

    def _steps(self, connection: Connection, batch: Batch) -> list[Step]:
        """What became of the batch's requests, with their addresses."""
        rows = [one.row for one in batch.fetched] + [row for row, _, _ in batch.refused]
        named = ledger.addresses(connection, rows)
        steps = [
            Step(one.row, self._run, named[one.row], one.state, one.reason, one.status)
            for one in batch.fetched if one.row in named
        ]  # fmt: skip
        refused = [
            Step(row, self._run, named[row], State.REFUSED, why) for row, why, _ in batch.refused if row in named
        ]
        return steps + refused

    @property
    def owes_a_ring(self) -> bool:
        """Whether pages are in the ledger for which nobody has rung yet."""
        return bool(self._unrung) and self._waited

    @property
    def _waited(self) -> bool:
        now = self._monotonic()
        return now - self._rung_at > min(RING_EVERY_S, max(RING_AFTER_S, (now - self._began) / 10))

    def ring(self) -> None:
        """Rings for all that was handed over. A page for which nobody rings is found by the reconciler, but late."""
        rows, self._unrung, self._rung_at = self._unrung, [], self._monotonic()
        if rows:
            self._sender.send("parse", rows)

    def _note(self, connection: Connection, host: int, note: HostNote, now: float) -> None:
        if note.verdict:
            hosts.note_robots(connection, host, verdict=note.verdict, text=note.robots, delay_s=note.delay_s, now=now)
        if note.missing is not None:
            hosts.note_missing(connection, host, note.missing)
        for template, why in note.closed.items():
            traps.close(connection, host, template, why)
        if note.address:
            hosts.note_address(connection, host, note.address)
        if note.tdmrep is not None:
            hosts.note_tdmrep(connection, host, note.tdmrep, now=now)

    def _give_back(self, connection: Connection, notes: dict[int, HostNote], now: float) -> None:
        given = {host: (note.unfetched, note.next_at) for host, note in notes.items() if note.give_back or note.give_up}
        leases.give_back(connection, given, holder=self._holder)
        for host, note in notes.items():
            if note.give_up:
                waking.put_back(connection, now=now, host=host)  # what is stored stays so
                hosts.give_up(connection, host, note.give_up)

    def _reserved(self, connection: Connection, asked: Run, wanted: Wanted, now: float) -> tuple[str, ...]:
        config, lived = asked.config, now - self._walltime.ahead_s(LEASE_S)
        until, pace_by = now + GUEST_DELAYS * config.delay_s, config.crawl.pace_by
        return tuple(
            name for name in wanted.guests if leases.reserve(connection, name, until=until, now=lived, pace_by=pace_by)
        )

    def _lease(self, connection: Connection, asked: Run, wanted: Wanted, now: float) -> Given:
        if asked.stopped_by == runs.PAUSED:
            return Given([], paused="the run rests until it is told to go on")
        if asked.ended_at is not None or asked.stopped_by is not None:
            return Given([], stop=asked.stopped_by or "user")
        budget = asked.config.crawl.pages
        left = budget - runs.pages_fetched(connection, self._run) if budget else 1_000_000
        if left <= 0:
            return Given([], stop="budget")
        if crowded := too_many(ledger.in_flight(connection).values()):
            return Given([], paused=crowded)
        if (full := disk.shortage(asked.config)) is not None:
            return Given([], paused=full)
        free = left - runs.pages_leased(connection, self._run) if budget else 1_000_000
        soon, most = now + HORIZON_S, asked.config.crawl.max_per_site
        worth = allotment.floor(connection, left, before=soon, max_per_site=most) if budget and left < 20_000 else 0.0
        leases: list[HostLease] = []
        if wanted.hosts > 0 and free > 0:
            leases = allotment.lease(
                connection, self._holder, run=self._run, now=now, number=wanted.hosts, rows_each=wanted.rows_each,
                at_most=free, worth=worth, max_per_site=most, pace_by=asked.config.crawl.pace_by,
                delay_s=asked.config.delay_s, ahead_s=self._walltime.ahead_s(LEASE_S),
            )  # fmt: skip
        if leases or wanted.held or allotment.anything_left(connection, before=soon, max_per_site=most):
            return Given(leases)
        return Given([], stop="exhausted")


def too_many(waiting: Iterable[int]) -> str:
    """Why crawlers pause while so many pages wait at the stages; empty while they need not."""
    return f"more than {BACKLOG} pages wait for the workers" if sum(waiting) > BACKLOG else ""


def give_back_all(store: Store, holder: str, notes: Sequence[tuple[int, list[int], float]]) -> None:
    """At the end of a crawler: everything it still holds waits again. `notes`: host, URLs not fetched, next_at."""
    with store.write() as connection:
        runs.take_turn(connection)
        leases.give_back(connection, {host: (rows, next_at) for host, rows, next_at in notes}, holder=holder)
        leases.reclaim(connection, now=time.time(), holder=holder)
