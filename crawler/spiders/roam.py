"""The spider that starts from sites, feeds and sitemaps and follows what scores."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response

from crawler.crawl import Crawl, latest_run
from crawler.fetching import proxy
from crawler.frontier import revisits
from crawler.frontier.discovery import Discovery
from crawler.frontier.traps import near, print_of, print_of_body
from crawler.reading.aside import LARGE_LIST, LARGE_PAGE, aside
from crawler.reading.gate import Look, is_list, is_sitemap
from crawler.sources import SOURCES
from crawler.sources.links import candidates as linked
from crawler.spiders import answers
from crawler.spiders.hosts import HostAnswers
from pipelines import urls as identity
from pipelines.records import Candidate
from pipelines.stores.allotment import Waiting
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.hosts import MIRROR
from pipelines.stores.states import Kind, State

logger = logging.getLogger(__name__)

# a list of more is a catalogue, not news
MAX_LISTED = 2_000


class RoamSpider(Spider):
    """Fetches what the frontier gives it; everything it finds goes back there."""

    name = "roam"
    follows_links = True
    fetches_pages = True

    def __init__(self, crawl: Crawl | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.crawl = crawl or Crawl.of_run(*latest_run())
        self._discovery = Discovery(self.crawl)
        self._hosts = HostAnswers(self.crawl, self._discovery)

    async def start(self) -> AsyncIterator[Request]:
        """Nothing: the frontier already holds where to start."""
        return
        yield  # makes this an asynchronous generator, as Scrapy wants it

    async def answered(self, response: Response, **_: Any) -> None:
        """Any answer to any request. Whatever it is like, it is booked: else its host would be busy for ever."""
        meta = response.meta
        row: Waiting | None = meta["row"]
        failed, wait = response.status in answers.RETRIED, None
        try:
            wait = answers.wait_asked(response)
            if row is None:
                await self._hosts.answered(meta["kind"], response, wait)
                return
            await self._take(row, response)
        except Exception as error:  # the edge of a callback: whatever it was, the row ends and its host is free again
            logger.exception("%s could not be looked at.", response.url)
            if row is None:
                self._hosts.unsaid(meta["kind"], meta["host"])
                return
            detail = f"{type(error).__name__}: {error}"
            ended = Fetched(row.row, State.DEAD, response.status, "crawler-error", detail, fetched_at=time.time())
            self._done(row, ended)
        self.crawl.owned.answered(meta["host"], failed=failed, retry_after_s=wait, page=row.kind == Kind.PAGE)

    async def _take(self, row: Waiting, response: Response) -> None:
        if revisits.is_same(row, response.status, response.body):
            self._done(row, revisits.same(row, response.status, time.time()), response)
            return
        target = answers.redirect_of(response)
        if target is not None:
            self._redirected(row, response, target)
        elif response.status != 200:
            self._in_vain(row, answers.not_served(row, response.status))
        elif row.kind != Kind.PAGE or is_list(response.body):
            await self._listed(row, response)
        else:
            await self._page(row, response)

    def failed(self, failure: Any) -> None:
        """No answer."""
        meta = failure.request.meta
        reason, detail = answers.why(failure)
        if reason == proxy.AWAY:
            self.crawl.owned.not_sent(meta["host"])
            return
        if meta["kind"] == "robots" and reason in answers.HOST_REFUSED:
            self.crawl.owned.refused(meta["host"], reason, detail)
            return
        if meta["row"] is None:
            self._hosts.unsaid(meta["kind"], meta["host"], failed=reason in answers.HOST_FAILED)
            return
        if reason == "private-address":
            self.crawl.owned.batch.refused.append((meta["row"].row, reason, detail))
        else:
            self._in_vain(meta["row"], answers.failed(meta["row"], reason, detail))
        self.crawl.owned.answered(meta["host"], failed=reason in answers.HOST_FAILED)

    def _done(self, row: Waiting, fetched: Fetched, response: Response | None = None) -> None:
        batch = self.crawl.owned.batch
        batch.fetched.append(fetched)
        if revisits.counts(row, fetched):
            headers, body = (answers.headers_of(response), response.body) if response is not None else ({}, b"")
            batch.visited.append(revisits.visited(row, fetched, headers, body))

    def _in_vain(self, row: Waiting, fetched: Fetched) -> None:
        """A URL was asked for, and no page came."""
        if row.kind == Kind.PAGE and row.visit is None and fetched.state != State.WAITING:
            self.crawl.focus.unserved(row.url)
        self._done(row, fetched)

    def _redirected(self, row: Waiting, response: Response, target: str) -> None:
        fetched = Fetched(row.row, State.DROPPED, response.status, "redirect", f"to {target}", fetched_at=time.time())
        self._done(row, fetched)
        kind = Kind(row.kind).name.lower()
        candidate = Candidate(target, "redirect", kind)  # type: ignore[arg-type]  # the names are the same
        near = row.depth < self.crawl.config.crawl.depth + answers.MAX_REDIRECTS
        leads = near and self._discovery.is_new(candidate)
        if leads:
            self.crawl.owned.batch.found.append(Found(candidate, row.expected, row.depth + 1, row.row))
        self.crawl.focus.moved(row.url, target if leads else None, row.parent, row.row)

    async def _listed(self, row: Waiting, response: Response) -> None:
        found = (await self._entries(row, response))[:MAX_LISTED]
        detail = f"{len(found)} entries"
        listed = Fetched(row.row, State.LISTED, response.status, None, detail, fetched_at=time.time())
        new = await self._discovery.find_all(found, parent=row.row, likeness=0.0, depth=row.depth + 1)
        self._done(row, listed, response)
        self.crawl.owned.batch.found += new

    async def _entries(self, row: Waiting, response: Response) -> list[Candidate]:
        """What a feed or a sitemap names."""
        is_map = row.kind == Kind.SITEMAP or is_sitemap(response.body)
        read = _in_sitemap if is_map else SOURCES["feed"]
        return await aside(read, response.body, response.url, large=LARGE_LIST)

    async def _page(self, row: Waiting, response: Response) -> None:
        headers = answers.headers_of(response)
        wanted = self._discovery.wants
        look = await aside(self.crawl.gate.look, response.body, response.url, headers, wanted, large=LARGE_PAGE)
        look = self._known_trap(row, response, look)
        # one more print of an article already known is alike, but it is not what the next request should be for
        yield_ = 0.0 if self._is_variant(look, row.url) else look.quick
        if row.visit is None:  # of a page looked at again it has learned before
            self.crawl.focus.learn(row.url, row.parent, yield_, alike=self._went_on(look))
        new = await self._follow(row, look)
        keeps = look.state == State.FETCHED or self.crawl.config.store.archive == "all"
        self._done(
            row,
            Fetched(
                row.row, look.state, response.status, look.reason, look.detail, look.quick,
                final_url=response.url, headers=headers, fetched_at=time.time(), body=response.body if keeps else None,
            ),
            response,
        )  # fmt: skip
        if look.state == State.FETCHED:
            self.crawl.owned.keeps_page(response.meta["host"])
        # in the batch of the page itself: a page that counts as fetched has never lost what it names
        self.crawl.owned.batch.found += new

    def _known_trap(self, row: Waiting, response: Response, look: Look) -> Look:
        """The look, or that of a page that says "not found"; notes what repeats of a template and of another host."""
        owned, traps, host = self.crawl.owned, self.crawl.traps, response.meta["host"]
        if look.glance is None or row.visit is not None:
            return look
        name = owned.name_of(host)
        missing = owned.missing_of(host)
        if missing and row.source != "start" and near(missing, print_of_body(response.body)):
            owned.batch.trapped(name, "soft-404", row.url)
            detail = "the same is answered where there can be no page"
            return replace(look, state=State.DROPPED, reason="soft-404", detail=detail, glance=None)
        mark = print_of(f"{look.glance.title}\n{look.glance.text}")
        template = traps.came(name, row.url, mark)
        if template is not None:
            owned.close_template(host, template, "repeats")
            owned.batch.trapped(name, "repeats", row.url)
        original = traps.mirrored(name, row.url, mark, identity.host_of(look.glance.canonical or ""))
        if original is not None:
            owned.give_up(host, f"{MIRROR}{original}"[:64])
            owned.batch.trapped(name, "mirror", row.url)
        return look

    def _is_variant(self, look: Look, url: str) -> bool:
        canonical = look.glance.canonical if look.glance is not None else None
        return canonical is not None and canonical != url and self._discovery.has_seen(canonical)

    def _went_on(self, look: Look) -> bool:
        """Without seeds everything goes on to extraction, but only articles are what a crawl is for."""
        if self.crawl.focus.judges:
            return look.state == State.FETCHED
        return look.glance is not None and look.glance.is_article

    async def _follow(self, row: Waiting, look: Look) -> list[Found]:
        if look.glance is None or not self.follows_links or row.depth >= self.crawl.config.crawl.depth:
            return []
        depth = self.crawl.focus.next_depth(row.depth, alike=self._went_on(look))
        return await self._discovery.find_all(linked(look.glance), parent=row.row, likeness=look.quick, depth=depth)


def _in_sitemap(body: bytes, url: str) -> list[Candidate]:
    """What a sitemap says of its own site; of many sitemaps those that were changed last come first.

    sitemaps.org: it may speak for no other; feeds often lie on another host than their pages.
    """
    found = [c for c in SOURCES["sitemap"](body, url) if identity.same_site(c.url, url)]
    return sorted(found, key=lambda c: c.published if c.kind == "sitemap" else "", reverse=True)
