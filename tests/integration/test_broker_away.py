"""A broker that is away for minutes: whoever needs it waits, keeps what it has, and goes on by itself."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from conftest import until
from patience import RUN_S
from scripted_site import page, serving, story
from working import said, started

from crawler.project import Project
from pipelines.stores import Store, fates, open_store, runs
from workers.broker import Broker

PAGES = 40
AWAY_S = 300
# of which the docs tell
BACK_S = 10


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_outlives_five_minutes_without_its_broker_and_goes_on_within_seconds(tmp_path: Path) -> None:
    pages = {f"n.test/{at}": story(at, links=[f"/{at + 1}", f"/{at + 2}"]) for at in range(PAGES)}
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (project / "seeds").mkdir(parents=True)
    (project / "seeds" / "one.txt").write_text("Title of a seed\n\n" + "The river and the bridge. " * 40)
    elsewhere.mkdir()
    # not the run's own broker, which it would start again itself
    with Broker(elsewhere) as broker, serving({**pages, "n.test/": page("Front", links=["/0", "/1"])}) as site:
        arguments = ["run", "--site", "http://n.test/", "--proxy", site.url, "--keep", "all", "--pages", "0"]
        places = {"SUCHLIKE_REDIS": broker.address, "SUCHLIKE_CRAWL__RATE": "2/1s"}
        with started(project, *arguments, **places) as run:
            until(lambda: bool(site.requests("n.test")), "the first request")
            with contextlib.closing(open_store(Project(project).config().database)) as store:
                until(lambda: ended(store) >= 3, "the first articles")
                broker.stop()
                gone = time.monotonic()
                until(lambda: time.monotonic() > gone + AWAY_S or run.poll() is not None, "the time", 2 * AWAY_S)
                assert run.poll() is None, said(project)
                held = ended(store)
                assert held < PAGES
                broker.start()
                until(lambda: ended(store) > held, "the flow's return", BACK_S)
                assert run.wait(RUN_S) in (0, 1), said(project)
                with store.read() as connection:
                    assert runs.get(connection, 1).stopped_by == "exhausted"
                    ends = fates.count(connection)
    assert (ends["in_flight"], ends["dead"]) == (0, {})
    assert ends["stored"] + ends["duplicate"] == PAGES


def ended(store: Store) -> int:
    """How many articles have passed all stages."""
    with store.read() as connection:
        ends = fates.count(connection)
    return int(ends["stored"] + ends["duplicate"])
