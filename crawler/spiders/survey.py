"""The spider of `suchlike plan`: reads robots.txt, feeds and sitemaps, counts what they name, and fetches no page."""

from __future__ import annotations

import json
import time

from scrapy.http import Response

from crawler.reading.gate import is_sitemap
from crawler.sources import SOURCES
from crawler.spiders.roam import LARGE_LIST, RoamSpider
from pipelines.stores.allotment import Waiting
from pipelines.stores.ledger import Fetched
from pipelines.stores.schema import Kind, State


class SurveySpider(RoamSpider):
    """Its ledger is a survey: lists end as listed, with `{items, new, forbidden, lists}` as their detail."""

    name = "survey"
    fetches_pages = False

    async def _listed(self, row: Waiting, response: Response) -> None:
        is_map = row.kind == Kind.SITEMAP or is_sitemap(response.body)
        source = SOURCES["sitemap" if is_map else "feed"]
        found = await self._read(source, response.body, response.url, large=LARGE_LIST)
        if is_map:
            found = [c for c in found if self._same_site(c.url, response.url)]
        lists = [candidate for candidate in found if candidate.kind != "page"]
        pages = [candidate for candidate in found if candidate.kind == "page"]
        new = [page for page in pages if self._is_new(page)]
        forbidden = sum(1 for page in new if not self.crawl.owned.allows(response.meta["host"], page.url))
        told = {"items": len(pages), "new": len(new) - forbidden, "forbidden": forbidden, "lists": len(lists)}
        new_lists = await self._find_all(lists, parent=row.row, likeness=0.0, depth=row.depth + 1)
        self._done(row, Fetched(row.row, State.LISTED, response.status, None, json.dumps(told), fetched_at=time.time()))
        self.crawl.owned.batch.found += new_lists
