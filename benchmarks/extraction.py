"""Measures our extraction against trafilatura's own, on a folder of pages with known texts.

    python benchmarks/extraction.py FOLDER

FOLDER holds `<id>.html.gz` and `gold.json` (id -> {articleBody, url}), as scrapinghub/article-extraction-benchmark
does. The score is that benchmark's: word 4-grams, precision and recall averaged over pages, F1 of the averages.
Both extractors take each page in turn, in one process, so that the machine's load falls on both alike.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from trafilatura import bare_extraction

from pipelines.extract import NotAnArticle, extract, warm

WORD = re.compile(r"\w+")
GRAM = 4

Extractor = Callable[[bytes, str], str]


@dataclass
class Tally:
    """What one extractor did on all pages."""

    precision: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def grams(text: str) -> Counter[tuple[str, ...]]:
    """The word 4-grams of a text, or the one shorter gram that a short text has."""
    words = WORD.findall(text)
    return Counter(tuple(words[at : at + GRAM]) for at in range(max(1, len(words) - GRAM + 1)) if words)


def overlap(gold: str, found: str) -> tuple[float, float]:
    """Precision and recall of the 4-grams of `found`."""
    true, given = grams(gold), grams(found)
    hits = (true & given).total()
    if not given and not true:
        return 1.0, 1.0
    return hits / (given.total() or 1), hits / (true.total() or 1)


def ours(body: bytes, url: str) -> str:
    """The text as suchlike stores it, with its metadata read too; empty for what it refuses."""
    try:
        return extract(body, url).text
    except NotAnArticle as error:
        print(f"  refused {url[:80]}: {error}")
        return ""


def theirs(body: bytes, url: str) -> str:
    """trafilatura as its documentation has it, with metadata and without comments."""
    document = bare_extraction(body, url=url, include_comments=False, with_metadata=True)
    return str(getattr(document, "text", None) or "")


def main() -> None:
    """Prints a line for each extractor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    logging.disable(logging.CRITICAL)
    warm()
    gold: dict[str, dict[str, str]] = json.loads((folder / "gold.json").read_text("utf-8"))
    extractors: dict[str, Extractor] = {"suchlike": ours, "trafilatura": theirs}
    tallies = {name: Tally() for name in extractors}
    for number, (page, truth) in enumerate(gold.items()):
        body = gzip.decompress((folder / f"{page}.html.gz").read_bytes())
        order = list(extractors.items())
        for name, extractor in order if number % 2 else reversed(order):
            measure(tallies[name], extractor, body, truth)
    for name, tally in tallies.items():
        print(line(name, tally))


def measure(tally: Tally, extractor: Extractor, body: bytes, truth: dict[str, str]) -> None:
    """Adds one page to a tally."""
    start = time.process_time()
    text = extractor(body, truth["url"])
    tally.cpu_ms.append((time.process_time() - start) * 1000)
    precision, recall = overlap(truth["articleBody"], text)
    tally.precision.append(precision)
    tally.recall.append(recall)
    if not text:
        tally.lost.append(truth["url"])


def line(name: str, tally: Tally) -> str:
    """A tally as one line of the report."""
    precision, recall = statistics.mean(tally.precision), statistics.mean(tally.recall)
    f1 = 2 * precision * recall / ((precision + recall) or 1)
    mean, worst = statistics.mean(tally.cpu_ms), max(tally.cpu_ms)
    return (
        f"{name:<12} F1 {f1:.4f}  P {precision:.4f}  R {recall:.4f}  {mean:5.1f} CPU ms a page "
        f"(median {statistics.median(tally.cpu_ms):.1f}, worst {worst:.0f})  "
        f"lost {len(tally.lost)} of {len(tally.cpu_ms)}"
    )


if __name__ == "__main__":
    main()
