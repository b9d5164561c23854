"""The reconciler: what makes a lost job, worker, broker or crawler harmless."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from working import Waiting, articles

from pipelines.holders import holder_name, mine
from pipelines.records import Candidate
from pipelines.stages import RING_S, TAKES
from pipelines.stores import allotment, bodies, discovery, hosts, leases, ledger
from pipelines.stores.discovery import Found
from pipelines.stores.ledger import MAX_ATTEMPTS
from pipelines.stores.states import State
from workers import build
from workers.broker import Broker
from workers.inline import Inline
from workers.queues import Queues
from workers.reconcile import BATCH_AFTER, FIRST_UNTIL, LIMIT, _bury, reconcile

FAR = 10_000.0


class Bell:
    """A sender that only remembers what it was told."""

    def __init__(self, *, heard: bool = True) -> None:
        self.rung: list[tuple[str, list[int], int | None]] = []
        self.first: list[int] = []
        self._heard = heard

    def send(self, stage: str, rows: Sequence[int], *, batch: int | None = None, first: bool = False) -> bool:
        self.rung.append((stage, list(rows), batch))
        self.first += rows if first else []
        return self._heard


@pytest.fixture
def project(tmp_path: Path, database: str) -> Iterator[Waiting]:
    waiting = Waiting(tmp_path, store={"keep": "all", "archive": "none", "database": database})
    yield waiting
    waiting.store.close()


def begin(project: Waiting, rows: list[int], times: int, *, lease_s: float = -1.0) -> None:
    """A stage begins with these rows so often, and dies."""
    for _ in range(times):
        with project.store.write() as connection:
            ledger.take(connection, State.FETCHED, rows, now=time.time(), lease_s=lease_s)


def test_rows_whose_lease_ran_out_are_rung_again_and_then_left_alone(project: Waiting) -> None:
    rows = project.fetch(articles(3))
    bell = Bell()
    assert reconcile(project.store, bell, None) == {"urls": 0, "dead": 0, "parse": 3}
    assert bell.rung == [("parse", rows, BATCH_AFTER[0])]
    assert reconcile(project.store, bell, None) == {"urls": 0, "dead": 0}
    with project.store.read() as connection:
        assert ledger.overdue(connection, State.FETCHED, now=time.time() + RING_S + 1, limit=9) == [
            (row, 0) for row in rows
        ]


def test_rows_somebody_works_on_are_not_rung(project: Waiting) -> None:
    rows = project.fetch(articles(2))
    begin(project, rows, 1, lease_s=60)
    bell = Bell()
    reconcile(project.store, bell, None)
    assert bell.rung == []


def test_rows_of_a_dead_process_are_rung_at_once_and_those_of_a_living_one_are_not(project: Waiting) -> None:
    rows = project.fetch(articles(3), ring_after=time.time() + FAR)
    with subprocess.Popen(["true"]) as dead:
        pass
    for row, by in zip(rows, (holder_name(dead.pid), mine(), "another-machine-77"), strict=True):
        with project.store.write() as connection:
            ledger.take(connection, State.FETCHED, [row], now=time.time(), lease_s=60, by=by)
    bell = Bell()
    reconcile(project.store, bell, {"parse": 9, "dedupe": 0, "store": 0})
    assert bell.rung == [("parse", [rows[0]], BATCH_AFTER[1])]


def test_what_a_death_has_cost_its_turn_goes_first_but_not_for_ever(project: Waiting) -> None:
    rows = project.fetch(articles(FIRST_UNTIL + 1))
    for times, row in enumerate(rows):
        begin(project, [row], times)
    bell = Bell()
    reconcile(project.store, bell, None)
    assert bell.first == rows[1:-1]
    assert sorted(row for _, rung, _ in bell.rung for row in rung) == rows


def test_while_jobs_wait_only_rows_that_failed_before_are_rung(project: Waiting) -> None:
    fresh, failed = project.fetch(articles(2))
    begin(project, [failed], 1)
    bell = Bell()
    reconcile(project.store, bell, {"parse": 5, "dedupe": 0, "store": 0})
    assert bell.rung == [("parse", [failed], BATCH_AFTER[1])]
    reconcile(project.store, bell, {"parse": 0, "dedupe": 5, "store": 5})
    assert bell.rung[1:] == [("parse", [fresh], BATCH_AFTER[0])]


def test_rows_that_failed_before_are_rung_however_many_wait_in_the_queue(project: Waiting) -> None:
    project.fetch([(f"https://paper.example/{number}", "<p>x") for number in range(LIMIT)])
    (failed,) = project.fetch(articles(1))
    begin(project, [failed], 1)
    bell = Bell()
    reconcile(project.store, bell, {"parse": 50, "dedupe": 0, "store": 0})
    assert bell.rung == [("parse", [failed], BATCH_AFTER[1])]


def test_the_more_often_rows_failed_the_smaller_their_company(project: Waiting) -> None:
    rows = project.fetch(articles(4))
    for times, row in enumerate(rows):
        begin(project, [row], times)
    bell = Bell()
    reconcile(project.store, bell, None)
    assert bell.rung == [("parse", [rows[0]], 32), ("parse", [rows[1]], 8), ("parse", rows[2:], 1)]


def test_a_row_that_failed_too_often_ends_dead_with_its_reason_and_without_its_body(project: Waiting) -> None:
    poison, other = project.fetch(articles(2))
    begin(project, [poison], MAX_ATTEMPTS)
    bell = Bell()
    assert reconcile(project.store, bell, None) == {"urls": 0, "dead": 1, "parse": 1}
    assert [rows for _, rows, _ in bell.rung] == [[other]]
    assert project.fates()["dead"] == {"parse-killed": 1}
    with project.store.read() as connection:
        assert bodies.left_over(connection) == []
        (kept,) = ledger.overdue(connection, State.FETCHED, now=time.time() + FAR, limit=9)
    assert kept[0] == other


def test_a_row_that_failed_too_often_is_not_begun_again_by_a_job_that_still_names_it(project: Waiting) -> None:
    (poison,) = project.fetch(articles(1))
    begin(project, [poison], MAX_ATTEMPTS)
    stages = build.stages(project.store, project.config)
    assert not any(stages["parse"].run([poison], lambda _: None).values())
    assert project.attempts(poison) == MAX_ATTEMPTS
    assert reconcile(project.store, Bell(), None)["dead"] == 1


def test_a_row_that_got_through_at_last_is_not_buried(project: Waiting) -> None:
    """Between the reconciler's look and its deed a worker may have finished."""
    (row,) = project.fetch(articles(1))
    begin(project, [row], MAX_ATTEMPTS - 1)
    stages = build.stages(project.store, project.config)
    stages["parse"].run([row], lambda _: None)
    assert _bury(project.store, "parse", [row]) == 0
    assert project.fates()["in_flight"] == 1


def test_a_bell_nobody_hears_is_rung_again_later(project: Waiting) -> None:
    rows = project.fetch(articles(2))
    deaf = Bell(heard=False)
    reconcile(project.store, deaf, None)
    with project.store.write() as connection:
        ledger.unrung(connection, now=time.time() - 1)
    bell = Bell()
    reconcile(project.store, bell, None)
    assert bell.rung == [("parse", rows, 32)]


def test_each_stage_is_rung_for_the_rows_it_takes(project: Waiting) -> None:
    rows = project.fetch(articles(3))
    stages = build.stages(project.store, project.config)
    stages["parse"].run(rows[1:], lambda _: None)
    stages["dedupe"].run(rows[2:], lambda _: None)
    with project.store.write() as connection:
        ledger.unrung(connection, now=time.time() - 1)
    bell = Bell()
    reconcile(project.store, bell, None)
    assert [(stage, rung) for stage, rung, _ in bell.rung] == list(zip(TAKES, [[row] for row in rows], strict=True))


def test_everything_ends_when_the_bell_rings_in_this_very_process(project: Waiting) -> None:
    project.fetch(articles(40))
    reconcile(project.store, Inline(build.stages(project.store, project.config)), None)
    ends = project.fates()
    assert (ends["in_flight"], ends["stored"]) == (0, 40)


def test_one_round_is_bounded(project: Waiting) -> None:
    project.fetch([(f"https://paper.example/{number}", "<p>x") for number in range(LIMIT + 10)])
    assert reconcile(project.store, Bell(), None)["parse"] == LIMIT
    assert reconcile(project.store, Bell(), None)["parse"] == 10


def test_hosts_of_a_dead_crawler_are_free_again_and_those_of_a_live_one_are_not(project: Waiting) -> None:
    now = time.time()
    with project.store.write() as connection:
        names = ["https://dead.example/", "https://alive.example/"]
        found = [Found(Candidate(url, "start"), 0.9) for url in names]
        discovery.discover(connection, found, run=project.run, now=now)
        wanted = {"run": project.run, "number": 1, "rows_each": 4, "at_most": 9, "worth": 0.0}
        allotment.lease(connection, "dead", now=now - FAR, **wanted)
        allotment.lease(connection, "alive", now=now, **wanted)
    with project.store.read() as connection:
        assert sorted(leases.holders(connection)) == ["alive", "dead"]
    assert reconcile(project.store, Bell(), None)["urls"] == 1
    with project.store.read() as connection:
        assert leases.holders(connection) == ["alive"]
        assert hosts.frontier(connection) == {"hosts": 1, "urls": 1, "leased": 1}


def test_bodies_left_behind_are_archived_once_the_store_is_idle(project: Waiting) -> None:
    rows = project.fetch(articles(2))
    with project.store.write() as connection:
        for row in rows:
            ledger.move(connection, row, State.FETCHED, 0, to=State.DROPPED, reason="unlike")
    bell = Bell()
    reconcile(project.store, bell, {"parse": 0, "dedupe": 0, "store": 1})
    assert bell.rung == []
    reconcile(project.store, bell, {"parse": 0, "dedupe": 0, "store": 0})
    assert bell.rung == [("store", rows, None)]


def test_an_absent_broker_is_no_reason_to_stop(project: Waiting, tmp_path: Path) -> None:
    project.fetch(articles(2))
    sender = Queues(Broker(tmp_path).address, 32)
    assert reconcile(project.store, sender, sender.waiting()) == {"urls": 0, "dead": 0, "parse": 2}
    sender.close()
