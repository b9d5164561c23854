"""CSV for spreadsheets; a cell a spreadsheet would run as a formula is defused with an apostrophe."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

FIELDS = (
    "url", "canonical_url", "title", "text", "authors", "published", "published_confidence", "language", "site",
    "fetched_at", "score", "lexical", "dense", "match", "nearest_seed", "story", "copy_of", "revision", "words",
    "sha256", "mode", "run", "archive", "rights",
)  # fmt: skip
# the wide ones are what spreadsheets with an East Asian locale take for them
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write(articles: Iterable[Mapping[str, Any]], out: TextIO) -> int:
    """Writes a header line and a row an article; returns how many articles."""
    rows = csv.writer(out)  # with RFC 4180's line ends, for which alone a single \r in a text is quoted
    rows.writerow(FIELDS)
    number = 0
    for number, article in enumerate(articles, 1):  # noqa: B007  # the last number is the result
        rows.writerow([_cell(article.get(name)) for name in FIELDS])
    return number


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
        value = "; ".join(value)
    elif isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
