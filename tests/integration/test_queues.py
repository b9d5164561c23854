"""The doorbell: JSON only, nothing but our own function, and no harm done when nobody hears it."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import pickle
import signal
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from conftest import until
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from working import Waiting, articles, said, started

from workers.broker import Broker, connect
from workers.queues import Queues
from workers.report import queues as report


@pytest.fixture
def client(broker: Broker) -> Iterator[redis.Redis]:
    with connect(broker.address) as held:
        yield held


def everything_in(client: redis.Redis) -> Iterator[bytes]:
    """Every key and value there is, also as it was before RQ compressed and encoded it."""
    for value in _values(client):
        yield value
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(value)
        with contextlib.suppress(binascii.Error, zlib.error):
            yield zlib.decompress(base64.b64decode(value, validate=True))


def _values(client: redis.Redis) -> Iterator[bytes]:
    for key in client.keys("*"):
        yield key
        kind = client.type(key)
        if kind == b"hash":
            for name, value in client.hgetall(key).items():
                yield from (name, value)
        elif kind == b"string":
            yield client.get(key) or b""
        elif kind == b"list":
            yield from client.lrange(key, 0, -1)
        elif kind == b"zset":
            yield from client.zrange(key, 0, -1)
        elif kind == b"set":
            yield from client.smembers(key)
        elif kind != b"none":  # gone since its name was read: a worker is at work
            assert kind == b"stream", kind
            yield from (value for _, fields in client.xrange(key) for value in fields.values())


def raw_job(client: redis.Redis, queue: str, data: bytes, **fields: str) -> str:
    """A job as somebody with access to Redis could write it."""
    name = f"hostile-{len(client.keys('rq:job:hostile-*'))}"
    now = "2026-11-23T00:00:00.000000Z"
    client.hset(f"rq:job:{name}", mapping={
        "created_at": now, "enqueued_at": now, "data": data, "origin": queue, "status": "queued",
        "description": "hostile", "timeout": "30", **fields,
    })  # fmt: skip
    client.sadd("rq:queues", f"rq:queue:{queue}")
    client.rpush(f"rq:queue:{queue}", name)
    return name


def failed(client: redis.Redis, job: str) -> bool:
    return client.hget(f"rq:job:{job}", "status") == b"failed"


def test_rows_are_sent_in_batches(broker: Broker, client: redis.Redis) -> None:
    sender = Queues(broker.address, 32)
    assert sender.send("parse", range(70))
    assert sender.send("parse", [100, 101], batch=1)
    assert sender.send("parse", [200], first=True)
    assert sender.send("dedupe", [])
    held = Queue("parse", connection=client, serializer=JSONSerializer)
    batches = [Job.fetch(one, connection=client, serializer=JSONSerializer).args[1] for one in held.job_ids]
    assert batches == [[200], list(range(32)), list(range(32, 64)), list(range(64, 70)), [100], [101]]
    assert sender.waiting() == {"parse": 6, "dedupe": 0, "store": 0}
    sender.close()


def test_a_job_carries_a_stage_and_row_ids_and_nothing_else(broker: Broker, client: redis.Redis) -> None:
    Queues(broker.address, 32).send("store", [7, 8])
    (key,) = client.keys("rq:job:*")
    data = zlib.decompress(client.hget(key, "data") or b"")  # RQ compresses
    assert json.loads(data) == ["workers.jobs.run_stage", None, ["store", [7, 8]], {}]


@pytest.mark.parametrize("url", ["unix://{}/none.sock", "redis://127.0.0.1:1/0"])
def test_an_absent_broker_raises_nothing(tmp_path: Path, url: str) -> None:
    sender = Queues(url.format(tmp_path), 32)
    assert sender.send("parse", [1]) is False
    assert sender.waiting() is None
    sender.close()


@pytest.mark.slow
def test_a_broker_that_says_nothing_is_asked_once() -> None:
    """One wait for an answer, of seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = Queues(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", 32)
        assert sender.send("parse", [1]) is False
        sender.close()
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


@pytest.mark.slow
def test_a_frozen_broker_is_used_again_when_it_answers(broker: Broker) -> None:
    assert broker.process is not None
    sender = Queues(broker.address, 32)
    broker.process.send_signal(signal.SIGSTOP)
    try:
        assert sender.send("parse", [1]) is False
    finally:
        broker.process.send_signal(signal.SIGCONT)
    assert sender.send("parse", [1]) is True
    sender.close()


def test_a_broker_that_comes_back_is_used_again(tmp_path: Path) -> None:
    with Broker(tmp_path) as held:
        sender = Queues(held.address, 32)
        assert sender.send("parse", [1])
    assert not sender.send("parse", [2])
    with Broker(tmp_path):
        assert sender.send("parse", [3])
        assert sender.waiting() == {"parse": 2, "dedupe": 0, "store": 0}
    sender.close()


@pytest.mark.slow
def test_no_pickle_ever_reaches_redis(tmp_path: Path, broker: Broker, client: redis.Redis) -> None:
    project = Waiting(tmp_path)
    sender = Queues(broker.address, 4)
    rows = project.fetch(articles(9), ring_after=time.time() + 3600)
    sender.send("parse", rows)
    sender.send("store", [10**12])  # a job of no use
    raw_job(client, "store", json.dumps(["workers.jobs.run_stage", None, ["no-stage", [1]], {}]).encode())
    with started(tmp_path, "work"):
        until(lambda: project.fates()["stored"] == 9, "storing 9 articles")
        seen = list(everything_in(client))
    sender.close()
    text = b"\n".join(seen)
    assert b"rq:worker:" in text
    assert b"KeyError" in text  # the job of no use has failed, and says why
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        start = pickle.dumps({"x": 1}, protocol)[:2]
        assert not any(value.startswith((start, base64.b64encode(start + b"\0")[:3])) for value in seen)
    assert b"paper.example" not in text  # no address, title or text of a page


HOSTILE = {
    "a function of the system": ["os.system", None, ["touch {mark}"], {}],
    "another of our own": ["pathlib.Path.touch", None, ["{mark}"], {}],
    "a method of an instance": ["workers.jobs.run_stage", "subprocess", ["touch {mark}", [1]], {}],
    "no function": ["", None, ["touch {mark}"], {}],
    "arguments that are none": ["os.system", None, 7, {}],
    "rows that are none": ["workers.jobs.run_stage", None, ["parse", "touch {mark}"], {}],
    "too few arguments": ["workers.jobs.run_stage", None, [], {}],
}


@pytest.mark.slow
@pytest.mark.parametrize("queue", ["parse", "store"])
def test_whoever_can_write_to_redis_still_cannot_run_code(
    tmp_path: Path, broker: Broker, client: redis.Redis, queue: str
) -> None:
    project = Waiting(tmp_path)
    mark = tmp_path / "it-ran"
    jobs = [raw_job(client, queue, json.dumps(job).replace("{mark}", str(mark)).encode()) for job in HOSTILE.values()]
    jobs.append(raw_job(client, queue, pickle.dumps(["os.system", None, (f"touch {mark}",), {}])))
    # what takes anything, and would be heard
    callbacks = {f"{kind}_callback_name": "builtins.print" for kind in ("success", "failure", "stopped")}
    jobs.append(raw_job(client, queue, json.dumps(["os.system", None, [f"touch {mark}"], {}]).encode(), **callbacks))
    raw_job(client, queue, json.dumps(["workers.jobs.run_stage", None, [queue, [10**12]], {}]).encode(), **callbacks)
    # after all of them the worker still works
    rows = project.fetch(articles(2), ring_after=time.time() + 3600)
    sender = Queues(broker.address, 32)
    with started(tmp_path, "work", queue):
        sender.send("parse", rows)
        sender.send(queue, [10**12])
        until(lambda: all(failed(client, job) for job in jobs), "the end of hostile jobs")
        until(lambda: (sender.waiting() or {})[queue] == 0, "the rest of the queue")
        if queue == "parse":
            until(lambda: all(project.attempts(row) == 0 for row in rows), "the honest job")
    sender.close()
    assert not mark.exists(), said(tmp_path)
    assert "<StageJob" not in said(tmp_path)


@pytest.mark.slow
def test_a_job_cannot_make_a_worker_call_an_address(tmp_path: Path, broker: Broker, client: redis.Redis) -> None:
    """RQ's webhooks are a field of the job: a write to Redis would be a request from inside the network."""
    Waiting(tmp_path)
    called = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)

        def listen() -> None:
            try:
                server.accept()[0].close()
                called.set()
            except TimeoutError:
                if not done.is_set():
                    listen()

        done = threading.Event()
        listener = threading.Thread(target=listen)
        listener.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        hooks = json.dumps([{"url": url, "job_status": status} for status in ("failed", "finished")])
        good = ["workers.jobs.run_stage", None, ["store", [1]], {}]
        bad = ["os.system", None, ["true"], {}]
        jobs = [raw_job(client, "store", json.dumps(job).encode(), webhooks=hooks) for job in (good, bad)]
        with started(tmp_path, "work", "store"):
            until(lambda: failed(client, jobs[1]), "the bad job's end")
        done.set()
        listener.join()
    assert not called.is_set()


def test_the_report_counts_what_waits_and_is_empty_without_a_broker(tmp_path: Path) -> None:
    config = Waiting(tmp_path).config
    nothing = {"waiting": 0, "running": 0, "failed": 0}
    with Broker(tmp_path) as held:
        sender = Queues(held.address, 2)
        sender.send("dedupe", [1, 2, 3])
        sender.close()
        counts = {"parse": nothing, "dedupe": {"waiting": 2, "running": 0, "failed": 0}, "store": nothing}
        assert report(config) == (counts, 0)
    assert report(config) == (dict.fromkeys(("parse", "dedupe", "store"), nothing), 0)
