"""What the queue costs, counted: Redis commands and jobs a page, how rings are gathered, when workers are added."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import until
from working import Waiting, article, articles, said, started

from crawler.frontier.batch import Batch
from crawler.frontier.handoff import RING_EVERY_S, Handoff, Wanted
from crawler.running.lookout import Lookout
from crawler.running.processes import Processes
from pipelines.records import Candidate
from pipelines.stores import discovery, leases, replayed
from pipelines.stores.allotment import LEASE_S
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State
from workers.broker import Broker, connect
from workers.queues import Queues
from workers.reconcile import reconcile
from workers.report import workers
from workers.supervise import Supervisor
from workers.tuning import BATCH, tuned

PAGES = 2 * BATCH
WANTED = Wanted(hosts=0, rows_each=0, held=1)


class Bell:
    """Notes what was rung for."""

    def __init__(self) -> None:
        self.rung: list[int] = []

    def send(self, stage: str, rows: Sequence[int], *, batch: int | None = None, first: bool = False) -> bool:
        self.rung.append(len(rows))
        return True


@pytest.mark.slow
def test_a_page_costs_four_redis_commands_and_a_sixteenth_of_a_job_at_most(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(PAGES), ring_after=time.time() + 3600)
    with Broker(tmp_path) as broker, started(tmp_path, "work"):
        until(lambda: _asleep(broker) == 3, "three workers")
        began, looked = _commands(broker)
        until(lambda: _commands(broker)[1] >= looked + 6, "looks at empty queues")
        before, looks = _commands(broker)
        a_look, sender = (before - began) / (looks - looked), Queues(broker.address, tuned(project.config).batch)
        sender.send("parse", rows)
        until(lambda: project.fates()["in_flight"] == 0 and _asleep(broker) == 3, "the end of every row")
        (after, all_looks), jobs = _commands(broker), sum(one.done for one in workers(project.config))
        sender.close()
    assert project.fates()["stored"] == PAGES, said(tmp_path)
    # the longer it takes, the more often those who have nothing to do look for it
    in_vain = all_looks - looks - jobs
    assert (after - before - a_look * in_vain) / PAGES <= 4
    assert jobs / PAGES <= 1 / 16


@pytest.mark.parametrize("back", [25, 3600])
@pytest.mark.parametrize("noticed_first", [True, False])
def test_a_crawler_keeps_its_hosts_while_the_clock_is_behind(tmp_path: Path, back: int, noticed_first: bool) -> None:
    project, wall, steady = Waiting(tmp_path), 1_800_000_000.0, 100.0
    found = [Found(Candidate("https://a.test/1", "start"), 0.9)]
    with project.store.write() as connection:
        discovery.discover(connection, found, run=project.run, now=wall)

    def crawler(name: str) -> Handoff:
        return Handoff(
            project.store, Bell(), run=project.run, holder=name, clock=lambda: wall, monotonic=lambda: steady
        )  # fmt: skip

    mine, other = crawler("me-1"), crawler("other-2")
    (lease,) = mine.exchange(Batch(), Wanted(1, 4, 0)).leases
    wall -= back
    if noticed_first:  # and so renewed by the new time before the others' times are moved
        mine.exchange(Batch(), Wanted(0, 4, 4))
    with project.store.write() as connection:
        leases.set_back(connection, back, now=wall)
        assert not leases.any_lost(connection, now=wall)
    held: list[frozenset[int]] = []
    for _ in range(10):
        wall, steady = wall + LEASE_S / 4, steady + LEASE_S / 4
        held += [told] if (told := mine.exchange(Batch(), Wanted(0, 4, 4)).mine) is not None else []
        assert other.exchange(Batch(), Wanted(1, 4, 4)).leases == []
    assert held and set(held) == {frozenset([lease.id])}


def test_a_clock_that_is_set_ahead_takes_no_host_from_a_crawler_that_lives(tmp_path: Path) -> None:
    project, wall, steady = Waiting(tmp_path), 1_800_000_000.0, 100.0
    found = [Found(Candidate(f"https://a.test/{number}", "start"), 0.9) for number in range(9)]
    with project.store.write() as connection:
        discovery.discover(connection, found, run=project.run, now=wall)
    made = {"clock": lambda: wall, "monotonic": lambda: steady}
    mine = Handoff(project.store, Bell(), run=project.run, holder="me-1", **made)
    other = Handoff(project.store, Bell(), run=project.run, holder="other-2", **made)
    (lease,) = mine.exchange(Batch(), Wanted(1, 4, 0)).leases
    wall += 3600
    assert other.exchange(Batch(), Wanted(1, 4, 4)).leases == []
    assert reconcile(project.store, Bell(), None, ahead_s=3600)["urls"] == 0
    assert mine.exchange(Batch(), Wanted(0, 4, 4)).mine == {lease.id}, "renewed at once"
    wall, steady = wall + LEASE_S - 1, steady + LEASE_S - 1
    assert other.exchange(Batch(), Wanted(1, 4, 4)).leases == []
    # and one that really is dead loses them all the same
    wall, steady = wall + 2, steady + 2
    assert [one.id for one in other.exchange(Batch(), Wanted(1, 4, 4)).leases] == [lease.id]


def test_few_pages_wait_for_others_before_they_are_rung_for(tmp_path: Path) -> None:
    project, bell, now = Waiting(tmp_path), Bell(), 1000.0
    handoff = Handoff(project.store, bell, run=project.run, holder="me-1", together=10, monotonic=lambda: now)
    pages = iter(range(40))
    handoff.exchange(_fetched(project, [next(pages)]), WANTED)
    assert bell.rung == [1]  # somebody waits for the first result
    for _ in range(3):
        handoff.exchange(_fetched(project, [next(pages) for _ in range(3)]), WANTED)
    assert bell.rung == [1] and not handoff.owes_a_ring
    handoff.exchange(_fetched(project, [next(pages)]), WANTED)
    assert bell.rung == [1, 10]
    handoff.exchange(_fetched(project, [next(pages)]), WANTED)
    now += RING_EVERY_S + 1
    assert handoff.owes_a_ring
    handoff.exchange(Batch(), WANTED)
    assert bell.rung == [1, 10, 1] and not handoff.owes_a_ring
    handoff.exchange(_fetched(project, [next(pages)]), WANTED)
    handoff.ring()
    assert bell.rung == [1, 10, 1, 1]
    project.store.close()


def test_a_worker_is_added_while_pages_wait_and_the_machine_takes_it(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    open_, fixed = project.config, msgspec.structs.replace(project.config.queue, workers=1)
    supervisor = Supervisor(tmp_path)
    try:
        lookout = Lookout(open_, project.store, project.run, tell=lambda _: None)
        processes = Processes(open_, project.run, hurry=lambda: True)
        processes._supervisor = supervisor  # which would also start what works on these pages
        most, batch = tuned(open_).workers, tuned(open_).batch
        project.fetch(articles(batch - 1), ring_after=time.time() + 3600)
        lookout.look(0.0)
        processes.grow(lookout.unparsed)
        assert supervisor.pids() == {}
        project.fetch([article(batch)], ring_after=time.time() + 3600)
        lookout.look(0.0)
        for _ in range(most + 2):
            processes.grow(lookout.unparsed)
        assert set(supervisor.pids()) == {f"work-parse-{number}" for number in range(most)}
        assert tuned(msgspec.structs.replace(open_, queue=fixed)).workers == 1
    finally:
        supervisor.stop(("work",), hurry=lambda: True)
        project.store.close()


def _fetched(project: Waiting, numbers: Sequence[int]) -> Batch:
    """A batch of pages that go on to extraction, as a crawler has it."""
    now = time.time()
    urls = [f"https://paper.example/2026/11/a-story-{number}" for number in numbers]
    with project.store.write() as connection:
        discovery.discover(connection, [Found(Candidate(url, "start"), 0.9) for url in urls], run=project.run, now=now)
        rows: dict[str, Any] = replayed.lease(connection, urls, run=project.run, now=now)
    body = b"<html><p>A page.</p></html>"
    return Batch(
        fetched=[
            Fetched(row, State.FETCHED, 200, final_url=url, fetched_at=now, body=body) for url, row in rows.items()
        ]
    )


def _asleep(broker: Broker) -> int:
    """Workers that wait in Redis for a job."""
    with connect(broker.address) as client:
        return int(client.info("clients")["blocked_clients"])


def _commands(broker: Broker) -> tuple[int, int]:
    """Commands the workers and senders have given so far, but not those by which this test looks; and how many of them
    asked for a job, and came back with one or with none."""
    with connect(broker.address) as client:
        held = client.info("commandstats")
    calls = {name: int(each["calls"]) for name, each in held.items() if name not in LOOKS}
    return sum(calls.values()), calls.get("cmdstat_blmove", 0)


LOOKS = {"cmdstat_info", "cmdstat_client|setinfo", "cmdstat_client|setname", "cmdstat_hello", "cmdstat_ping"}
