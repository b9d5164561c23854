"""What a discovered link costs, on top of parsing its page: anchors and contexts, identity, estimate, ledger row.

    python benchmarks/links.py --web WEB [--pages 2000] [--rounds 5]

Takes pages of a recorded web (WEB, see `recorded_web.py`) through what a crawler does with each (`glance`, the gate's
quick score as the parent's likeness, the spider's finding, the handoff's writing, 32 pages to a batch), and again
without links; the difference in CPU time, by the number of links found, is what one costs. Each counts once a page.
Those of which nothing more is to be learned are left unread by their key. Prints JSON: medians
in microseconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.crawls import begin, sow
from benchmarks.recorded_web import read
from crawler.crawl import Crawl
from crawler.frontier.batch import Batch
from crawler.frontier.discovery import Discovery
from crawler.frontier.exchange import BATCH_PAGES
from crawler.project import Project
from crawler.reading.glance import glance
from crawler.sources.links import candidates
from pipelines.stores import discovery

CONFIG = """\
[profile.growth]
seeds = "seeds/"

[sources]
sites = ["http://begin.example/"]
"""


class Meter:
    """CPU microseconds of this thread, by part."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        """Counts what is inside."""
        began = time.thread_time()
        yield
        self.spent[part] += (time.thread_time() - began) * 1e6


def once(pages: list[tuple[str, bytes]], folder: Path) -> dict[str, float]:
    """One crawl's worth: what every part costs for a link, with their numbers."""
    sow(folder)
    (folder / "suchlike.toml").write_text(CONFIG)
    run = int(begin(folder)[-1])
    crawl = Crawl.of_run(Project(folder).config(), run)
    finding = Discovery(crawl)
    meter, batch, seen, new = Meter(), Batch(), 0, 0
    for number, (url, body) in enumerate(pages, 1):
        with meter.on("parsing"):
            glance(body, url, max_links=0)
        with meter.on("whole"):
            look = crawl.gate.look(body, url, {"content-type": "text/html"}, finding.wants)
        with meter.on("judging"):
            quick = crawl.gate._quick(look.glance, url) if look.glance else 0.0
        if look.glance is None:
            continue
        seen += len(glance(body, url).links)
        with meter.on("estimating"):
            batch.found += finding.find(candidates(look.glance), parent=number, likeness=quick, depth=1)
        crawl.focus.learn(url, None, quick, alike=False)
        if number % BATCH_PAGES and number < len(pages):
            continue
        with meter.on("estimating again"):
            again = crawl.focus.rescored()
        with crawl.store.write() as connection:
            with meter.on("writing"):
                new += len(discovery.discover(connection, batch.found, run=run, now=time.time()))
            with meter.on("writing again"):
                discovery.rescore(connection, again)
        batch = Batch()
    crawl.store.close()
    spent = meter.spent
    spent["reading"] = spent.pop("whole") - spent.pop("judging") - spent.pop("parsing")
    return {**{part: cost / seen for part, cost in spent.items()}, "sum": sum(spent.values()) / seen,
            "links": seen, "new": new}  # fmt: skip


def main() -> None:
    """Runs and prints."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--web", required=True)
    options.add_argument("--pages", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    pages = [(page.url, page.body) for page in islice(read(chosen.web).values(), chosen.pages)]
    with tempfile.TemporaryDirectory(prefix="suchlike-links-") as scratch:
        rounds = [once(pages, Path(scratch) / str(number)) for number in range(chosen.rounds + 1)][1:]
    print(json.dumps({name: round(median(one[name] for one in rounds), 1) for name in rounds[0]}))


if __name__ == "__main__":
    main()
