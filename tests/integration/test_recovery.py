"""What faults cost: not a page's attempts, not a minute's wait, not a host's patience; a full disk stops everybody."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import until
from patience import PATIENCE_S, RUN_S
from scripted_site import page, serving, story
from working import Waiting, article, articles, said, started, supervised

from crawler.frontier.batch import Batch
from crawler.frontier.handoff import BACKLOG, Handoff, Wanted
from crawler.project import Project
from crawler.running.conductor import BEAT_S
from crawler.running.standing import standing
from pipelines import disk, stages, walltime
from pipelines.errors import StoreError
from pipelines.holders import holder_name, mine
from pipelines.records import Candidate
from pipelines.stages import LEASE_S, RING_S
from pipelines.stores import allotment, discovery, hosts, leases, ledger, open_store, runs
from pipelines.stores.discovery import Found
from pipelines.stores.states import State
from workers import jobs
from workers.broker import Broker, connect, is_up
from workers.jobs import Worked
from workers.queues import Queues
from workers.reconcile import DEEP, clock_set_back, reconcile, ring_all

SLOW_SENTENCES = 14_000
ENDLESS = 1_000_000_000


def overdue(project: Waiting, *, now: float) -> set[int]:
    with project.store.read() as connection:
        return {row for row, _ in ledger.overdue(connection, State.FETCHED, now=now, limit=100)}


# pages


def test_an_attempt_that_could_not_be_made_does_not_count(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(3))
    now = time.time()
    with project.store.write() as connection:
        ledger.take(connection, State.FETCHED, rows[:2], now=now, lease_s=LEASE_S)
        ledger.begin_not(connection, rows, state=State.PARSED, until=now + 2)
        assert [attempt for _, attempt in ledger.attempts_of(connection, rows[:2])] == [1, 1], "of another stage"
        ledger.begin_not(connection, rows, state=State.FETCHED, until=now + 2)
    assert [project.attempts(row) for row in rows] == [0, 0, 0]
    assert overdue(project, now=now + 1) == {rows[2]}
    assert overdue(project, now=now + 3) == set(rows)


class _Works:
    """A sender who parses at once, as a worker does."""

    def send(self, stage: str, rows: Sequence[int], *, batch: int | None = None, first: bool = False) -> bool:
        size = batch or len(rows)
        for at in range(0, len(rows) if stage == "parse" else 0, size):
            with contextlib.suppress(StoreError):
                jobs.run_stage(stage, list(rows[at : at + size]))
        return True


def test_a_page_that_the_database_does_not_take_ends_alone(tmp_path: Path) -> None:
    project = Waiting(tmp_path, store={"keep": "all", "archive": "none"})
    bad, *_ = project.fetch(articles(5))
    with project.store.write() as connection:
        connection.exec_driver_sql(
            f"CREATE TRIGGER no BEFORE INSERT ON articles WHEN new.id = {bad} BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    sender = _Works()
    jobs.work_with(Worked(project.config, "parse", sender))
    sender.send("parse", [bad])
    assert project.attempts(bad) == 1
    while any(reconcile(project.store, sender, None).values()):
        pass
    ends = project.fates()
    assert (ends["dead"], ends["in_flight"]) == ({"parse-killed": 1}, 4)


def test_a_stage_that_is_still_at_its_rows_keeps_them(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    mine, others = project.fetch(articles(2), ring_after=0.0)
    now = time.time()
    with project.store.write() as connection:
        ledger.take(connection, State.FETCHED, [mine], now=now, lease_s=LEASE_S)
        ledger.renew(connection, [mine, others], until=now + 3 * LEASE_S)
    # what nobody has begun is not held by saying so
    assert overdue(project, now=now + 2 * LEASE_S) == {others}


def test_an_emptied_broker_is_noticed_once_and_everything_rung_again_at_once(tmp_path: Path, sender: Queues) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(3), ring_after=time.time() + RING_S)
    with project.store.write() as connection:
        ledger.take(connection, State.FETCHED, rows[:1], now=time.time(), lease_s=LEASE_S, by=mine())
    assert sender.forgot() and not sender.forgot()
    with connect(Broker(tmp_path).address) as client:
        client.flushall()
    assert reconcile(project.store, sender, sender.waiting()) == {"urls": 0, "dead": 0}
    assert sender.forgot()
    ring_all(project.store)
    assert reconcile(project.store, sender, sender.waiting())["parse"] == 2  # the first one somebody is at
    assert not sender.forgot()


def test_a_broker_that_was_away_or_began_anew_is_rung_for_everything_once(tmp_path: Path) -> None:
    held = Broker(tmp_path)
    held.start()
    sender = Queues(held.address, 32)
    assert sender.forgot() and not sender.forgot()
    assert held.process is not None
    # nobody asks while it is away
    held.process.kill()
    held.process.wait()
    held.keep()
    assert sender.forgot() and not sender.forgot()
    held.stop()
    assert sender.waiting() is None and not sender.forgot()
    with Broker(tmp_path):
        assert sender.forgot() and not sender.forgot()
    sender.close()


def test_a_deep_queue_is_not_rung_for_more(tmp_path: Path, sender: Queues) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(2))
    with project.store.write() as connection:
        ledger.take(connection, State.FETCHED, rows, now=time.time() - 2 * LEASE_S, lease_s=LEASE_S)
    assert "parse" not in reconcile(project.store, sender, {"parse": DEEP})
    assert reconcile(project.store, sender, {"parse": DEEP - 1})["parse"] == 2


@pytest.mark.slow
def test_what_a_killed_worker_was_at_is_taken_up_within_seconds(tmp_path: Path, broker: Broker, sender: Queues) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch([article(number, SLOW_SENTENCES) for number in range(4)], ring_after=time.time() + 3600)
    with started(tmp_path, "work", "parse") as worker:
        sender.send("parse", rows)
        until(lambda: project.attempts(rows[0]) == 1, "the batch's beginning")
        worker.kill()
        worker.wait()
        with project.store.write() as connection:  # for whom nobody would wait
            ledger.renew(connection, rows, until=time.time() + 3600)
        # its child, which was at them, has just been ended by the kernel
        until(lambda: reconcile(project.store, sender, sender.waiting()).get("parse") == len(rows), "their bell")
        with started(tmp_path, "work", "parse"):
            until(lambda: project.attempts(rows[0]) == 2, "its successor's turn")


@pytest.mark.slow
def test_a_worker_that_begins_frees_what_the_dead_of_its_machine_were_at(tmp_path: Path, broker: Broker) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(2), ring_after=time.time() + 3600)
    with subprocess.Popen(["true"]) as dead:
        pass
    for row, by in zip(rows, (holder_name(dead.pid), mine()), strict=True):
        with project.store.write() as connection:
            ledger.take(connection, State.FETCHED, [row], now=time.time(), lease_s=3600, by=by)
    with started(tmp_path, "work", "store"):
        until(lambda: bool(overdue(project, now=time.time())), "their release")
    assert overdue(project, now=time.time()) == {rows[0]}


# clocks


def test_nothing_waits_longer_because_the_clock_was_set_back(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    hour, now = 3600.0, time.time()
    row = project.fetch(articles(1), ring_after=now + hour + RING_S)[0]
    with project.store.write() as connection:
        discovery.discover(connection, [Found(Candidate("https://a.test/", "start"), 0.9)], run=project.run, now=now)
        (lease,) = [
            one for one in allotment.lease(connection, "me", run=project.run, now=now, number=5, rows_each=4, at_most=9,
                                       worth=0.0) if one.name == "a.test"
        ]  # fmt: skip
        hosts.note_paces(connection, {lease.id: (now + hour + 1.0, 0, 0)})
    set_by = 0.0
    watch = walltime.Walltime(lambda: time.time() + set_by)
    assert watch.set_back_s() == 0.0
    set_by = -hour
    assert hour - 1 < watch.set_back_s() < hour + 1
    assert watch.set_back_s() == 0.0
    clock_set_back(project.store, hour, hosts_too=True)
    assert overdue(project, now=now + LEASE_S + 2) == {row}
    with project.store.write() as connection:
        assert leases.any_lost(connection, now=now + allotment.LEASE_S + 1)
        leases.give_back(connection, {lease.id: ([one.row for one in lease.rows], 0.0)}, holder="me")
        # asked again when it would have been, not an hour later
        assert allotment.lease(
            connection, "you", run=project.run, now=now + 3, number=5, rows_each=4, at_most=9, worth=0.0
        )


# disks


def test_a_shortage_is_said_in_one_sentence_that_names_the_setting(tmp_path: Path) -> None:
    config = Project(tmp_path).config({"store": {"reserve_mb": ENDLESS}})
    assert "MB are free" in (disk.shortage(config) or "") and "store.reserve_mb" in (disk.shortage(config) or "")
    assert disk.shortage(Project(tmp_path).config({"store": {"reserve_mb": 0}})) is None
    assert disk.shortage(Project(tmp_path / "not" / "made").config()) is None


def test_with_a_full_disk_no_host_is_leased_and_nothing_ends(tmp_path: Path, sender: Queues) -> None:
    project = Waiting(tmp_path, store={"reserve_mb": ENDLESS})
    with project.store.write() as connection:
        discovery.discover(connection, [Found(Candidate("https://a.test/", "start"), 0.9)], run=project.run, now=0.0)
    given = Handoff(project.store, sender, run=project.run, holder="me").exchange(Batch(), Wanted(4, 4, held=0))
    assert (given.leases, given.stop) == ([], None) and "free" in given.paused


@pytest.mark.parametrize("stage", stages.NAMES)
def test_where_pages_pile_up_at_any_stage_no_host_is_leased(tmp_path: Path, sender: Queues, stage: str) -> None:
    project = Waiting(tmp_path, crawl={"pages": 0})
    waiting = project.fetch([(f"https://paper.example/{number}", "x") for number in range(BACKLOG + 1)])
    with project.store.write() as connection:
        connection.exec_driver_sql(f"UPDATE urls SET state = {stages.TAKES[stage]:d}")
        discovery.discover(connection, [Found(Candidate("https://a.test/", "start"), 0.9)], run=project.run, now=0.0)
    handoff = Handoff(project.store, sender, run=project.run, holder="me")
    given = handoff.exchange(Batch(), Wanted(4, 4, held=0))
    assert (given.leases, given.stop) == ([], None) and "wait for the workers" in given.paused
    with project.store.read() as connection:
        pressure = standing(connection, project.config)["pressure"]
    assert (pressure["waiting"], pressure["paused"]) == (BACKLOG + 1, given.paused)
    with project.store.write() as connection:
        connection.exec_driver_sql(f"UPDATE urls SET state = {State.DROPPED:d} WHERE id = {waiting[0]}")
    assert [one.name for one in handoff.exchange(Batch(), Wanted(4, 4, held=0)).leases] == ["a.test"]


@pytest.mark.slow
def test_with_a_full_disk_workers_pause_and_say_so(tmp_path: Path, broker: Broker, sender: Queues) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(3))
    sender.send("parse", rows)
    full = {"SUCHLIKE_STORE__RESERVE_MB": str(ENDLESS)}
    with started(tmp_path, "work", "parse", **full) as worker:
        until(lambda: "Paused: only" in said(tmp_path), "the worker's pause")
        assert [project.attempts(row) for row in rows] == [0, 0, 0]
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE_S) == 0
    with started(tmp_path, "work", "parse"):
        until(lambda: (sender.waiting() or {}).get("dedupe", 0) > 0, "the work, once there is room")


# runs


@pytest.mark.slow
def test_a_runs_broker_comes_back_also_while_somebody_holds_the_database(tmp_path: Path) -> None:
    pages = {f"n.test/{at}": story(at, links=[f"/{at + 1}"]) for at in range(60)}
    with serving({**pages, "n.test/": page("Front", links=["/0"])}) as site:
        (tmp_path / "seeds").mkdir()
        (tmp_path / "seeds" / "one.txt").write_text("Title of a seed\n\n" + "The river and the bridge. " * 40)
        arguments = ["run", "--site", "http://n.test/", "--proxy", site.url, "--keep", "all", "--pages", "0"]
        with started(tmp_path, *arguments, SUCHLIKE_CRAWL__RATE="20/1s"):
            until(lambda: len(site.requests("n.test")) > 5, lambda: said(tmp_path))
            store = open_store(Project(tmp_path).config().database)
            with store.write():

                def waits() -> bool:
                    with store.read() as connection:
                        return time.time() - runs.get(connection, 1).seen_at > 2 * BEAT_S

                until(waits, "the run's waiting for the database")
                with connect(Broker(tmp_path).address) as client:
                    served = int(client.info("server")["process_id"])
                os.kill(served, signal.SIGKILL)
                until(lambda: not Path(f"/proc/{served}").exists(), "the broker's end")
                until(lambda: is_up(Broker(tmp_path).address), "its return")
            store.close()


@pytest.mark.slow
def test_a_run_outlives_kills_of_its_workers_and_a_locked_database(tmp_path: Path) -> None:
    pages = {f"n.test/{at}": story(at, links=[f"/{at + 1}", f"/{at + 2}"]) for at in range(60)}
    with serving({**pages, "n.test/": page("Front", links=["/0", "/1"])}) as site:
        (tmp_path / "seeds").mkdir()
        (tmp_path / "seeds" / "one.txt").write_text("Title of a seed\n\n" + "The river and the bridge. " * 40)
        arguments = ["run", "--site", "http://n.test/", "--proxy", site.url, "--keep", "all", "--pages", "0"]
        with started(tmp_path, *arguments, SUCHLIKE_CRAWL__RATE="20/1s") as run:
            until(lambda: len(site.requests("n.test")) > 5, "the first pages")
            killed = 0
            while killed < 12 and run.poll() is None:  # more often than a child may fail by its own fault
                for pid in [pid for pid, line in supervised(run.pid).items() if line.endswith("work dedupe")]:
                    with contextlib.suppress(ProcessLookupError):  # it is still dying of the last one
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
                time.sleep(0.2)
            assert run.wait(RUN_S) in (0, 1), said(tmp_path)
        store = open_store(Project(tmp_path).config().database)
        with store.read() as connection:
            assert runs.get(connection, 1).stopped_by == "exhausted"
        assert killed >= 12
