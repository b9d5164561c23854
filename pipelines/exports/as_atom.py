"""Atom (RFC 4287), with the whole text as HTML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

from lxml import etree

from pipelines.exports import syndicated
from pipelines.exports.article import Article
from pipelines.exports.choice import Choice
from pipelines.exports.xml import plain, say

_ATOM = "{http://www.w3.org/2005/Atom}"
# when a feed without entries was changed
_NEVER = "1970-01-01T00:00:00Z"


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes an <entry> an article; returns how many."""
    number, latest = 0, _NEVER
    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element(f"{_ATOM}feed", nsmap={None: _ATOM.strip("{}")}):
            say(xml, f"{_ATOM}id", syndicated.identity(choice))
            say(xml, f"{_ATOM}title", choice.title)
            say(xml, f"{_ATOM}generator", "suchlike")
            with xml.element(f"{_ATOM}author"):
                say(xml, f"{_ATOM}name", "suchlike")  # of entries whose page names nobody
            for number, article in enumerate(articles, 1):  # noqa: B007  # the last number is the result
                _entry(xml, article, choice)
                latest = max(latest, article["fetched_at"])
            say(xml, f"{_ATOM}updated", latest)  # Atom asks for no order, and this is known last
    return number


def _entry(xml: Any, article: Article, choice: Choice) -> None:
    with xml.element(f"{_ATOM}entry"):
        say(xml, f"{_ATOM}id", article["url"])
        say(xml, f"{_ATOM}title", syndicated.title(article))
        say(xml, f"{_ATOM}link", rel="alternate", href=plain(article["url"]))
        if article["published"]:
            say(xml, f"{_ATOM}published", article["published"])
        updated = syndicated.revised(article) or article["published"] or article["fetched_at"]
        say(xml, f"{_ATOM}updated", updated)
        for author in article["authors"]:
            with xml.element(f"{_ATOM}author"):
                say(xml, f"{_ATOM}name", author)
        if choice.text:
            say(xml, f"{_ATOM}summary", syndicated.summary(article, choice))
            say(xml, f"{_ATOM}content", syndicated.markup(article), type="html")
