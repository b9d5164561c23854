"""What a conductor takes over from the dead, leaves to the living, and waits for before it calls a run ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from crawling import FAST
from scripted_site import serving, story
from working import Waiting, articles

from crawler.project import Project
from crawler.running.conductor import Conductor
from crawler.running.lookout import Lookout
from crawler.running.runlock import RunLock
from pipelines.errors import UsageError
from pipelines.holders import holder_name, is_dead, mine
from pipelines.records import Candidate
from pipelines.stages import unwatched
from pipelines.stores import allotment, bodies, discovery, fates, hosts, leases, ledger, runs
from pipelines.stores import articles as stored
from pipelines.stores.discovery import Found
from pipelines.stores.states import State
from workers import build


@pytest.fixture
def dead_pid() -> int:
    """The number of a process that was and is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def lease(project: Waiting, *holders: str, ago_s: float = 0.0) -> None:
    """One host with one URL for each holder."""
    now = time.time()
    with project.store.write() as connection:
        found = [Found(Candidate(f"https://host-{n}.example/", "start"), 0.9) for n in range(len(holders))]
        discovery.discover(connection, found, run=project.run, now=now)
        for holder in holders:
            allotment.lease(
                connection, holder, run=project.run, now=now - ago_s, number=1, rows_each=4, at_most=9, worth=0.0
            )


def held(project: Waiting) -> set[str]:
    with project.store.read() as connection:
        return set(leases.holders(connection))


def frontier(project: Waiting) -> dict[str, Any]:
    with project.store.read() as connection:
        return hosts.frontier(connection)


def test_only_a_crawler_of_this_machine_can_be_known_to_be_dead(dead_pid: int) -> None:
    assert not is_dead(holder_name(os.getpid()))
    assert is_dead(holder_name(dead_pid))
    assert not is_dead(f"another-machine-{dead_pid}")
    assert not is_dead(holder_name(1))
    assert not is_dead("")


def test_the_dead_lose_their_hosts_at_once_and_the_living_keep_them(tmp_path: Path, dead_pid: int) -> None:
    """A crawler of the Procfile may well be at work while a killed run is taken up again: a host has one owner."""
    project = Waiting(tmp_path)
    alive, dead, elsewhere = holder_name(os.getppid()), holder_name(dead_pid), "another-machine-77"
    lease(project, alive, dead, elsewhere)
    Conductor(project.config, project.store, project.run)._take_over()
    assert held(project) == {alive, elsewhere}
    assert (frontier(project)["urls"], frontier(project)["leased"]) == (1, 2)
    project.store.close()


def test_leases_that_ran_out_come_back_wherever_their_holder_was(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    lease(project, "another-machine-77", ago_s=allotment.LEASE_S + 1)
    Conductor(project.config, project.store, project.run)._take_over()
    assert held(project) == set()
    assert (frontier(project)["urls"], frontier(project)["leased"]) == (1, 0)
    project.store.close()


def test_rows_of_a_dead_worker_are_due_at_once(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(3), ring_after=time.time() + 3600)
    Conductor(project.config, project.store, project.run)._take_over()
    with project.store.read() as connection:
        overdue = ledger.overdue(connection, State.FETCHED, now=time.time(), limit=9)
    assert overdue == [(row, 0) for row in rows]
    project.store.close()


@pytest.mark.parametrize(("archive", "waits"), [("all", True), ("kept", False)])
def test_a_run_is_not_over_while_pages_wait_for_the_archive(tmp_path: Path, archive: str, waits: bool) -> None:
    project = Waiting(tmp_path, store={"keep": "matches", "archive": archive})
    (row,) = project.fetch(articles(1))
    with project.store.write() as connection:
        ledger.move(connection, row, State.FETCHED, 0, to=State.DROPPED, reason="unlike")
    lookout = Lookout(project.config, project.store, project.run, tell=lambda _: None)
    lookout.look(1.0)
    assert bool(lookout.seen.in_flight) == waits
    project.store.close()


def test_a_run_is_over_when_its_time_is_and_rest_does_not_count(tmp_path: Path) -> None:
    project = Waiting(tmp_path, crawl={"time": "1m"})
    lookout = Lookout(project.config, project.store, project.run, tell=lambda _: None)

    def ends(seconds: float) -> str | None:
        lookout.look(seconds)
        return lookout.spent()

    assert ends(29.0) is None
    with project.store.write() as connection:
        runs.pause(connection, project.run)
    assert [ends(30.0), ends(100.0)] == [None, None]
    with project.store.write() as connection:
        runs.go_on(connection, project.run)
    assert [ends(101.0), ends(130.0), ends(131.0)] == [None, None, "time"]
    project.store.close()


def test_what_was_found_is_told_once_though_the_end_or_trouble_is_told_beside_it(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    told: list[int] = []
    lookout = Lookout(project.config, project.store, project.run, tell=lambda seen: told.append(len(seen.latest)))
    lookout.seen.latest = [(0.9, "Dredgers leave", "harbour.test")]
    lookout.trouble("The broker does not answer.", 1.0)
    lookout.seen.latest = [(0.9, "Dredgers leave", "harbour.test")]
    lookout.stopping(2.0)
    assert told == [0, 0]
    project.store.close()


def test_an_interrupted_run_stops_the_crawlers_others_have_started_for_it(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    with project.store.read() as connection:
        assert runs.under_way(connection, now=time.time()) == project.run
        assert runs.under_way(connection, now=time.time() + runs.ALIVE_S + 1) is None
    assert Conductor(project.config, project.store, project.run)._interrupted() == "user"
    with project.store.write() as connection:
        assert runs.under_way(connection, now=time.time()) is None
        held = runs.get(connection, project.run)
        assert (held.stopped_by, held.ended_at) == ("user", None)
        runs.resume(connection, project.run, project.config, "", now=time.time())
        assert runs.under_way(connection, now=time.time()) == project.run
    project.store.close()


def test_a_run_that_is_refused_changes_nothing_of_the_one_at_work(tmp_path: Path) -> None:
    (tmp_path / "seed.txt").write_text(
        "Night trains return\n\n" + "Sleeping cars are booked out for weeks again. " * 20
    )
    project = Waiting(tmp_path)
    with project.store.write() as connection:
        runs.halt(connection, project.run, runs.USER)
        before = runs.get(connection, project.run)
    other = {"crawl": {"pages": 5000}, "sources": {"sites": ["http://127.0.0.1:9/"]}}
    with RunLock(tmp_path), pytest.raises(UsageError, match="Another run is at work"):
        Project(tmp_path, seeds=["seed.txt"]).conduct(other)
    with project.store.read() as connection:
        assert runs.get(connection, project.run) == before
        assert runs.latest(connection) == before
        assert fates.count(connection)["frontier"] == 0
    project.store.close()


def test_a_run_that_names_no_start_takes_up_what_the_last_one_gave_up(tmp_path: Path) -> None:
    (tmp_path / "seed.txt").write_text(
        "Night trains return\n\n" + "Sleeping cars are booked out for weeks again. " * 20
    )
    lone = Project(tmp_path, seeds=["seed.txt"])
    with serving({"a.test/1": story(1)}) as site:
        asked = {"crawl": {"proxy": site.url, "rate": FAST}, "store": {"archive": "none"}}
        project = Waiting(tmp_path, **asked)
        with project.store.write() as connection:
            found = [Found(Candidate("http://a.test/1", "start"), 0.9)]
            discovery.discover(connection, found, run=project.run, now=time.time())
            (host,) = discovery.host_ids(connection, ["a.test"]).values()
            hosts.give_up(connection, host, "8 failures in a row")
            runs.end(connection, project.run, "exhausted", now=time.time())
        assert lone.conduct(asked)["pages_fetched"] == 1
        with project.store.read() as connection:
            last = runs.latest(connection)
        with pytest.raises(UsageError, match="nowhere to start"):  # the page is known for what it is: nothing waits
            lone.conduct(asked)
    with project.store.read() as connection:
        assert runs.latest(connection) == last
    project.store.close()


def test_a_page_whose_archiving_was_taken_over_by_one_who_died_still_reaches_the_archive(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    (row,) = project.fetch(articles(1))
    stages = build.stages(project.store, project.config)
    stages["parse"].run([row], unwatched)
    stages["dedupe"].run([row], unwatched)

    def taken_for_dead(_: int) -> None:
        with project.store.write() as connection:
            ledger.free(connection, mine(), now=time.time())
            ledger.take(connection, State.JUDGED, [row], now=time.time(), lease_s=60)

    stages["store"].run([row], taken_for_dead)
    assert project.fates()["in_flight"] == 1
    stages["store"].run([row], unwatched)
    assert project.fates()["stored"] == 1
    with project.store.read() as connection:
        assert bodies.left_over(connection) == []
        article = stored.one(connection, row)
    assert article is not None and article["archive"] is not None
    stages["store"].close()  # type: ignore[attr-defined]  # this stage holds a file
    project.store.close()
