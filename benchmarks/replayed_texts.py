"""Holds the texts that `suchlike replay` stores against trafilatura called directly, on pages with known texts.

    python benchmarks/replayed_texts.py FOLDER

FOLDER is as for extraction.py. The pages go the whole way, as by `suchlike replay FOLDER --keep all`, into a project of
their own: through gate, parse, dedupe and store; what is stored is read back as by `suchlike list`. Every page must
have ended in a fate, and the F1 must be within 0.01 of calling trafilatura; else the exit code is 1.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from extraction import Tally, line, overlap, theirs

from crawler.project import Project
from pipelines import urls as identity
from pipelines.stores.wanted import Wanted

MOST_APART = 0.01


def replayed(folder: Path, scratch: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """The stored text of each page by its key, and how all of them ended."""
    project = Project(scratch)
    done = project.replay([folder], {"store": {"keep": "all", "archive": "none"}})
    wanted = Wanted(everything=True, copies=True)
    texts = {identity.key(one["url"]): one["text"] for one in project.chosen(wanted, mode="replay")}
    return texts, done["fates"]


def f1(tally: Tally) -> float:
    """F1 of mean precision and mean recall, as the benchmark the pages come from computes it."""
    precision, recall = sum(tally.precision) / len(tally.precision), sum(tally.recall) / len(tally.recall)
    return 2 * precision * recall / ((precision + recall) or 1)


def add(tally: Tally, truth: dict[str, str], text: str) -> None:
    """One page more."""
    precision, recall = overlap(truth["articleBody"], text)
    tally.precision.append(precision)
    tally.recall.append(recall)
    tally.cpu_ms.append(0.0)
    if not text:
        tally.lost.append(truth["url"])


def measure(folder: Path) -> tuple[Tally, Tally, dict[str, Any]]:
    """`(ours, trafilatura's, fates)` over every page of `gold.json`."""
    gold: dict[str, dict[str, str]] = json.loads((folder / "gold.json").read_text("utf-8"))
    manifest = map(json.loads, (folder / "manifest.jsonl").read_text("utf-8").splitlines())
    addresses = {entry["file"]: entry["url"] for entry in manifest}
    ours, direct = Tally(), Tally()
    with tempfile.TemporaryDirectory(prefix="suchlike-") as scratch:
        texts, ends = replayed(folder, Path(scratch))
    for page, truth in gold.items():
        file = f"{page}.html.gz"
        canonical = identity.canonical(addresses[file])
        add(ours, truth, texts.get(identity.key(canonical), "") if canonical else "")
        add(direct, truth, theirs(gzip.decompress((folder / file).read_bytes()), truth["url"]))
    return ours, direct, ends


def main() -> int:
    """Prints a line for each, and the fates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    logging.disable(logging.CRITICAL)
    ours, direct, ends = measure(folder)
    print(line("replayed", ours).partition("  0.0 CPU")[0], f" lost {len(ours.lost)} of {len(ours.recall)}")
    print(line("trafilatura", direct).partition("  0.0 CPU")[0], f" lost {len(direct.lost)} of {len(direct.recall)}")
    ended = ends["stored"] + ends["duplicate"] + sum(ends["dropped"].values()) + sum(ends["dead"].values())
    print(f"fates: {ends['fetched']} fetched = {ended} ended, {ends['in_flight']} in flight; {ends}")
    apart = f1(direct) - f1(ours)
    print(f"F1 apart: {apart:+.4f} (at most {MOST_APART})")
    return int(apart > MOST_APART or ended != ends["fetched"])


if __name__ == "__main__":
    raise SystemExit(main())
