"""CSV for spreadsheets (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from pipelines.exports.article import Article
from pipelines.exports.cells import cell, undefused
from pipelines.exports.choice import Choice

# a text of a million words
_MAX_CELL_CHARS = 16 * 1024 * 1024


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes a header line and a row an article; returns how many articles."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    rows = csv.writer(text)  # with RFC 4180's line ends, for which alone a single \r in a text is quoted
    rows.writerow(choice.fields)
    number = 0
    for number, article in enumerate(articles, 1):  # noqa: B007  # the last number is the result
        rows.writerow([cell(article.get(name)) for name in choice.fields])
    text.detach()
    return number


def read(file: Path) -> Iterator[Article]:
    """The rows of such a file, every value as its text."""
    csv.field_size_limit(_MAX_CELL_CHARS)
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield {name: undefused(value or "") for name, value in row.items()}
