"""What benchmarks that crawl have in common: a project's seeds and configuration, its run, and the web it crawls."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crawler.project import Project
from crawler.starting import starting_points
from pipelines.stores import discovery, editions, open_store, runs

ROOT = Path(__file__).resolve().parent.parent
SEED = ROOT / "crawler" / "demo" / "articles" / "harbour-dredging" / "berth-four-deepening-sums.md"
CONFIG = """\
[profile.growth]
seeds = "seeds/"

[crawl]
pages = {pages}
rate = "1000/1s"
proxy = "{proxy}"

[sources]
sites = [{sites}]

[store]
keep = "{keep}"
"""


@contextmanager
def served(script: str, *arguments: str) -> Iterator[str]:
    """The address at which a script of this folder serves its web, while the context is open."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def sow(folder: Path, seeds: Sequence[str] = ()) -> None:
    """Seeds in a new project folder: these texts, or one of the demo's articles."""
    (folder / "seeds").mkdir(parents=True)
    for number, text in enumerate(seeds or [SEED.read_text("utf-8").partition("\n\n")[2]]):
        (folder / "seeds" / f"{number}.txt").write_text(text, "utf-8")


def begin(folder: Path) -> list[str]:
    """A run for a crawler that has no conductor; gives its command."""
    project = Project(folder)
    config = project.config()
    seeds = project.seed_set(config)
    profile = project.learn(seeds)
    store = open_store(config.database, mode=config.mode)
    now = time.time()
    with store.write() as connection:
        editions.keep(connection, profile.edition, "main", seeds.name, [], profile.to_bytes())
        run = runs.start(connection, config, profile.edition, now=now).id
        discovery.discover(connection, starting_points(config, seeds), run=run, now=now)
    store.close()
    return ["crawl-worker", "--run", str(run)]
