"""What Scrapy asks for requests: leased hosts, best URL first, each host at its own pace.

Requests are made one by one, when their host may be asked; the ledger holds everything else. Uses only the engine's
public door: `engine.crawl()` puts a request that is due into our queue and wakes the engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections import deque
from typing import TYPE_CHECKING

from scrapy import Request, Spider
from scrapy.core.scheduler import BaseScheduler
from scrapy.crawler import Crawler
from scrapy.utils.defer import deferred_from_coro
from twisted.internet.defer import Deferred

from crawler.fetching.transport import prove_guarded
from crawler.frontier.dispatch import IDLE_S, Dispatch
from crawler.frontier.exchange import Exchange
from crawler.frontier.guests import Guests
from crawler.frontier.owned import Owned
from pipelines.errors import StoreError

if TYPE_CHECKING:
    from crawler.crawl import Crawl

logger = logging.getLogger(__name__)

STORE_RETRY_S = 2.0
# asked to stop, a crawler waits so long for answers that are on their way
LEAVE_S = 3.0


class Scheduler(BaseScheduler):
    """Scrapy's SCHEDULER. Its life: `open`, then a pump that sends what is due and talks to the ledger, then `close`.

    Spiders find what they ask and tell at `crawl.owned`.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._ready: deque[Request] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._asked_to_stop_at: float | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Scheduler:
        """Scrapy's way to make one."""
        return cls(crawler)

    def open(self, spider: Spider) -> None:
        """Begins to pump."""
        self._crawl: Crawl = spider.crawl  # type: ignore[attr-defined]  # our spiders carry it
        self._owned: Owned = self._crawl.owned
        guests = Guests(self._owned, pace_by=self._crawl.config.crawl.pace_by)
        self._exchange = Exchange(self._crawl, self._owned, guests)
        self._dispatch = Dispatch(self._crawler, self._crawl, self._owned, guests)
        self._pump = asyncio.get_running_loop().create_task(self._run())

    def has_pending_requests(self) -> bool:
        """Always, until the pump is done: the ledger may hold more than this process knows."""
        return self._owned.stop is None or bool(self._ready)

    def enqueue_request(self, request: Request) -> bool:
        """Takes a request the pump made due."""
        self._ready.append(request)
        return True

    def next_request(self) -> Request | None:
        """The next request that is due."""
        return self._ready.popleft() if self._ready else None

    def close(self, reason: str) -> Deferred[None]:
        """Hands over what is left and gives every host back."""
        # an engine that finds itself idle first only says "finished"
        self._crawl.ended = self._owned.stop or reason
        return deferred_from_coro(self._close())

    async def _close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        await self._exchange.close()

    async def _run(self) -> None:
        try:
            await self._until_done()
        except Exception:  # the edge of a task nobody waits for: without an end the crawl would hang for ever
            logger.exception("The crawl failed.")
            self._owned.stop = "failed"
        assert self._crawler.engine is not None
        self._pump = None
        if self._is_late:
            await self._leave()
            return
        await self._crawler.engine.close_spider_async(reason=self._owned.stop or "finished")

    async def _leave(self) -> None:
        """Ends the process with answers still on their way, for which Scrapy would wait until they time out."""
        self._crawl.ended = self._owned.stop or "shutdown"
        try:
            await self._exchange.close()
        except StoreError as error:
            logger.error("%s What this crawler held is free again when its leases have run out.", error)
        signal.raise_signal(signal.SIGTERM)  # asked twice, Scrapy stops at once

    async def _until_done(self) -> None:
        if not self._crawl.config.crawl.allow_private_addresses:
            await prove_guarded(self._crawler)
        while True:
            try:
                self._owned.look_at_clock()
                if self._exchange.is_due:
                    await self._exchange.run()
                if self._is_done() or self._is_late:
                    break
                rests = self._exchange.is_fenced or self._is_asked_to_stop
                due = IDLE_S if rests else self._dispatch.send_due()
                self._owned.wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._owned.wake.wait(), due)
            except StoreError as error:
                logger.error("%s Trying again.", error)
                await asyncio.sleep(STORE_RETRY_S)

    def _is_done(self) -> bool:
        owned = self._owned
        busy = owned.flying or owned.batch or self._ready or self._exchange.lingers
        return owned.stop is not None and not busy

    @property
    def _is_asked_to_stop(self) -> bool:
        """Whether a signal came: Scrapy takes nothing new from then on."""
        if self._asked_to_stop_at is None and not self._crawler.crawling:
            self._asked_to_stop_at = time.monotonic()
        return self._asked_to_stop_at is not None

    @property
    def _is_late(self) -> bool:
        """Whether answers that are still on their way are not waited for any more: who goes on asks for them anew."""
        return self._is_asked_to_stop and time.monotonic() - (self._asked_to_stop_at or 0.0) > LEAVE_S
