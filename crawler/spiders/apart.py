"""The spider for single pages: seeds that are given as URLs."""

from __future__ import annotations

from crawler.spiders.roam import RoamSpider
from pipelines.records import Candidate


class ApartSpider(RoamSpider):
    """Fetches what it is given, wherever that has moved to, and nothing that is named there."""

    name = "apart"
    follows_links = False

    async def _entries(self, *_: object) -> list[Candidate]:
        return []
