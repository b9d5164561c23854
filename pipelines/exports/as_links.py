"""The link table: each step by which the articles were found, for Gephi and other drawers of graphs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import BinaryIO

from pipelines.exports.article import Article
from pipelines.exports.cells import cell
from pipelines.exports.choice import Choice
from pipelines.exports.steps import steps
from pipelines.records import Edge

# the first two are what Gephi calls the ends of an edge
_COLUMNS = ("Source", "Target", "kind", "anchor", "depth", "found_at", "article")


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes a row a step, those of pages that only led to articles too; returns how many articles they lead to."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    number = 0
    for some, edges in steps(articles, choice):
        number += some
        rows.writerows(_row(edge) for edge in edges)
    text.detach()
    return number


def _row(edge: Edge) -> list[object]:
    told = (edge.source, edge.target, edge.kind, edge.anchor, edge.depth, edge.found_at, edge.article)
    return [cell(value) for value in told]
