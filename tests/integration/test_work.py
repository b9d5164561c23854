"""Real worker processes over a real store and broker: they move rows, stop when asked, and outlive every fault."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from conftest import until
from patience import PATIENCE_S
from rq.exceptions import StopRequested
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from working import Waiting, article, articles, children, said, started, supervised

from pipelines.parse import PLAIN_FROM
from pipelines.stores import articles as stored
from pipelines.stores.fates import tell
from pipelines.stores.ledger import MAX_ATTEMPTS
from workers.broker import Broker, connect
from workers.lifeline import Stop
from workers.limits import MEMORY_BYTES
from workers.queues import RUN_STAGE, Queues, queue
from workers.reconcile import reconcile
from workers.work import CPU_S, PlainWorker

pytestmark = pytest.mark.slow
LATER = 3600.0
# long enough to be seen at work, far below every limit
SLOW_SENTENCES = 14_000


def listening(broker: Broker, stage: str) -> bool:
    with connect(broker.address) as client:
        return bool(client.scard(f"rq:workers:{stage}"))


def asleep(broker: Broker) -> bool:
    """Whether a worker waits in Redis for a job."""
    with connect(broker.address) as client:
        return int(client.info("clients")["blocked_clients"]) > 0


def running(broker: Broker, stage: str = "parse") -> list[list[int]]:
    """The rows of each job that is being worked on."""
    with connect(broker.address) as client:
        ids = client.zrange(StartedJobRegistry(queue=queue(stage, client)).key, 0, -1)
        # a job may end between the two questions; then it is None
        jobs = Job.fetch_many([one.decode().split(":")[0] for one in ids], client, serializer=JSONSerializer)
        return [list(job.args[1]) for job in jobs if job]


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks a process to stop, which it does in order."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_every_stage_moves_its_rows_and_rings_the_next(tmp_path: Path, sender: Queues) -> None:
    project = Waiting(tmp_path)
    copy = article(3)[1].replace("<h1>", "<h1>Again: ")
    rows = project.fetch([*articles(40), ("https://wire.example/2026/11/the-same-told-again-1", copy)])
    with started(tmp_path, "work", "-n", "2") as work:
        sender.send("parse", rows)
        until(lambda: project.fates()["in_flight"] == 0, "the end of every row")
        stop(work)
    ends = project.fates()
    assert (ends["stored"], ends["duplicate"], ends["dead"]) == (40, 1, {})
    assert "Traceback" not in said(tmp_path)


@pytest.mark.parametrize("stage", ["parse", "store"])
def test_an_idle_worker_stops_at_once_and_says_nothing(tmp_path: Path, broker: Broker, stage: str) -> None:
    Waiting(tmp_path)
    with started(tmp_path, "work", stage) as worker:
        until(lambda: asleep(broker), "the worker's start")
        stop(worker)
    assert not listening(broker, stage)
    assert said(tmp_path) == ""


def test_a_busy_worker_stops_within_seconds_and_its_rows_wait_for_the_next(
    tmp_path: Path, broker: Broker, sender: Queues
) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch([article(number, SLOW_SENTENCES) for number in range(12)], ring_after=time.time() + LATER)
    with started(tmp_path, "work", "parse") as worker:
        sender.send("parse", rows)
        until(lambda: bool(running(broker)) and project.attempts(rows[0]) == 1, "the batch's beginning")
        horses = children(worker.pid)
        stop(worker)
        assert not any(Path(f"/proc/{horse}").exists() for horse in horses)
    # not before their lease ran out, but at once
    rung = reconcile(project.store, sender, None)
    assert rung["parse"] == 12
    assert "Traceback" not in said(tmp_path)


def test_a_stopping_worker_finishes_a_short_batch(tmp_path: Path, broker: Broker, sender: Queues) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(8), ring_after=time.time() + LATER)
    with started(tmp_path, "work", "parse") as worker:
        with project.store.write():  # meanwhile it can only begin
            sender.send("parse", rows)
            until(lambda: bool(children(worker.pid)), "the batch's beginning")
            worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE_S) == 0
    assert (sender.waiting() or {})["dedupe"] == 1


def test_a_page_that_kills_its_process_ends_dead_and_alone(tmp_path: Path, broker: Broker, sender: Queues) -> None:
    project = Waiting(tmp_path)
    poison, *mates = project.fetch([article(0, SLOW_SENTENCES), *articles(12)[1:]])
    killed: set[int] = set()
    with started(tmp_path, "work") as work:
        sender.send("parse", [poison, *mates])

        def ended() -> bool:
            reconcile(project.store, sender, sender.waiting())
            if any(poison in batch for batch in running(broker)):
                (worker,) = (pid for pid, line in supervised(work.pid).items() if line.endswith("work parse"))
                for horse in children(worker):
                    with contextlib.suppress(ProcessLookupError):  # it has just ended
                        os.kill(horse, signal.SIGKILL)
                        killed.add(horse)
            return project.fates()["in_flight"] == 0

        until(ended, "the end of every row")
    ends = project.fates()
    assert ends["stored"] == len(mates)
    assert ends["dead"] == {"parse-killed": 1}
    assert len(killed) >= MAX_ATTEMPTS  # those killed before they began do not count
    with project.store.read() as connection:
        told = tell(connection, poison)
    assert (told["fate"], told["reason"]) == ("dead", "parse-killed")
    assert f" {MAX_ATTEMPTS} times" in told["detail"]


# a page on which C code hangs, in a worker that gives each two seconds
HANGING = """
import re, sys
from pathlib import Path
from pipelines import extract
from pipelines.config import load
from workers import limits
from workers.work import work

read = extract.extract


def hangs(body, url, **told):
    return re.match("(a+)+b", "a" * 64) if "paper.example" in url else read(body, url, **told)


extract.extract, limits.PAGE_S = hangs, 2
work(load(Path(sys.argv[1])), "parse")
"""


def test_a_page_that_hangs_is_ended_by_the_kernel_within_limits_that_its_worker_has_not(
    tmp_path: Path, broker: Broker, sender: Queues
) -> None:
    project, limits = Waiting(tmp_path), (resource.RLIMIT_AS, resource.RLIMIT_CPU)
    (row,) = project.fetch(articles(1))
    log = tmp_path / "worker.log"
    with (
        log.open("wb") as said,
        subprocess.Popen([sys.executable, "-c", HANGING, str(tmp_path)], stderr=said) as worker,
        contextlib.ExitStack() as cleaning,
    ):
        cleaning.callback(worker.kill)
        sender.send("parse", [row])
        until(lambda: bool(children(worker.pid)) and project.attempts(row) == 1, "the page's beginning")
        (horse,) = children(worker.pid)
        memory, processor = (resource.prlimit(horse, one)[0] for one in limits)
        mapped = int(Path(f"/proc/{horse}/statm").read_text().split()[0]) * resource.getpagesize()
        assert mapped <= memory <= mapped + MEMORY_BYTES and processor == CPU_S
        assert {resource.prlimit(worker.pid, one)[0] for one in limits} == {resource.RLIM_INFINITY}

        def ended() -> bool:
            reconcile(project.store, sender, sender.waiting())
            return (sender.waiting() or {})["dedupe"] == 1

        until(ended, lambda: f"its end, by a mere scan of its text: {log.read_text()}")
        stop(worker)
    # as often as it is begun before
    assert log.read_text().count(f"(status {signal.SIGALRM:d})") == PLAIN_FROM - 1


def test_a_batch_that_gets_no_more_memory_costs_no_page(tmp_path: Path, broker: Broker, sender: Queues) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch([article(number, SLOW_SENTENCES) for number in range(4)])
    with started(tmp_path, "work") as work:
        sender.send("parse", rows)
        until(lambda: project.attempts(rows[0]) == 1, "the batch's beginning")
        (worker,) = (pid for pid, line in supervised(work.pid).items() if line.endswith("work parse"))
        (horse,) = children(worker)
        most = resource.prlimit(horse, resource.RLIMIT_AS)[1]
        resource.prlimit(horse, resource.RLIMIT_AS, (1, most))

        def ended() -> bool:
            reconcile(project.store, sender, sender.waiting())
            return project.fates()["in_flight"] == 0

        until(ended, lambda: f"the end of every row: {said(tmp_path)}")
    assert project.fates()["stored"] == 4


def test_killing_a_worker_kills_the_batch_under_way_too(tmp_path: Path, broker: Broker, sender: Queues) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch([article(number, SLOW_SENTENCES) for number in range(4)])
    with started(tmp_path, "work", "parse") as worker:
        sender.send("parse", rows)
        until(lambda: bool(children(worker.pid)), "the batch's beginning")
        (horse,) = children(worker.pid)
        worker.kill()
        worker.wait()
        until(lambda: not Path(f"/proc/{horse}").exists(), "the end of its child")


def test_workers_come_back_when_the_broker_does(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    with started(tmp_path, "broker") as served, started(tmp_path, "work") as work:
        held = Queues(Broker(tmp_path).address, 32)
        rows = project.fetch(articles(6))
        until(lambda: held.send("parse", rows), "the broker's start")
        until(lambda: project.fates()["in_flight"] == 0, "the first rows")
        before = set(supervised(work.pid))
        (server,) = children(served.pid)
        os.kill(server, signal.SIGKILL)
        until(lambda: bool(children(served.pid)) and server not in children(served.pid), "the broker's return")
        more = project.fetch(articles(12)[6:])
        until(lambda: held.send("parse", more), "the broker's answer")
        until(lambda: project.fates()["stored"] == 12, "rows rung after its return")
        assert set(supervised(work.pid)) == before, "no worker had to be started again"
        held.close()


def test_without_any_broker_workers_wait_and_stop_when_asked(tmp_path: Path) -> None:
    project = Waiting(tmp_path)
    with started(tmp_path, "work") as work:
        until(lambda: len(supervised(work.pid)) == 3, "the workers' start")
        with Broker(tmp_path) as late:
            sender = Queues(late.address, 32)
            sender.send("parse", project.fetch(articles(3)))
            until(lambda: project.fates()["stored"] == 3, "finding the late broker")
            sender.close()
        # now it is gone again, and they have seen it
        logs = list((tmp_path / ".suchlike" / "log").glob("work-*.log"))
        until(lambda: all("connect" in log.read_text() for log in logs), "their complaint")
        workers = list(supervised(work.pid))
        stop(work)
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_a_worker_outlives_neither_its_supervisor_nor_a_broker_that_died_with_it(tmp_path: Path) -> None:
    """After kill -9 of a run, broker and workers get their signal at the same moment."""
    Waiting(tmp_path)
    with Broker(tmp_path) as held, started(tmp_path, "work") as work:
        until(lambda: all(listening(held, stage) for stage in ("parse", "dedupe", "store")), "the workers' start")
        workers = list(supervised(work.pid))
        assert held.process is not None
        held.process.kill()
        work.kill()
        work.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "the end of the orphans")


def test_a_worker_ends_that_was_asked_to_when_nobody_could_hear(tmp_path: Path) -> None:
    """What a signal raises is lost where it meets a destructor, or logging."""
    stop = Stop()
    stop.ask()
    with Broker(tmp_path) as held, connect(held.address) as client:
        worker = PlainWorker(["store"], connection=client, serializer=JSONSerializer)
        worker.stop, worker.full = stop, lambda: False
        with pytest.raises(StopRequested):
            worker.dequeue_job_and_maintain_ttl(1)


def test_a_job_that_an_earlier_version_left_in_redis_is_understood(tmp_path: Path, broker: Broker) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(3), ring_after=LATER)
    # written down as 0.1.0 wrote it, with what RQ 3.0 needs of a job: function and arguments are our wire format
    said = zlib.compress(json.dumps(["workers.jobs.run_stage", None, ["parse", rows], {}]).encode())
    left = {"data": said, "origin": "parse", "status": "queued", "created_at": "2026-11-24T16:40:13.000000Z",
            "timeout": 680, "result_ttl": 0, "failure_ttl": 86400, "description": "parse 3 rows"}  # fmt: skip
    with connect(broker.address) as client:
        client.hset("rq:job:0f4c9c9e-7a40-4a0b-9f0c-6a2f5f6f2c11", mapping=left)
        client.sadd("rq:queues", "rq:queue:parse")
        client.rpush("rq:queue:parse", "0f4c9c9e-7a40-4a0b-9f0c-6a2f5f6f2c11")
        with started(tmp_path, "work", "parse"):
            until(lambda: client.llen("rq:queue:dedupe") == 1, "the bell of the next stage")
        assert not client.exists("rq:failed:parse")


def test_an_emptied_broker_loses_nothing(tmp_path: Path, broker: Broker, sender: Queues) -> None:
    project = Waiting(tmp_path)
    # so many that it takes a while, in which it can be seen in the middle
    rows = project.fetch(articles(300), ring_after=time.time() + 1)
    sender.send("parse", rows)
    with connect(broker.address) as client:
        client.flushall()
    emptied = 0
    with started(tmp_path, "work"):

        def ended() -> bool:
            nonlocal emptied
            reconcile(project.store, sender, sender.waiting())
            if not emptied and (emptied := project.fates()["stored"]):
                with connect(broker.address) as client:
                    client.flushall()
            return project.fates()["in_flight"] == 0

        until(ended, "the end of every row")
    assert 0 < emptied < 300, "it was emptied once more in the middle"
    assert project.fates()["stored"] == 300


def test_jobs_rung_twice_at_once_are_done_once(tmp_path: Path, sender: Queues) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(30))
    for _ in range(4):
        sender.send("parse", rows, batch=7)
    with started(tmp_path, "work", "-n", "2"), started(tmp_path, "work", "store"):
        until(lambda: project.fates()["in_flight"] == 0, "the end of every row")
        until(lambda: not any((sender.waiting() or {"": 1}).values()), "the end of every job")
    assert project.fates()["stored"] == 30
    with project.store.read() as connection:
        places = {tuple(one["archive"].values()) for one in stored.listed(connection, everything=True)}
    assert len(places) == 30


ALARMED = """
import time
from rq.timeouts import JobTimeoutException
from workers.work import KernelAlarm
with KernelAlarm(1, JobTimeoutException):
    while True:
        try:
            {work}
        except Exception:
            pass
"""


@pytest.mark.parametrize(
    "work", ["time.sleep(60)", "import re; re.match('(a+)+b', 'a' * 64)"], ids=["swallowing", "in C"]
)
def test_the_alarm_ends_what_no_exception_can(work: str) -> None:
    done = subprocess.run([sys.executable, "-c", ALARMED.format(work=work)], timeout=PATIENCE_S, check=False)
    assert done.returncode == -signal.SIGALRM


@pytest.mark.parametrize("stage", ["dedupe", "store"])
def test_a_stage_that_hangs_without_a_child_is_ended_at_its_time_and_nothing_is_lost(
    tmp_path: Path, broker: Broker, sender: Queues, stage: str
) -> None:
    project = Waiting(tmp_path)
    rows = project.fetch(articles(3))
    with started(tmp_path, "work", stage) as worker, project.store.write():  # so that it hangs
        with connect(broker.address) as client:
            queue(stage, client).enqueue(RUN_STAGE, stage, rows, job_timeout=2)
        assert worker.wait(PATIENCE_S) == -signal.SIGALRM
    with started(tmp_path, "work", "-n", "1"):
        sender.send("parse", rows)
        until(lambda: project.fates()["in_flight"] == 0, "the end of every row")
    assert project.fates()["stored"] == 3
