"""The spider of `suchlike plan`: reads robots.txt, feeds and sitemaps, counts what they name, and fetches no page."""

from __future__ import annotations

import json
import time

from scrapy.http import Response

from crawler.spiders.roam import RoamSpider
from pipelines.stores.allotment import Waiting
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State


class SurveySpider(RoamSpider):
    """Its ledger is a survey: lists end as listed, with `{items, new, forbidden, lists}` as their detail."""

    name = "survey"
    fetches_pages = False

    async def _listed(self, row: Waiting, response: Response) -> None:
        found = await self._entries(row, response)
        lists = [candidate for candidate in found if candidate.kind != "page"]
        pages = [candidate for candidate in found if candidate.kind == "page"]
        new = [page for page in pages if self._discovery.is_new(page)]
        forbidden = sum(1 for page in new if not self.crawl.owned.allows(response.meta["host"], page.url))
        told = {"items": len(pages), "new": len(new) - forbidden, "forbidden": forbidden, "lists": len(lists)}
        new_lists = await self._discovery.find_all(lists, parent=row.row, likeness=0.0, depth=row.depth + 1)
        self._done(row, Fetched(row.row, State.LISTED, response.status, None, json.dumps(told), fetched_at=time.time()))
        self.crawl.owned.batch.found += new_lists
