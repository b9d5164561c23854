"""When a crawler talks to the ledger, and what it tells and takes: a batch there, hosts and URLs back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.frontier import robots
from crawler.frontier.batch import Batch
from crawler.frontier.guests import Guests
from crawler.frontier.handoff import HORIZON_S, RENEW_S, Given, Wanted, give_back_all
from crawler.frontier.held import Held
from crawler.frontier.owned import Owned
from crawler.frontier.pace import Pace
from crawler.frontier.rules import Rules
from crawler.frontier.traps import PROBED_AFTER
from pipelines.errors import StoreError
from pipelines.stores.allotment import LEASE_S, HostLease

if TYPE_CHECKING:
    from crawler.crawl import Crawl

logger = logging.getLogger(__name__)

ROWS_EACH = 4
BATCH_PAGES = 32
BATCH_S = 1.0
IDLE_S = 0.25
# no two exchanges follow closer
APART_S = 0.05
# what the next owner of a host would have to know is handed over so soon
URGENT_S = 0.1
# a process that could not say for so long that it lives asks nobody anything
FENCE_S = LEASE_S / 2
# at its end a crawl waits so long for what it still asks of the rights of its pages
LINGER_S = 10.0


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came back from a talk, and the rules of each leased host, None where its robots.txt is to be asked for."""

    given: Given
    rules: list[Rules | None]


class Exchange:
    """A process's talks with the ledger, one at a time; `run()` is one of them, due when `is_due`."""

    def __init__(self, crawl: Crawl, owned: Owned, guests: Guests) -> None:
        self._crawl = crawl
        self._owned = owned
        self._guests = guests
        self._handed_at = time.monotonic()
        self._asked_at = 0.0
        self._known_alive_at = time.monotonic()
        self._paused = ""
        self._talk: asyncio.Task[_Heard] | None = None

    @property
    def is_fenced(self) -> bool:
        """Nobody may know that this process lives: its hosts may be somebody else's soon, so it asks them nothing.

        When the clock was set ahead, they may be already: by the time of day, every lease has run out.
        """
        return time.monotonic() - self._known_alive_at > FENCE_S or self._is_doubted

    @property
    def _is_doubted(self) -> bool:
        return self._known_alive_at < self._owned.set_at

    @property
    def is_due(self) -> bool:
        """Whether there is enough to tell, something to tell at once, or nothing left to ask for."""
        now, owned = time.monotonic(), self._owned
        if now - self._known_alive_at > RENEW_S or self._is_doubted or self._crawl.handoff.owes_a_ring:
            return True
        urgent = owned.urgent or self._guests or any(not held.noted for held in owned.hosts.values())
        if urgent and now - self._handed_at > URGENT_S:
            return True
        if owned.batch and (len(owned.batch.fetched) >= BATCH_PAGES or now - self._handed_at > BATCH_S):
            return True
        if owned.stop:
            return bool(owned.batch)
        starving = owned.waiting + owned.flying <= len(owned.hosts) or not owned.hosts
        return starving and (bool(owned.batch) or now - self._asked_at > IDLE_S) and now - self._handed_at > APART_S

    @property
    def lingers(self) -> bool:
        """Whether some host is kept only to be asked of the rights of what was already taken from it."""
        return any(self._lingers(held) for held in self._owned.hosts.values())

    async def run(self) -> None:
        """Hands over what there is and takes what is given. StoreError leaves everything to the next talk."""
        owned = self._owned
        rescored = await self._rescored()
        self._return_empty_hosts()
        for held in owned.hosts.values():
            owned.note(held)
        batch, owned.batch = owned.batch, Batch()
        batch.rescored = rescored
        wanted = Wanted(
            hosts=0 if owned.stop else max(0, self._crawl.concurrency - len(owned.hosts)),
            rows_each=ROWS_EACH,
            held=owned.waiting + owned.flying,
            guests=self._guests.take(),
        )
        owned.urgent = False
        began = time.monotonic()
        self._talk = asyncio.create_task(asyncio.to_thread(self._talked, batch, wanted))
        try:
            # a thread cannot be cancelled: whoever closes us waits for it
            heard = await asyncio.shield(self._talk)
        except StoreError:
            batch.add(owned.batch)
            owned.batch = batch
            raise
        self._handed_at = self._asked_at = time.monotonic()
        self._known_alive_at = began
        for host, note in batch.notes.items():
            if note.verdict is not None and host in owned.hosts:
                owned.hosts[host].noted = True
        self._accept(heard)

    async def close(self) -> None:
        """Waits for a talk that was cut short, hands over what is left, and gives every host back."""
        if self._talk is not None and not self._talk.done():
            with contextlib.suppress(StoreError):
                self._accept(await self._talk)
        await asyncio.to_thread(self._give_back)

    async def _rescored(self) -> list[tuple[int, float]]:
        """What waits is estimated again, in turns, so that answers are not kept waiting."""
        found: list[tuple[int, float]] = []
        for turn in self._crawl.focus.rescoring():
            found += turn
            await asyncio.sleep(0)
        return found

    def _talked(self, batch: Batch, wanted: Wanted) -> _Heard:
        """The talk itself, in a thread; there the rules of hosts are read, too, which may be long."""
        given = self._crawl.handoff.exchange(batch, wanted)
        return _Heard(given, [self._rules(lease) for lease in given.leases])

    def _rules(self, lease: HostLease) -> Rules | None:
        """What a host's robots.txt says, where the ledger knows it."""
        fresh = lease.robots_at is not None and time.time() - lease.robots_at < robots.KEPT_S
        told = fresh and lease.robots_verdict in ("rules", "disallow", "allow")
        return Rules(lease.robots, self._crawl.agent) if told else None

    def _accept(self, heard: _Heard) -> None:
        given, owned = heard.given, self._owned
        owned.stop = owned.stop or given.stop
        if given.mine is not None:
            for held in [one for one in owned.hosts.values() if one.id not in given.mine]:
                owned.lose(held)  # this process was taken for dead
        self._guests.welcome(given.guests)
        if given.matched is not None:
            self._crawl.gate.learn(*given.matched)
        if given.paused and given.paused != self._paused:
            logger.warning("Paused: %s.", given.paused)
        self._paused = given.paused
        owned.look_at_clock()
        for lease, rules in zip(given.leases, heard.rules, strict=True):
            held = self._held(lease, rules)
            owned.take(held, lease.rest_s)
            owned.urgent = owned.urgent or held.given_up is not None

    def _held(self, lease: HostLease, rules: Rules | None) -> Held:
        config = self._crawl.config
        pace = Pace(max(config.delay_s, lease.delay_s or 0.0), next_at=lease.next_at, failures=lease.failures)
        scheme = lease.rows[0].url.partition("://")[0] if lease.rows else "https"
        held = Held(lease.id, lease.name, scheme, pace, rules, deque(lease.rows))
        # what waits was found before the user said that he wants none of it
        held.given_up = self._crawl.scope.refusal(lease.name)
        held.address = lease.address
        held.probes, held.missing = lease.missing is None and lease.pages >= PROBED_AFTER, lease.missing or 0
        for known in lease.templates:
            self._crawl.traps.know(lease.name, *known)
        held.knows_rights = lease.tdmrep_at is not None and time.time() - lease.tdmrep_at < robots.KEPT_S
        return held

    def _lingers(self, held: Held) -> bool:
        patience = LINGER_S if self._owned.stop else HORIZON_S
        soon = held.pace.busy or held.pace.next_at < time.time() + patience
        ended = held.closed or held.given_up or held.pace.hopeless
        return held.asks_rights and soon and self._owned.stop != "user" and not ended

    def _return_empty_hosts(self) -> None:
        """Hosts with nothing left to fetch, closed or not due for long, hopeless ones; all idle ones when stopping."""
        owned, far = self._owned, time.time() + HORIZON_S
        for held in list(owned.hosts.values()):
            if held.pace.busy:
                continue
            later = held.closed or held.given_up or held.pace.next_at > far
            if not (later or owned.stop or held.pace.hopeless or not held.rows) or self._lingers(held):
                continue
            note = owned.note(held)
            note.give_back = True
            note.unfetched = [row.row for row in held.rows]
            note.give_up = held.given_up
            if held.pace.hopeless:
                note.give_up = f"{held.pace.failures} failures in a row"
            del owned.hosts[held.id]

    def _give_back(self) -> None:
        owned, notes = self._owned, []
        for held in owned.hosts.values():
            rows = [*held.rows, held.flying] if held.flying else held.rows
            # an answer that will not be seen counts as just given
            next_at = time.time() + held.pace.delay_s if held.pace.busy else held.pace.next_at
            notes.append((held.id, [row.row for row in rows], next_at or time.time()))
        if owned.batch:
            self._crawl.handoff.exchange(owned.batch, Wanted(hosts=0, rows_each=0, held=1))
        self._crawl.handoff.ring()
        give_back_all(self._crawl.store, self._crawl.holder, notes)
        owned.hosts.clear()
