"""Scrapy, trafilatura and SQLite: what one writes first. Follows every link of a page, extracts every page."""

from __future__ import annotations

import trafilatura
from scrapy import Request, Spider
from scrapy.crawler import CrawlerProcess
from scrapy.linkextractors import LinkExtractor
from shared import LIKE, Kept, Likeness, Task

TASK = Task()
KEPT = Kept(TASK.out)
LIKENESS = Likeness(TASK.seeds)


class News(Spider):
    """One page after the other."""

    name = "news"
    links = LinkExtractor()

    async def start(self):
        """The home pages."""
        for host in TASK.hosts:
            yield Request(f"http://{host}/", meta={"proxy": TASK.proxy})

    def parse(self, response):
        """An article, where there is one, and all links."""
        found = trafilatura.bare_extraction(response.text, url=response.url, with_metadata=True)
        if found and found.text and len(found.text) > 500 and (TASK.keeps_all or LIKENESS(found.text) > LIKE):
            KEPT.add(response.url, found.title, found.text, found.date)
        for link in self.links.extract_links(response):
            yield Request(link.url, meta={"proxy": TASK.proxy})


process = CrawlerProcess({
    "LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": True, "DOWNLOAD_DELAY": 0,
    "CONCURRENT_REQUESTS": 32, "CONCURRENT_REQUESTS_PER_DOMAIN": 8, "COOKIES_ENABLED": False,
    "CLOSESPIDER_PAGECOUNT": TASK.pages,
})  # fmt: skip
process.crawl(News)
process.start()
KEPT.flush()
