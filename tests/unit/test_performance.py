"""The benchmarks' own sums, and that what they measure is still there to be measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.many_articles import Maker
from benchmarks.peers import ALL, MATCHES, PLAIN, SLOW, summary
from benchmarks.store import measured
from crawler.project import Project
from pipelines.stores import fates, open_store, runs


def cost(pages: int, start_s: float, page_s: float) -> dict[str, Any]:
    """What a crawl of so many pages gives, of which each costs the same beyond the start."""
    return {"pages": pages, "kept": pages, "words": 500 * pages, "cpu_s": start_s + page_s * pages, "memory_mb": 100.0,
            "wall_s": 1.0}  # fmt: skip


@pytest.mark.parametrize("name", [PLAIN, *sorted(SLOW)])
def test_a_peer_with_our_start_and_our_cost_a_page_is_once_ours_however_few_pages_it_crawls(name: str) -> None:
    ours = {"small": [cost(50, 10, 0.02)], "fewer": [cost(200, 10, 0.02)], "large": [cost(1000, 10, 0.02)]}
    theirs = {"small": ours["small"], "fewer": ours["fewer"]} if name in SLOW else ours
    told = summary({MATCHES: ours, ALL: ours, name: theirs})
    assert set(map(tuple, told[name]["times_ours"].values())) == {(1.0, 1.0, 1.0)}
    assert told[MATCHES]["pages"] == 1000


def test_articles_are_measured_into_a_store_as_the_stages_write_them(tmp_path: Path) -> None:
    config = Project(tmp_path).config()
    store = open_store(config.database, mode="online", forks=False)
    with store.write() as connection:
        run = runs.start(connection, config, "", now=1.0).id
    assert set(measured(store, Maker(), range(6), run, batch=4)) == {"a_second", "cpu_ms", "store_cpu_ms"}
    with store.read() as connection:
        assert fates.count(connection)["stored"] == 6
    store.close()
