"""JSON Feed 1.1; why an article is there stands under `_suchlike`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, BinaryIO

from pipelines.exports import syndicated
from pipelines.exports.article import Article
from pipelines.exports.choice import Choice


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes an item an article; returns how many."""
    about = {"version": "https://jsonfeed.org/version/1.1", "title": choice.title, "items": []}
    head, tail = _bytes(about)[:-2], b"\n]}\n"
    out.write(head)
    number = 0
    for number, article in enumerate(articles, 1):
        out.write((b",\n" if number > 1 else b"\n") + _bytes(_item(article, choice)))
    out.write(tail)
    return number


def _item(article: Article, choice: Choice) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": article["url"],
        "url": article["url"],
        "title": syndicated.title(article),
        # the format asks for a content; without texts it is the title
        "content_text": article["text"] if choice.text else syndicated.title(article),
        "language": article["language"],
        "authors": [{"name": name} for name in article["authors"]],
        "_suchlike": syndicated.judged(article),
    }
    if choice.text:
        told["summary"] = syndicated.summary(article, choice)
    if article["published"]:
        told["date_published"] = article["published"]
    if revised := syndicated.revised(article):
        told["date_modified"] = revised
    return told


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
