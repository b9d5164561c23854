"""How well copies are found, beside what is mostly used for it: pairs of articles, known stories, in one run.

    python benchmarks/syndication.py [--seed 1] [--json FILE] [--only WORD]

Every corpus of benchmarks/retold.py goes through our store (SQLite, in an order of no meaning) and through datasketch's
MinHashLSH, rensa's own deduplicator and simhash, each at several settings, of which the best for that very corpus
counts. Needs `pip install datasketch rensa simhash`. docs/stories.md holds a run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from retold import CHANGES, Change, Told, corpus, mark, originals
from sqlalchemy import select

from pipelines.config import Config
from pipelines.records import Article, Candidate, Likeness
from pipelines.signature import hashed, shingles, signature
from pipelines.stores import Connection, articles, discovery, open_store, runs, stories
from pipelines.stores.articles import Draft
from pipelines.stores.discovery import Found
from pipelines.stores.schema import articles as table
from pipelines.stores.schema import urls
from pipelines.urls import canonical, key

Labels = list[object]
Find = Callable[[Sequence[Told], Sequence[float]], Iterator[Labels]]


def ours(told: Sequence[Told], address: str) -> tuple[Labels, float]:
    """The stories our store finds, and the CPU seconds spent on signatures, look-ups and comparisons."""
    store = open_store(address, mode="replay")
    with store.write() as connection:
        rows = _stocked(connection, told)
        spent = time.process_time()
        for row, one in zip(rows, told, strict=True):
            stories.place(connection, row, signature(one.text))
        spent = time.process_time() - spent
        found = {row.id: row.story for row in connection.execute(select(table.c.id, table.c.story))}
    store.close()
    return [found[row] for row in rows], spent


def _stocked(connection: Connection, told: Sequence[Told]) -> list[int]:
    run = runs.start(connection, Config(mode="replay"), "", now=1.0).id
    addresses = [canonical(one.url) or one.url for one in told]
    discovery.discover(connection, [Found(Candidate(url, "start"), 0.5) for url in addresses], run=run, now=1.0)
    of_key = {row.key: row.id for row in connection.execute(select(urls.c.key, urls.c.id))}
    rows = [of_key[key(url)] for url in addresses]
    likeness = Likeness(score=0.9, lexical=0.5, dense=0.5, nearest_seed="seed")
    for row, url, one in zip(rows, addresses, told, strict=True):
        article = Article(
            row=row, url=url, canonical_url=url, site=one.site, title=one.title, text=one.text, authors=one.authors,
            published=one.published, published_confidence=0.9, language="en", words=len(one.text.split()),
            sha256=hashlib.sha256(one.text.encode()).hexdigest(),
        )  # fmt: skip
        articles.put(connection, Draft(article, likeness, True, 1.0, "replay", run))
    return rows


class Union:
    """Labels of what was tied together, directly or not: what users of these packages do with pairs."""

    def __init__(self, number: int) -> None:
        self._parents = list(range(number))

    def of(self, one: int) -> int:
        """The label of one."""
        while self._parents[one] != one:
            one = self._parents[one]
        return one

    def tie(self, one: int, other: int) -> None:
        """Both have one label from now on."""
        self._parents[self.of(one)] = self.of(other)

    def labels(self) -> Labels:
        """Everyone's label."""
        return [self.of(one) for one in range(len(self._parents))]


def by_datasketch(told: Sequence[Told], settings: Sequence[float]) -> Iterator[Labels]:
    """datasketch: MinHash of 128 permutations over three-word shingles, MinHashLSH at these thresholds."""
    from datasketch import MinHash, MinHashLSH

    sketches = []
    for article in told:
        sketches.append(MinHash(num_perm=128))
        sketches[-1].update_batch([one.to_bytes(8, "little") for one in _shingles(article)])
    for threshold in settings:
        index, union = MinHashLSH(threshold=threshold, num_perm=128), Union(len(told))
        for at, sketch in enumerate(sketches):
            for other in index.query(sketch):
                union.tie(at, int(other))
            index.insert(str(at), sketch)
        yield union.labels()


def by_rensa(told: Sequence[Told], settings: Sequence[float]) -> Iterator[Labels]:
    """rensa: RMinHashDeduplicator over the same shingles at these thresholds, its index and its verification on."""
    from rensa import RMinHash, RMinHashDeduplicator

    sketches = []
    for article in told:
        sketches.append(RMinHash(num_perm=128, seed=42))
        sketches[-1].update([str(one) for one in _shingles(article)])
    for threshold in settings:
        held = RMinHashDeduplicator(threshold=threshold, num_perm=128, use_lsh=True, num_bands=32)
        union = Union(len(told))
        for at, sketch in enumerate(sketches):
            for other in held.get_duplicates(sketch):
                union.tie(at, int(other))
            # what it takes for a duplicate it does not add by itself, and then would not find again
            held.add(str(at), sketch)
        yield union.labels()


def by_simhash(told: Sequence[Told], settings: Sequence[float]) -> Iterator[Labels]:
    """simhash: 64 bits over the same shingles, at most so many bits apart."""
    from simhash import Simhash, SimhashIndex

    marks = [Simhash([str(one) for one in _shingles(article)]) for article in told]
    for distance in settings:
        index, union = SimhashIndex([], k=int(distance)), Union(len(told))
        for at, one in enumerate(marks):
            for other in index.get_near_dups(one):
                union.tie(at, int(other))
            index.add(str(at), one)
        yield union.labels()


def _shingles(one: Told) -> list[int]:
    found: list[int] = sorted(set(shingles(hashed(one.text)).tolist()))
    return found


PEERS: dict[str, tuple[Find, tuple[float, ...]]] = {
    "datasketch": (by_datasketch, (0.2, 0.3, 0.5, 0.7)),
    "rensa": (by_rensa, (0.2, 0.3, 0.5, 0.7)),
    "simhash": (by_simhash, (3, 6, 10)),
}


def compared(change: Change, texts: Sequence[Told], seed: int) -> dict[str, object]:
    """Our marks on one corpus, and each peer's best ones with the setting they were reached at."""
    told = corpus(texts, change, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        found, spent = ours(told, f"sqlite:///{folder}/stories.db")
    row: dict[str, object] = {"change": change.name, "articles": len(told), "ms": round(1000 * spent / len(told), 2)}
    row["suchlike"] = asdict(mark(told, found))
    for name, (find, settings) in PEERS.items():
        tried = [(mark(told, one), setting) for one, setting in zip(find(told, settings), settings, strict=True)]
        best, setting = max(tried, key=lambda pair: pair[0].f1)
        row[name] = {**asdict(best), "setting": setting}
    return row


def main() -> None:
    """Prints a Markdown table; writes everything as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    texts = originals()
    print(f"{len(texts)} originals\n", file=sys.stderr)
    print("| copies | F1 | precision | recall | ARI | false merges | datasketch | rensa | simhash | ms |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    rows = []
    for change in CHANGES:
        if asked.only in change.name:
            row = compared(change, texts, asked.seed)
            rows.append(row)
            mine, peers = row["suchlike"], [row[name] for name in PEERS]
            cells = [f"{mine[name]:.3f}" for name in ("f1", "precision", "recall", "ari")]  # type: ignore[index]
            cells += [f"{mine['false_merges']:.3%}"]  # type: ignore[index]
            cells += [f"{peer['f1']:.3f} ({peer['setting']:g})" for peer in peers]  # type: ignore[index]
            print("|", " | ".join([change.name, *cells, str(row["ms"])]), "|", flush=True)
            if asked.json:
                asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
