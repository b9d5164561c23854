"""JSON lines: an article a line, nothing left out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO


def write(articles: Iterable[Mapping[str, Any]], out: TextIO) -> int:
    """Writes one JSON object a line; returns how many."""
    number = 0
    for number, article in enumerate(articles, 1):  # noqa: B007  # the last number is the result
        out.write(json.dumps(article, ensure_ascii=False) + "\n")
    return number
