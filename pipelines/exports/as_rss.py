"""RSS 2.0, with the whole text in content:encoded."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import format_datetime
from typing import Any, BinaryIO

from lxml import etree

from pipelines.exports import syndicated
from pipelines.exports.article import Article
from pipelines.exports.choice import Choice
from pipelines.exports.xml import say

_DC = "http://purl.org/dc/elements/1.1/"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes an <item> an article; returns how many."""
    number = 0
    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element("rss", {"version": "2.0"}, nsmap={"dc": _DC, "content": _CONTENT}), xml.element("channel"):
            _about(xml, choice)
            for number, article in enumerate(articles, 1):  # noqa: B007  # the last number is the result
                _item(xml, article, choice)
    return number


def _about(xml: Any, choice: Choice) -> None:
    say(xml, "title", choice.title)
    say(xml, "link", syndicated.identity(choice))  # which RSS asks for, of a feed that is at no address
    say(xml, "description", "Articles that resemble the seeds, best first.")
    say(xml, "generator", "suchlike")


def _item(xml: Any, article: Article, choice: Choice) -> None:
    with xml.element("item"):
        say(xml, "title", syndicated.title(article))
        say(xml, "link", article["url"])
        say(xml, "guid", article["url"], isPermaLink="true")
        if article["published"]:
            say(xml, "pubDate", format_datetime(syndicated.moment(article)))
        for author in article["authors"]:
            say(xml, f"{{{_DC}}}creator", author)
        say(xml, f"{{{_DC}}}language", article["language"])
        if choice.text:
            say(xml, "description", syndicated.summary(article, choice))
            say(xml, f"{{{_CONTENT}}}encoded", syndicated.markup(article))
