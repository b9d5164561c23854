"""The spider that starts from sites, feeds and sitemaps and follows what scores."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response

from crawler.crawl import Crawl, latest_run
from crawler.frontier import revisits
from crawler.frontier.rules import text_of
from crawler.gate import Look, is_list, is_sitemap
from crawler.sources import SOURCES
from crawler.sources.links import candidates as linked
from crawler.sources.sitemap import sitemaps_in_robots
from crawler.spiders import answers
from pipelines import urls as identity
from pipelines.records import Candidate
from pipelines.stores.hosts import Waiting
from pipelines.stores.ledger import Fetched, Found
from pipelines.stores.schema import Kind, State

logger = logging.getLogger(__name__)

# a list of more is a catalogue, not news
MAX_LISTED = 2_000
SEEN = 2_000_000


class RoamSpider(Spider):
    """Fetches what the frontier gives it; everything it finds goes back there."""

    name = "roam"
    follows_links = True

    def __init__(self, crawl: Crawl | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.crawl = crawl or Crawl.of_run(*latest_run())
        self._seen: set[int] = set()

    async def start(self) -> AsyncIterator[Request]:
        """Nothing: the frontier already holds where to start."""
        return
        yield  # makes this an asynchronous generator, as Scrapy wants it

    def answered(self, response: Response, **_: Any) -> None:
        """Any answer to any request."""
        meta = response.meta
        if meta["kind"] == "robots":
            self._robots(response)
            return
        row: Waiting = meta["row"]
        failed = response.status in answers.RETRIED
        try:
            self._take(row, response)
        except Exception as error:  # the edge of a callback: whatever it was, the row ends and its host is free again
            logger.exception("%s could not be looked at.", row.url)
            detail = f"{type(error).__name__}: {error}"
            ended = Fetched(row.row, State.DEAD, response.status, "crawler-error", detail, fetched_at=time.time())
            self._done(row, ended)
        self.crawl.scheduler.answered(
            meta["host"], failed=failed, retry_after_s=answers.wait_asked(response), page=row.kind == Kind.PAGE
        )

    def _take(self, row: Waiting, response: Response) -> None:
        if revisits.is_same(row, response.status, response.body):
            self._done(row, revisits.same(row, response.status, time.time()), response)
            return
        target = answers.redirect_of(response)
        if target is not None:
            self._redirected(row, response, target)
        elif response.status != 200:
            self._done(row, answers.not_served(row, response.status))
        elif row.kind != Kind.PAGE or is_list(response.body):
            self._listed(row, response)
        else:
            self._page(row, response)

    def failed(self, failure: Any) -> None:
        """No answer."""
        meta = failure.request.meta
        reason, detail = answers.why(failure)
        if meta["kind"] == "robots":
            if reason == "private-address":
                self.crawl.scheduler.refused(meta["host"], reason, detail)
            else:
                self.crawl.scheduler.robots_answered(meta["host"], None, b"")
            return
        if reason == "private-address":
            self.crawl.scheduler.batch.refused.append((meta["row"].row, reason, detail))
        else:
            self._done(meta["row"], answers.failed(meta["row"], reason, detail))
        self.crawl.scheduler.answered(meta["host"], failed=reason in answers.HOST_FAILED)

    def _done(self, row: Waiting, fetched: Fetched, response: Response | None = None) -> None:
        batch = self.crawl.scheduler.batch
        batch.fetched.append(fetched)
        if revisits.counts(row, fetched):
            headers, body = (answers.headers_of(response), response.body) if response is not None else ({}, b"")
            batch.visited.append(revisits.visited(row, fetched, headers, body))

    def _robots(self, response: Response) -> None:
        scheduler, host = self.crawl.scheduler, response.meta["host"]
        origin = f"http://{scheduler.name_of(host)}/"
        target = answers.redirect_of(response)
        if target is not None and self.crawl.scope.allows(target) and scheduler.robots_moved(host, target):
            return
        scheduler.robots_answered(host, response.status, response.body, answers.wait_asked(response))
        if response.status == 200 and self.crawl.config.crawl.depth:
            named = sitemaps_in_robots(text_of(response.body), response.url)
            found = [c for c in named if self._same_site(c.url, origin)]
            self._find(found, parent=None, likeness=0.0, depth=0)

    def _redirected(self, row: Waiting, response: Response, target: str) -> None:
        fetched = Fetched(row.row, State.DROPPED, response.status, "redirect", f"to {target}", fetched_at=time.time())
        self._done(row, fetched)
        kind = Kind(row.kind).name.lower()
        candidate = Candidate(target, "redirect", kind)  # type: ignore[arg-type]  # the names are the same
        if row.depth < self.crawl.config.crawl.depth + answers.MAX_REDIRECTS and self._is_new(candidate):
            self.crawl.scheduler.batch.found.append(Found(candidate, row.expected, row.depth + 1, row.row))

    def _listed(self, row: Waiting, response: Response) -> None:
        is_map = row.kind == Kind.SITEMAP or is_sitemap(response.body)
        found = SOURCES["sitemap" if is_map else "feed"](response.body, response.url)
        if is_map:  # sitemaps.org: a sitemap speaks for its own site; feeds often lie on another host than their pages
            found = [c for c in found if self._same_site(c.url, response.url)]
        found = found[:MAX_LISTED]
        detail = f"{len(found)} entries"
        listed = Fetched(row.row, State.LISTED, response.status, None, detail, fetched_at=time.time())
        self._done(row, listed, response)
        self._find(found, parent=row.row, likeness=0.0, depth=row.depth + 1)

    def _page(self, row: Waiting, response: Response) -> None:
        headers = answers.headers_of(response)
        look = self.crawl.gate.look(response.body, response.url, headers)
        keeps = look.state == State.FETCHED or self.crawl.config.store.archive == "all"
        self._done(
            row,
            Fetched(
                row.row, look.state, response.status, look.reason, look.detail, look.quick,
                final_url=response.url, headers=headers, fetched_at=time.time(), body=response.body if keeps else None,
            ),
            response,
        )  # fmt: skip
        # one more print of an article already known is alike, but it is not what the next request should be for
        yield_ = 0.0 if self._is_variant(look, row.url) else look.quick
        if row.visit is None:  # of a page looked at again it has learned before
            self.crawl.focus.learn(row.url, row.parent, yield_, alike=self._went_on(look))
        if look.glance is not None and self.follows_links:
            self._follow(row, look)

    def _is_variant(self, look: Look, url: str) -> bool:
        canonical = look.glance.canonical if look.glance is not None else None
        return canonical is not None and canonical != url and identity.key(canonical) in self._seen

    def _went_on(self, look: Look) -> bool:
        """Without seeds everything goes on to extraction, but only articles are what a crawl is for."""
        if self.crawl.focus.judges:
            return look.state == State.FETCHED
        return look.glance is not None and look.glance.is_article

    def _follow(self, row: Waiting, look: Look) -> None:
        assert look.glance is not None
        if row.depth >= self.crawl.config.crawl.depth:
            return
        depth = self.crawl.focus.next_depth(row.depth, alike=self._went_on(look))
        self._find(linked(look.glance), parent=row.row, likeness=look.quick, depth=depth)

    def _find(self, found: Iterable[Candidate], *, parent: int | None, likeness: float, depth: int) -> None:
        focus = self.crawl.focus
        new: list[Candidate] = []
        known: list[Candidate] = []
        for candidate in found:
            if not self._is_new(candidate):
                known.append(candidate)
            elif candidate.kind != "page" or not (identity.looks_like_trap(candidate.url) or focus.barren(candidate)):
                new.append(candidate)
        focus.again(known, parent=parent, parent_likeness=likeness)
        expected = focus.expected(new, parent=parent, parent_likeness=likeness, depth=depth)
        self.crawl.scheduler.batch.found += [
            Found(candidate, worth, depth, parent) for candidate, worth in zip(new, expected, strict=True)
        ]

    def _is_new(self, candidate: Candidate) -> bool:
        """Whether this process sees the URL for the first time and may follow it; the ledger decides the rest."""
        key = identity.key(candidate.url)
        if key in self._seen:
            return False
        if len(self._seen) >= SEEN:
            self._seen.clear()  # costs a look-up in the ledger again, never a fetch
        self._seen.add(key)
        return self.crawl.scope.allows(candidate.url)

    @staticmethod
    def _same_site(url: str, other: str) -> bool:
        return identity.site_of(identity.host_of(url)) == identity.site_of(identity.host_of(other))
