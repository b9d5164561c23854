"""EXPORTS: the formats a corpus leaves in. A new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipelines.exports import (
    as_atom,
    as_bibtex,
    as_csv,
    as_graphml,
    as_jsonfeed,
    as_jsonl,
    as_links,
    as_opml,
    as_parquet,
    as_rss,
    as_warc,
    as_xlsx,
)
from pipelines.exports.article import FIELDS, Article, chosen_fields
from pipelines.exports.choice import Choice

__all__ = ["EXPORTS", "FIELDS", "Article", "Choice", "Format", "chosen_fields"]


@dataclass(frozen=True, slots=True)
class Format:
    """`write` takes articles (as contract.md words them) one by one, writes them, and returns how many there were.

    `file` is the name it gets where none is given. `fields`: a table, of which columns can be chosen; `text`: it has
    texts, which can be left out, or that is all it has (`only`). A `folder` is a data set of several files with a card.
    `read` gives the articles of such a file back, as far as a file of this kind tells them.
    """

    write: Callable[[Iterable[Article], BinaryIO, Choice], int]
    file: str
    fields: bool = False
    only_pages: bool = False
    folder: bool = False
    read: Callable[[Path], Iterator[Article]] | None = None


EXPORTS: dict[str, Format] = {
    "jsonl": Format(as_jsonl.write, "articles.jsonl", fields=True, read=as_jsonl.read),
    "csv": Format(as_csv.write, "articles.csv", fields=True, read=as_csv.read),
    "xlsx": Format(as_xlsx.write, "articles.xlsx", fields=True),
    "parquet": Format(as_parquet.write, "articles.parquet", fields=True, read=as_parquet.read),
    "hf": Format(as_parquet.write, "dataset", fields=True, folder=True, read=as_parquet.read),
    "warc": Format(as_warc.write, "articles.warc.gz", only_pages=True),
    "rss": Format(as_rss.write, "articles.rss"),
    "atom": Format(as_atom.write, "articles.atom"),
    "jsonfeed": Format(as_jsonfeed.write, "feed.json"),
    "opml": Format(as_opml.write, "feeds.opml"),
    "bibtex": Format(as_bibtex.write, "articles.bib"),
    "links.csv": Format(as_links.write, "links.csv"),
    "graphml": Format(as_graphml.write, "links.graphml"),
}
