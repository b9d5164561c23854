"""A machine that helps crawls for the run that is under way, and once more when that is given more pages."""

from __future__ import annotations

import time
from pathlib import Path

from conftest import until
from working import at_work_in

from crawler.project import Project
from crawler.running.joining import Joining
from pipelines.stores import open_store, runs


def test_a_helping_crawler_begins_anew_when_the_budget_is_raised(tmp_path: Path) -> None:
    config = Project(tmp_path).config({"crawl": {"pages": 10}})
    store = open_store(config.database, mode=config.mode)
    with store.write() as connection:
        run = runs.start(connection, config, "", now=time.time())
    joining = Joining(config)

    def crawls() -> bool:
        with store.write() as connection:
            runs.beat(connection, run.id, now=time.time())
        joining.tick()
        return any("crawl-worker" in line for line in at_work_in(tmp_path).values())

    try:
        until(crawls, "its first crawl")
        until(lambda: not crawls(), "its end, since nothing waits")
        for _ in range(20):
            assert not crawls()
        with store.write() as connection:
            runs.add_pages(connection, run, 500)
        until(crawls, "another crawl")
    finally:
        joining.stop()
        store.close()
