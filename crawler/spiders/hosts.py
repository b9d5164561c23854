"""What hosts say of themselves: robots.txt, tdmrep.json, and what they answer where there can be no page."""

from __future__ import annotations

from scrapy.http import Response

from crawler.crawl import Crawl
from crawler.frontier import robots
from crawler.frontier.discovery import Discovery
from crawler.frontier.robots import Verdict
from crawler.reading.aside import LARGE_LIST, aside
from crawler.sources.sitemap import sitemaps_in_robots
from crawler.spiders import answers
from pipelines import urls as identity
from pipelines.records import Candidate


class HostAnswers:
    """Books such answers; the `kind` of a request is robots, tdmrep or probe."""

    def __init__(self, crawl: Crawl, discovery: Discovery) -> None:
        self._crawl = crawl
        self._discovery = discovery

    async def answered(self, kind: str, response: Response, wait: float | None) -> None:
        """What a host says of itself, or where that went; booked last, when nothing can go wrong any more."""
        owned, host = self._crawl.owned, response.meta["host"]
        if kind == "probe":
            owned.probed(host, response.status, response.body, wait)
            return
        target = answers.redirect_of(response)
        if target is not None and self._crawl.scope.reaches(target) and owned.moved(host, target):
            return
        if kind == "tdmrep":
            owned.rights_answered(host, response.status, response.body, wait)
            return
        origin, new = f"http://{owned.name_of(host)}/", []
        verdict, named = await aside(
            _judged, response.body, response.status, self._crawl.agent, response.url, large=LARGE_LIST
        )
        if named and self._crawl.config.crawl.depth:
            found = [c for c in named if identity.same_site(c.url, origin)]
            new = await self._discovery.find_all(found, parent=None, likeness=0.0, depth=0)
        owned.robots_answered(host, verdict, retry_after_s=wait)
        owned.batch.found += new

    def unsaid(self, kind: str, host: int, *, failed: bool = True) -> None:
        """What was asked about a host got no answer that can be read; not `failed` where the host is not to blame."""
        owned = self._crawl.owned
        if kind == "robots":
            owned.robots_answered(host, robots.judge(None, b"", self._crawl.agent), failed=True)
        else:  # a tdmrep.json too large to be honest reserves nothing
            told = owned.probed if kind == "probe" else owned.rights_answered
            told(host, None if failed else 404)


def _judged(body: bytes, status: int, agent: str, url: str) -> tuple[Verdict, list[Candidate]]:
    """What a robots.txt means, and the sitemaps it names."""
    verdict = robots.judge(status, body, agent)
    return verdict, sitemaps_in_robots(verdict.text, url) if status == 200 else []
