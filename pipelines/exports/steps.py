"""The steps by which articles were found, batch by batch, for exports that draw them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from pipelines.exports.article import Article
from pipelines.exports.choice import Choice
from pipelines.records import Edge

_ARTICLES = 500


def steps(articles: Iterable[Article], choice: Choice) -> Iterator[tuple[int, Iterable[Edge]]]:
    """Of each batch how many articles it has, and the steps that led to them, those told with earlier ones left out.

    A batch tells all steps back to the starts, so that with its last one both ends of every step are told.
    """
    ids = (article["id"] for article in articles)
    seen: set[int] = set()
    while some := list(islice(ids, _ARTICLES)):
        yield len(some), choice.edges(some, seen)
