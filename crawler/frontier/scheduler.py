"""What Scrapy asks for requests: leased hosts, best URL first, each host at its own pace.

Requests are made one by one, when their host may be asked; the ledger holds everything else. Uses only the engine's
public door: `engine.crawl()` puts a request that is due into our queue and wakes the engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import Crawler
from scrapy.utils.defer import deferred_from_coro
from twisted.internet.defer import Deferred

from crawler.addresses import prove_guarded
from crawler.frontier import revisits, robots
from crawler.frontier.pace import Pace
from crawler.frontier.rules import Rules
from crawler.handoff import HORIZON_S, Batch, Given, HostNote, Wanted, give_back_all
from pipelines import urls as identity
from pipelines.errors import StoreError
from pipelines.stores.hosts import HostLease, Waiting
from pipelines.stores.schema import Kind

if TYPE_CHECKING:
    from crawler.crawl import Crawl

logger = logging.getLogger(__name__)

ROWS_EACH = 4
BATCH_PAGES = 32
BATCH_S = 1.0
IDLE_S = 0.25
STORE_RETRY_S = 2.0


@dataclass(slots=True)
class Held:
    """A host this process owns, and its URLs still to fetch, best first."""

    id: int
    name: str
    pace: Pace
    rules: Rules | None
    rows: deque[Waiting] = field(default_factory=deque)
    flying: Waiting | None = None
    pages: int = 0
    robots_url: str | None = None
    robots_hops: int = 0
    verdict: robots.Verdict | None = None
    # nothing more may be asked of it now
    closed: bool = False


class Scheduler(BaseScheduler):
    """Scrapy's SCHEDULER. Its life: `open`, then a pump that sends what is due and exchanges batches, then `close`."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._ready: deque[Request] = deque()
        self._held: dict[int, Held] = {}
        self._flying = 0
        self._batch = Batch()
        self._wake = asyncio.Event()
        self._stop: str | None = None
        self._handed_at = time.monotonic()
        self._asked_at = 0.0
        self._pump: asyncio.Task[None] | None = None
        self._exchanging: asyncio.Task[Given] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Scheduler:
        """Scrapy's way to make one."""
        return cls(crawler)

    def open(self, spider: Spider) -> None:
        """Begins to pump."""
        self._crawl: Crawl = spider.crawl  # type: ignore[attr-defined]  # our spiders carry it
        self._crawl.scheduler = self
        if not self._crawl.config.crawl.allow_private_addresses:
            prove_guarded()
        self._pump = asyncio.get_running_loop().create_task(self._run())

    def has_pending_requests(self) -> bool:
        """Always, until the pump is done: the ledger may hold more than this process knows."""
        return self._stop is None or bool(self._ready)

    def enqueue_request(self, request: Request) -> bool:
        """Takes a request the pump made due."""
        self._ready.append(request)
        return True

    def next_request(self) -> Request | None:
        """The next request that is due."""
        return self._ready.popleft() if self._ready else None

    def close(self, reason: str) -> Deferred[None]:
        """Hands over what is left and gives every host back."""
        self._crawl.ended = reason
        return deferred_from_coro(self._close())

    async def _close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        if self._exchanging is not None and not self._exchanging.done():
            with contextlib.suppress(StoreError):
                self._accept(await self._exchanging)
        await asyncio.to_thread(self._give_back)

    # what the spider tells

    @property
    def batch(self) -> Batch:
        """What waits to be handed over; the spider adds what it fetched and found."""
        return self._batch

    def answered(
        self, host: int, *, failed: bool = False, retry_after_s: float | None = None, page: bool = True
    ) -> None:
        """A request to this host came back."""
        self._flying -= 1
        held = self._held[host]
        held.pace.answered(time.time(), failed=failed, retry_after_s=retry_after_s)
        held.flying = None
        held.pages += page
        self._wake.set()

    def name_of(self, host: int) -> str:
        """The name of a host this process owns."""
        return self._held[host].name

    def robots_moved(self, host: int, url: str) -> bool:
        """robots.txt is elsewhere: asked for there after the host's delay. False after too many such answers."""
        held = self._held[host]
        if held.robots_hops >= robots.REDIRECTS:
            return False
        held.robots_hops += 1
        held.robots_url = url
        self.answered(host, page=False)
        return True

    def refused(self, host: int, reason: str, detail: str) -> None:
        """This host may not be asked at all: none of its URLs held here is."""
        self.answered(host, page=False)
        held = self._held[host]
        self._batch.refused += [(row.row, reason, detail) for row in held.rows]
        held.rows.clear()

    def robots_answered(self, host: int, status: int | None, body: bytes, retry_after_s: float | None = None) -> None:
        """robots.txt came back (status None: it did not)."""
        self.answered(host, failed=status is None, retry_after_s=retry_after_s, page=False)
        held = self._held[host]
        verdict = robots.judge(status, body, self._crawl.agent)
        held.verdict = verdict
        if verdict.kind == "later":
            held.closed = True
            self._note(held, next_at=time.time() + robots.AGAIN_S).give_back = True
            return
        held.rules = Rules(verdict.text, self._crawl.agent)
        # the delay counts from this very answer
        held.pace.slow_down(verdict.delay_s or 0.0)

    # the pump

    async def _run(self) -> None:
        try:
            await self._until_done()
        except Exception:  # the edge of a task nobody waits for: without an end the crawl would hang for ever
            logger.exception("The crawl failed.")
            self._stop = "failed"
        assert self._crawler.engine is not None
        self._pump = None
        await self._crawler.engine.close_spider_async(reason=self._stop or "finished")

    async def _until_done(self) -> None:
        while True:
            try:
                if self._should_exchange():
                    await self._exchange()
                if self._stop and not self._flying and not self._batch and not self._ready:
                    break
                due = self._send_due()
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), due)
            except StoreError as error:
                logger.error("%s Trying again.", error)
                await asyncio.sleep(STORE_RETRY_S)

    def _should_exchange(self) -> bool:
        now = time.monotonic()
        if self._batch and (len(self._batch.fetched) >= BATCH_PAGES or now - self._handed_at > BATCH_S):
            return True
        if self._stop:
            return bool(self._batch)
        waiting = sum(len(held.rows) for held in self._held.values())
        starving = waiting + self._flying <= len(self._held) or not self._held
        return starving and (bool(self._batch) or now - self._asked_at > IDLE_S) and now - self._handed_at > 0.05

    async def _exchange(self) -> None:
        self._return_empty_hosts()
        for held in self._held.values():
            self._note(held)
        self._batch.rescored = self._crawl.focus.rescored()
        batch, self._batch = self._batch, Batch()
        held_rows = sum(len(held.rows) for held in self._held.values()) + self._flying
        wanted = Wanted(
            hosts=0 if self._stop else max(0, self._crawl.config.crawl.concurrency - len(self._held)),
            rows_each=ROWS_EACH,
            held=held_rows,
        )
        self._exchanging = asyncio.create_task(asyncio.to_thread(self._crawl.handoff.exchange, batch, wanted))
        try:
            # a thread cannot be cancelled: whoever closes us waits for it
            given = await asyncio.shield(self._exchanging)
        except StoreError:
            batch.add(self._batch)
            self._batch = batch
            raise
        self._handed_at = self._asked_at = time.monotonic()
        self._accept(given)

    def _accept(self, given: Given) -> None:
        self._stop = self._stop or given.stop
        for lease in given.leases:
            self._held[lease.id] = self._held_host(lease)

    def _held_host(self, lease: HostLease) -> Held:
        config = self._crawl.config
        pace = Pace(max(config.delay_s, lease.delay_s or 0.0), next_at=lease.next_at, failures=lease.failures)
        fresh = lease.robots_at is not None and time.time() - lease.robots_at < robots.KEPT_S
        rules = Rules(lease.robots, self._crawl.agent) if fresh and lease.robots_verdict in ("rules", "allow") else None
        return Held(lease.id, lease.name, pace, rules, deque(lease.rows))

    def _return_empty_hosts(self) -> None:
        """Hosts with nothing left to fetch, closed or not due for long, hopeless ones; all idle ones when stopping."""
        far = time.time() + HORIZON_S
        for held in list(self._held.values()):
            if held.pace.busy:
                continue
            later = held.closed or held.pace.next_at > far
            if not (later or self._stop or held.pace.hopeless or not held.rows):
                continue
            note = self._note(held)
            note.give_back = True
            note.unfetched = [row.row for row in held.rows]
            if held.pace.hopeless:
                note.give_up = f"{held.pace.failures} failures in a row"
            del self._held[held.id]

    def _note(self, held: Held, next_at: float | None = None) -> HostNote:
        note = self._batch.notes.get(held.id)
        if note is None:
            note = self._batch.notes[held.id] = HostNote(held.pace.next_at, held.pace.failures)
        note.next_at = max(held.pace.next_at, next_at or note.next_at)
        note.failures = held.pace.failures
        note.pages += held.pages
        held.pages = 0
        if held.verdict is not None:
            note.verdict, note.robots, note.delay_s = held.verdict.kind, held.verdict.text, held.verdict.delay_s
            held.verdict = None
        return note

    def _send_due(self) -> float:
        """Sends every request whose host is ready; returns the seconds until the next one may be."""
        now = time.time()
        soonest = now + IDLE_S
        for held in self._held.values():
            if self._stop or not held.rows or held.pace.busy or held.closed:
                continue
            if held.pace.ready(now):
                self._send(held)
            else:
                soonest = min(soonest, held.pace.next_at)
        return max(0.001, soonest - now)

    def _send(self, held: Held) -> None:
        if held.rules is None:
            scheme = held.rows[0].url.partition("://")[0]
            url = held.robots_url or f"{scheme}://{held.name}/robots.txt"
            if self._may_ask(held, url):
                self._fly(held, Request(url, dont_filter=True), "robots", None)
            return
        while held.rows:
            row = held.rows.popleft()
            if held.rules.allows(row.url):
                request = Request(row.url, headers=revisits.conditions(row), dont_filter=True)
                self._fly(held, request, Kind(row.kind).name.lower(), row)
                return
            self._batch.refused.append((row.row, "robots", "robots.txt of the host forbids it"))

    def _may_ask(self, held: Held, url: str) -> bool:
        """Whether a robots.txt on another host may be asked for now; that host's own next request waits for it."""
        name = identity.host_of(url)
        other = next((one for one in self._held.values() if one.name == name and one is not held), None)
        if other is None:
            return True
        now = time.time()
        if not other.pace.ready(now):
            held.pace.next_at = max(other.pace.next_at, now + IDLE_S)
            return False
        other.pace.next_at = now + other.pace.delay_s
        return True

    def _fly(self, held: Held, request: Request, kind: str, row: Waiting | None) -> None:
        spider: Any = self._crawler.spider
        request.callback, request.errback = spider.answered, spider.failed
        request.meta["host"], request.meta["kind"], request.meta["row"] = held.id, kind, row
        if self._crawl.config.crawl.proxy:
            request.meta["proxy"] = self._crawl.config.crawl.proxy
        held.pace.sent()
        held.flying = row
        self._flying += 1
        assert self._crawler.engine is not None
        self._crawler.engine.crawl(request)

    def _give_back(self) -> None:
        notes = []
        for held in self._held.values():
            rows = [*held.rows, held.flying] if held.flying else held.rows
            # an answer that will not be seen counts as just given
            next_at = time.time() + held.pace.delay_s if held.pace.busy else held.pace.next_at
            notes.append((held.id, [row.row for row in rows], next_at or time.time()))
        if self._batch:
            self._crawl.handoff.exchange(self._batch, Wanted(hosts=0, rows_each=0, held=1))
        give_back_all(self._crawl.store, self._crawl.holder, notes)
        self._held.clear()
