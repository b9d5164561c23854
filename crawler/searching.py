"""What a search finds, as contract.md words it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipelines.asked import Asked
from pipelines.stores import Connection, articles, search
from pipelines.stores.wanted import Wanted


def searched(connection: Connection, asked: Asked, wanted: Wanted, *, limit: int) -> list[dict[str, Any]]:
    """Stored articles with all words asked for, best answers first, each with `rank` and `highlight: {title, text}`.

    A highlight is `{text, marks: [[from, to]]}`.
    """
    hits = search.find(connection, asked, wanted, limit=limit)
    held = articles.of_rows(connection, [hit.row for hit in hits])
    return [
        {**held[hit.row], "rank": hit.rank, "highlight": {"title": asdict(hit.title), "text": asdict(hit.text)}}
        for hit in hits
    ]
