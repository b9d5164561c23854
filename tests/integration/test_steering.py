"""A real run that is given more pages, rests, goes on and is stopped, while it is at work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import until
from patience import RUN_S
from working import said, started

from crawler.cli.app import run as command_line
from crawler.demo.served import served
from crawler.running.steering import steer
from pipelines.errors import UsageError
from pipelines.stores import Store, hosts, ledger, open_store, runs
from pipelines.stores.runs import Run

SEEDS = Path(__file__).parents[2] / "seeds" / "harbour-dredging"


def now(store: Store) -> Run:
    """The run."""
    with store.read() as connection:
        return runs.get(connection, 1)


def pages(store: Store) -> int:
    """Pages fetched so far."""
    with store.read() as connection:
        return runs.pages_fetched(connection, 1)


def rests(store: Store) -> bool:
    """Whether nothing is held, and nothing on its way."""
    with store.read() as connection:
        return not hosts.frontier(connection)["leased"] and not any(ledger.in_flight(connection).values())


@pytest.mark.slow
def test_a_run_does_what_it_is_told_while_it_is_at_work(tmp_path: Path) -> None:
    folder = tmp_path / "harbour"
    shutil.copytree(SEEDS, folder / "seeds")
    budget = 12
    with served() as web:
        asked = ["run", "--site", "http://northhaven-post.test/", "--pages", str(budget), "--proxy", web, "--no-web"]
        with started(folder, *asked, SUCHLIKE_CRAWL__RATE="4/1s") as process:
            database = folder / "suchlike.db"
            until(database.exists, "the database")
            store = open_store(f"sqlite:///{database}", create=False)
            until(lambda: pages(store) > 0, lambda: f"the first page: {said(folder)}")
            # however near its end it is, it goes on
            steer(store, "more")
            until(lambda: pages(store) > budget, "pages beyond the first budget")
            assert command_line(["-C", str(folder), "-q", "pause"]) == 0
            until(lambda: rests(store), "rest")
            then, at = pages(store), now(store).seen_at
            until(lambda: now(store).seen_at > at + 4, "another sign of life while it rests")
            assert pages(store) == then and process.poll() is None
            assert command_line(["-C", str(folder), "-q", "resume"]) == 0
            until(lambda: pages(store) > then, "the next page")
            steer(store, "stop")
            assert process.wait(RUN_S) == 3, said(folder)
    run = now(store)
    assert (run.stopped_by, run.ended_at) == ("user", None)  # it goes on when it is asked for again
    assert rests(store) and pages(store) < budget + 500
    with pytest.raises(UsageError, match="No run is at work"):
        steer(store, "pause")
    store.close()
