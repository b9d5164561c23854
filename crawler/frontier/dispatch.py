"""What is asked of a host that may be asked now: its robots.txt, its rights, a page that cannot be there, its pages."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.crawler import Crawler

from crawler.fetching.resolver import address_of
from crawler.frontier import revisits
from crawler.frontier.guests import Guests
from crawler.frontier.held import Held
from crawler.frontier.owned import Owned
from crawler.frontier.rules import MAX_BYTES
from crawler.frontier.traps import no_such_page
from pipelines.rights import MAX_TDMREP_BYTES, TDMREP_PATH
from pipelines.stores.allotment import Waiting
from pipelines.stores.states import Kind

if TYPE_CHECKING:
    from crawler.crawl import Crawl

IDLE_S = 0.25


class Dispatch:
    """Makes the requests that are due, one by one, and gives them to the engine by its public door."""

    def __init__(self, crawler: Crawler, crawl: Crawl, owned: Owned, guests: Guests) -> None:
        self._crawler = crawler
        self._crawl = crawl
        self._owned = owned
        self._guests = guests
        self._locating: set[asyncio.Task[None]] = set()
        # a proxy resolves the names itself
        self._by_address = crawl.config.crawl.pace_by == "address" and not crawl.config.crawl.proxy

    def send_due(self) -> float:
        """Sends every request whose host is ready; returns the seconds until the next one may be."""
        now, steady = time.time(), time.monotonic()
        soonest = IDLE_S
        for held in self._owned.hosts.values():
            wanted = held.asks_rights or (bool(held.rows) and not self._owned.stop)
            if not wanted or held.pace.busy or held.closed or held.given_up or not held.noted:
                continue
            if held.pace.ready(now, steady):
                self._send(held)
            else:
                soonest = min(soonest, held.pace.wait_s(now, steady))
        return max(0.001, soonest)

    def _send(self, held: Held) -> None:
        if self._by_address and held.address is None:
            self._locate(held)
        elif held.rules is None:
            self._ask_robots(held)
        elif held.asks_rights:
            self._ask_rights(held)
        elif not (held.probes and self._probe(held)):
            self._ask_page(held)

    def _ask_robots(self, held: Held) -> None:
        url = held.moved_to or f"{held.scheme}://{held.name}/robots.txt"
        if self._guests.may_ask(held, url):
            # RFC 9309, 2.5: of a longer one the beginning counts
            meta = {"download_maxsize": MAX_BYTES, "beginning": True}
            self._fly(held, Request(url, dont_filter=True, meta=meta), "robots", None)

    def _ask_rights(self, held: Held) -> None:
        url = held.moved_to or f"{held.scheme}://{held.name}{TDMREP_PATH}"
        if held.rules is None or not held.rules.allows(url):
            held.asks_rights, held.knows_rights = False, True
        elif self._guests.may_ask(held, url):
            request = Request(url, dont_filter=True, meta={"download_maxsize": MAX_TDMREP_BYTES})
            self._fly(held, request, "tdmrep", None)

    def _probe(self, held: Held) -> bool:
        """Asks for a page that cannot be there, once, if robots.txt lets it."""
        held.probes = False
        url = f"{held.scheme}://{held.name}{no_such_page(held.name)}"
        if held.rules is None or not held.rules.allows(url):
            return False
        self._fly(held, Request(url, dont_filter=True), "probe", None)
        return True

    def _ask_page(self, held: Held) -> None:
        """The best of its URLs that may be fetched; those before it that may not are refused."""
        while held.rows:
            row = held.rows.popleft()
            if refusal := self._refusal(held, row):
                self._owned.batch.refused.append((row.row, *refusal))
                continue
            if row.kind == Kind.PAGE:
                self._owned.note(held).sent[self._crawl.traps.sent(held.name, row.url)] += 1
            request = Request(row.url, headers=revisits.conditions(row), dont_filter=True)
            self._fly(held, request, Kind(row.kind).name.lower(), row)
            return

    def _refusal(self, held: Held, row: Waiting) -> tuple[str, str] | None:
        """Why a URL is not fetched after all, as a reason and in words."""
        spider: Any = self._crawler.spider
        if row.kind == Kind.PAGE and row.source != "start" and row.visit is None:
            trapped = self._crawl.traps.refuses(held.name, row.url)
            if trapped:
                return trapped
        if held.rules is not None and not held.rules.allows(row.url):
            return "robots", "robots.txt of the host forbids it"
        if row.kind == Kind.PAGE and not spider.fetches_pages:
            return "planned", "a plan fetches no page"
        return None

    def _locate(self, held: Held) -> None:
        """Looks up where a host is and gives it back, to be leased again with all others of that address in mind."""
        held.pace.sent()
        self._owned.flying += 1

        async def look() -> None:
            held.address = await address_of(held.name)
            held.pace.busy = False
            held.closed = True
            self._owned.flying -= 1
            self._owned.note(held).address = held.address
            self._owned.urgent = True
            self._owned.wake.set()

        task = asyncio.get_running_loop().create_task(look())
        self._locating.add(task)
        task.add_done_callback(self._locating.discard)

    def _fly(self, held: Held, request: Request, kind: str, row: Waiting | None) -> None:
        spider: Any = self._crawler.spider
        request.callback, request.errback = spider.answered, spider.failed
        request.meta["host"], request.meta["kind"], request.meta["row"] = held.id, kind, row
        held.pace.sent()
        held.flying = row
        self._owned.flying += 1
        assert self._crawler.engine is not None
        self._crawler.engine.crawl(request)
