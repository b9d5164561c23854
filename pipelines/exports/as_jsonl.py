"""JSON lines: an article a line, nothing left out that was not asked to be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from pipelines.exports.article import FIELDS, Article
from pipelines.exports.choice import Choice

# what some readers take for the end of a line, though JSON does not
_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes one JSON object a line; returns how many."""
    # what an article has beside the fields of the contract goes along, where all of them go
    kept = set(choice.fields)
    more = kept >= set(FIELDS) - {"text"}
    number = 0
    for number, article in enumerate(articles, 1):  # noqa: B007  # the last number is the result
        told = {name: article[name] for name in choice.fields if name in article}
        if more:
            told = {name: value for name, value in article.items() if name in kept or name not in FIELDS}
        line = json.dumps(told, ensure_ascii=False).translate(_LINE_ENDS)
        out.write(line.encode("utf-8", "backslashreplace") + b"\n")
    return number


def read(file: Path) -> Iterator[Article]:
    """The articles of such a file."""
    with file.open("rb") as stream:
        for line in stream:
            yield json.loads(line)
