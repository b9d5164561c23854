"""The feeds behind the articles (OPML 2.0), to be subscribed to in a feed reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from lxml import etree

from pipelines.exports.article import Article
from pipelines.exports.choice import Choice
from pipelines.exports.steps import steps
from pipelines.exports.xml import plain, say
from pipelines.records import Feed


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes an outline a feed, site by site: those of the articles' sites, and those that led to them from elsewhere.

    Returns how many articles. The feeds are in memory at once, the articles are not.
    """
    number = 0
    sites: set[str] = set()
    led: set[str] = set()
    for some, edges in steps(_noted(articles, sites), choice):
        number += some
        led.update(edge.source for edge in edges if edge.kind == "feed")
    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element("opml", version="2.0"):
            with xml.element("head"):
                say(xml, "title", choice.title)
            with xml.element("body"):
                for feed in _ordered(one for one in choice.feeds() if one.site in sites or one.url in led):
                    xml.write(etree.Element("outline", _told(feed)))
    return number


def _noted(articles: Iterable[Article], sites: set[str]) -> Iterator[Article]:
    """The articles, while their sites are noted."""
    for article in articles:
        sites.add(article["site"])
        yield article


def _ordered(feeds: Iterable[Feed]) -> list[Feed]:
    return sorted(feeds, key=lambda feed: (feed.site, feed.url))


def _told(feed: Feed) -> dict[str, str]:
    """What a reader asks for; Atom is called rss there, too. It learns the title when it first reads the feed."""
    url = plain(feed.url)
    name = url.partition("://")[2]
    return {"type": "rss", "text": name, "title": name, "xmlUrl": url}
