"""The link table as a graph (GraphML), for Gephi, networkx, igraph and yEd."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO, Final

from lxml import etree

from pipelines.exports.article import Article
from pipelines.exports.choice import Choice
from pipelines.exports.steps import steps
from pipelines.exports.xml import say
from pipelines.records import Edge

_SPACE: Final = "http://graphml.graphdrawing.org/xmlns"
_IN: Final = f"{{{_SPACE}}}"
# what is told of each, and its type; what is called `label` is what Gephi writes beside a node
_NODE: Final = {"label": "string", "depth": "int", "found_at": "string", "article": "boolean"}
_EDGE: Final = {"kind": "string", "anchor": "string"}


def write(articles: Iterable[Article], out: BinaryIO, choice: Choice) -> int:
    """Writes a node a page, an edge a step, those of pages that only led to articles too; returns how many articles.

    Every node stands before the edges that end at it, as some readers want it.
    """
    number = 0
    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element(f"{_IN}graphml", nsmap={None: _SPACE}):
            for what, told in (("node", _NODE), ("edge", _EDGE)):
                for name, kind in told.items():
                    say(xml, f"{_IN}key", **{"id": name, "for": what, "attr.name": name, "attr.type": kind})
            with xml.element(f"{_IN}graph", edgedefault="directed"):
                for some, edges in steps(articles, choice):
                    number += some
                    _batch(xml, edges)
    return number


def _batch(xml: Any, edges: Iterable[Edge]) -> None:
    led = []
    for edge in edges:
        with xml.element(f"{_IN}node", id=f"n{edge.row}"):
            found_at, article = edge.found_at or "", str(edge.article).lower()
            _tell(xml, {"label": edge.target, "depth": str(edge.depth), "found_at": found_at, "article": article})
        if edge.parent is not None:
            led.append(edge)
    for edge in led:
        with xml.element(f"{_IN}edge", source=f"n{edge.parent}", target=f"n{edge.row}"):
            _tell(xml, {"kind": edge.kind, "anchor": edge.anchor})


def _tell(xml: Any, told: dict[str, str]) -> None:
    for name, text in told.items():
        say(xml, f"{_IN}data", text, key=name)
