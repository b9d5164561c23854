"""The gold labels: which stories of the demo web are about what. Read by summaries and tests, never by a crawl."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler.demo.sites import BY_HOST
from crawler.demo.web import DemoWeb
from crawler.demo.written import read_all


@dataclass(frozen=True, slots=True)
class Story:
    """A planted story: the addresses that carry it, whether robots.txt lets any of them be fetched, its language."""

    id: str
    urls: tuple[str, ...]
    fetchable: bool
    language: str


def allowed(url: str) -> bool:
    """Say whether the robots.txt of the demo web allows an address."""
    parts = urlsplit(url)
    if parts.netloc == "sealed-archive.test":
        return False
    return not (BY_HOST[parts.netloc].private and parts.path.startswith("/private/"))


def planted(web: DemoWeb, subject: str) -> list[Story]:
    """Return the hand-written stories about a subject (a folder of `articles/`), with all their copies."""
    carriers = web.carriers
    return [
        Story(article.slug, carriers[article.slug], any(map(allowed, carriers[article.slug])), article.language)
        for its, article in read_all()
        if its == subject
    ]


def labels(web: DemoWeb) -> dict[str, str]:
    """Return the subject of every address that carries a hand-written article; all others are filler."""
    carriers = web.carriers
    return {url: subject for subject, article in read_all() for url in carriers[article.slug]}
