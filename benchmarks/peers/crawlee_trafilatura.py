"""crawlee's crawler for parsel, its faster one, with its storages in memory, and trafilatura."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import trafilatura
from crawlee import ConcurrencySettings, Request
from crawlee.crawlers import ParselCrawler, ParselCrawlingContext
from crawlee.proxy_configuration import ProxyConfiguration
from crawlee.storage_clients import MemoryStorageClient
from shared import LIKE, Kept, Likeness, Task

TASK = Task()
KEPT = Kept(TASK.out)
LIKENESS = Likeness(TASK.seeds)


async def main() -> None:
    """Crawls."""
    crawler = ParselCrawler(
        storage_client=MemoryStorageClient(), proxy_configuration=ProxyConfiguration(proxy_urls=[TASK.proxy]),
        concurrency_settings=ConcurrencySettings(min_concurrency=16, desired_concurrency=32, max_concurrency=32),
        max_requests_per_crawl=TASK.pages, use_session_pool=False, configure_logging=False,
        statistics_log_format="inline", request_handler_timeout=timedelta(seconds=60), respect_robots_txt_file=True,
    )  # fmt: skip

    @crawler.router.default_handler
    async def page(context: ParselCrawlingContext) -> None:
        html = (await context.http_response.read()).decode("utf-8", "replace")
        found = trafilatura.bare_extraction(html, url=context.request.url, with_metadata=True)
        if found and found.text and len(found.text) > 500 and (TASK.keeps_all or LIKENESS(found.text) > LIKE):
            KEPT.add(context.request.url, found.title, found.text, found.date)
        await context.enqueue_links(strategy="all")

    logging.getLogger().setLevel(logging.ERROR)
    await crawler.run([Request.from_url(f"http://{host}/") for host in TASK.hosts])
    KEPT.flush()


asyncio.run(main())
