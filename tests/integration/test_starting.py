"""What a process of ours loads, and when: starting is paid by every process of a run, loading late by every batch."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from stocked import Stock
from working import articles

from pipelines.likeness.profile import Profile
from pipelines.stores import editions, runs

# what only other stages need, or only a database whose tables are old; dateparser's first date costs seconds
PARSERS = {"trafilatura", "htmldate", "tokenizers", "publicsuffixlist"}
FOREIGN = {
    "dedupe": {"scrapy", "twisted", "alembic", "dateparser", *PARSERS},
    "store": {"scrapy", "twisted", "alembic", "dateparser", *PARSERS},
    "parse": {"scrapy", "twisted", "alembic", "dateparser"},
}
WORKER = """
import sys
from pathlib import Path
from crawler.cli import app, serving
from pipelines.config import load
from workers import work
from workers.jobs import Worked
from workers.queues import Queues
folder, database, stage = sys.argv[1:]
config = load(Path(folder), {"store": {"database": database}})
made = Worked(config, stage, Queues("redis://127.0.0.1:1/0", 32)).stages[stage]
if stage == "parse":
    made.warm()
print(*{name.partition(".")[0] for name in sys.modules})
"""
FORKING = """
import sys
from pipelines import urls
from pipelines.likeness import dense
from pipelines.parse import Parse
from pipelines.stores import open_store
stage = Parse(open_store(sys.argv[1]))
stage.warm()
stage.prepare([int(row) for row in sys.argv[2:]])
before = set(sys.modules)
assert urls._suffixes.cache_info().currsize == 1 and dense.embedder.cache_info().currsize == 1
stage.run([int(row) for row in sys.argv[2:]], lambda row: None)
print(*sorted(set(sys.modules) - before))
"""


def run(code: str, *arguments: object) -> str:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("stage", FOREIGN)
def test_a_worker_imports_what_its_own_stage_needs_and_no_more(tmp_path: Path, stage: str) -> None:
    address = f"sqlite:///{tmp_path / 'held.db'}"
    Stock(address, tmp_path)  # makes the tables
    assert not set(run(WORKER, tmp_path, address, stage).split()) & FOREIGN[stage]


def test_a_forked_batch_finds_everything_loaded(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'held.db'}"
    stock = Stock(address, tmp_path)
    learned = Profile.learn([("seed", "Dredging", "The harbour will be dredged so that larger ships can berth.", "en")])
    with stock.store.write() as connection:
        editions.keep(connection, learned.edition, "main", "seeds", [], learned.to_bytes())
        run_with = runs.start(connection, stock.config, learned.edition, now=time.time()).id
    stock.run = run_with
    rows = stock.fetched({url: html.encode() for url, html in articles(3)})
    assert run(FORKING, address, *rows).split() == []
