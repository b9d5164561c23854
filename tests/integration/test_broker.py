"""The embedded broker: private, durable, one a folder, and gone when its parent is."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from conftest import until
from patience import PATIENCE_S
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from pipelines.config import load
from pipelines.errors import BrokerError
from workers import broker as brokers
from workers.broker import Broker, address, connect, is_up, require
from workers.keeper import KeptBroker
from workers.queues import Queues

CHILD = """
import sys, time
from pathlib import Path
from workers.broker import Broker
broker = Broker(Path(sys.argv[1]))
broker.start()
print(broker.process.pid if broker.process else 0, flush=True)
sys.stdin.readline()
broker.stop()
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as held:
        yield held


def child(folder: Path) -> subprocess.Popen[str]:
    """A process that serves the folder's broker until its stdin closes."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_a_broker_that_wants_a_password_is_told_as_that(served: Broker) -> None:
    with connect(served.address) as client:
        client.config_set("requirepass", "s3cret")
    with pytest.raises(BrokerError, match=r"wants a password, or another one: .*SUCHLIKE_REDIS"):
        require(served.address)


def socket_of(url: str) -> Path:
    return Path(redis.connection.parse_url(url)["path"])


def pid_of(url: str) -> int:
    with connect(url) as client:
        return int(client.info("server")["process_id"])


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_it_keeps_every_job_on_disk_and_evicts_none(served: Broker) -> None:
    with connect(served.address) as client:
        wanted = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "save": ""}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_only_its_owner_can_reach_it(served: Broker) -> None:
    socket = socket_of(served.address)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    with connect(served.address) as client:
        assert client.info("server")["tcp_port"] == 0
        assert client.config_get("port")["port"] == "0"


def test_it_has_a_session_of_its_own_so_that_ctrl_c_reaches_only_us(served: Broker) -> None:
    assert served.process is not None
    assert os.getsid(served.process.pid) == served.process.pid


def test_its_address_is_what_the_configuration_says(served: Broker, tmp_path: Path) -> None:
    assert address(load(tmp_path)) == served.address
    for elsewhere in ("redis://127.0.0.1:1/2", "rediss://:a-password@elsewhere:1/2"):
        assert address(load(tmp_path, {"queue": {"redis": elsewhere}})) == elsewhere


def test_a_second_one_uses_the_first_and_leaves_it_running(served: Broker, tmp_path: Path) -> None:
    with Broker(tmp_path) as second:
        assert second.process is None
        assert second.address == served.address
    assert is_up(served.address)


def test_of_several_started_at_once_one_serves_and_all_can_use_it(tmp_path: Path) -> None:
    started = [child(tmp_path) for _ in range(4)]
    pids = [int(one.stdout.readline()) for one in started]
    try:
        assert len([pid for pid in pids if pid]) == 1
        assert pid_of(Broker(tmp_path).address) == max(pids)
    finally:
        for one in started:
            one.communicate("done\n", timeout=PATIENCE_S)


def test_data_survive_a_stop(tmp_path: Path) -> None:
    for round_ in range(2):
        with Broker(tmp_path) as held, connect(held.address) as client:
            assert client.incr("rounds") == round_ + 1


def test_data_survive_kill_9_and_keep_brings_it_back(served: Broker) -> None:
    assert served.process is not None
    with connect(served.address) as client:
        client.set("kept", "yes")
    killed = served.process.pid
    served.process.kill()
    served.process.wait()
    served.keep()
    assert served.process is not None and served.process.pid != killed
    with connect(served.address) as client:
        assert client.get("kept") == b"yes"
    served.keep()
    assert pid_of(served.address) == served.process.pid


def test_keep_takes_over_from_another_process_that_is_gone(tmp_path: Path) -> None:
    first = child(tmp_path)
    first.stdout.readline()
    with Broker(tmp_path) as second:
        assert second.process is None
        first.communicate("done\n", timeout=PATIENCE_S)
        second.keep()
        assert second.process is not None
        assert is_up(second.address)


def test_a_dead_parent_takes_it_along_and_the_next_can_start_at_once(tmp_path: Path) -> None:
    first = child(tmp_path)
    pid = int(first.stdout.readline())
    url = Broker(tmp_path).address
    with connect(url) as client:
        client.set("kept", "yes")
    first.kill()
    first.communicate()
    # while the old server is still on its way out
    with Broker(tmp_path) as next_one:
        next_one.keep()
        until(lambda: not alive(pid), "the end of the orphaned broker")
        next_one.keep()
        with connect(url) as client:
            assert client.get("kept") == b"yes"


@pytest.mark.slow
def test_no_second_server_starts_while_an_orphaned_one_may_still_be_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "HELD_S", 0.3)
    first = child(tmp_path)
    pid = int(first.stdout.readline())
    os.kill(pid, signal.SIGSTOP)
    first.kill()
    first.communicate()
    try:
        with pytest.raises(BrokerError, match="does not answer"):
            Broker(tmp_path).start()
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: not alive(pid), "the end of the orphaned broker")


def test_a_silent_holder_of_the_lock_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "HELD_S", 0.3)
    folder = tmp_path / ".suchlike" / "broker"
    folder.mkdir(parents=True)
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BrokerError, match="does not answer"):
            Broker(tmp_path).start()


def test_a_server_that_cannot_start_is_reported_with_its_log_and_gives_the_lock_back(tmp_path: Path) -> None:
    folder = tmp_path / ".suchlike" / "broker"
    (folder / "appendonlydir").mkdir(parents=True)
    (folder / "appendonlydir" / "appendonly.aof.manifest").write_text("rubbish\n")
    with pytest.raises(BrokerError, match=r"valkey\.log"):
        Broker(tmp_path).start()
    (folder / "appendonlydir" / "appendonly.aof.manifest").unlink()
    with Broker(tmp_path) as held:
        assert is_up(held.address)


@pytest.mark.parametrize("name", ["x" * 120, "ü" * 45, "a b%20c#d?e+f;g", "наука и жизнь"])
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with Broker(folder) as held:
        socket = socket_of(held.address)
        assert len(os.fsencode(socket)) < 104
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert address(load(folder)) == held.address
        with connect(held.address) as client:
            assert client.client_info()["addr"]  # as an RQ worker asks when it begins


def test_a_folder_for_sockets_that_others_can_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "tmp"
    (shared / f"suchlike-{os.getuid()}").mkdir(parents=True)
    (shared / f"suchlike-{os.getuid()}").chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    with pytest.raises(BrokerError, match="yours alone"):
        Broker(tmp_path / ("x" * 120))


def test_an_absent_broker_is_one_sentence_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(BrokerError) as raised:
        require("redis://me:secret@127.0.0.1:1/0")
    assert "secret" not in str(raised.value)
    assert "queue.redis" in str(raised.value)
    assert not is_up(f"unix://{tmp_path}/none.sock")


def test_stop_twice_is_stop_once(tmp_path: Path) -> None:
    held = Broker(tmp_path)
    held.start()
    held.stop()
    held.stop()
    assert not is_up(held.address)


@pytest.mark.slow
def test_a_frozen_server_is_not_up_and_nobody_waits_long(served: Broker) -> None:
    assert served.process is not None
    served.process.send_signal(signal.SIGSTOP)
    try:
        assert not is_up(served.address)
    finally:
        served.process.send_signal(signal.SIGCONT)


def test_plain_rq_reads_our_queues(served: Broker) -> None:
    Queues(served.address, 2).send("parse", [1, 2, 3])
    with redis.Redis.from_url(served.address) as client:
        assert [queue.name for queue in Queue.all(connection=client)] == ["parse"]
        held = Queue("parse", connection=client, serializer=JSONSerializer)
        jobs = [Job.fetch(one, connection=client, serializer=JSONSerializer) for one in held.job_ids]
        assert [(job.func_name, job.args) for job in jobs] == [
            ("workers.jobs.run_stage", ["parse", [1, 2]]),
            ("workers.jobs.run_stage", ["parse", [3]]),
        ]
        assert Worker.all(connection=client) == []
    shown = subprocess.run(
        [Path(sys.executable).with_name("rq"), "info", "--url", served.address],
        capture_output=True, text=True, check=True, timeout=PATIENCE_S,
    ).stdout  # fmt: skip
    assert "1 queues, 2 jobs total" in shown


def test_a_kept_broker_that_the_disk_does_not_let_start_is_started_once_it_does(tmp_path: Path) -> None:
    with KeptBroker(tmp_path) as kept:
        lock, served = tmp_path / ".suchlike" / "broker" / "lock", Broker(tmp_path).address
        lock.unlink()
        lock.mkdir()  # a file that cannot be opened
        pid = connect(served).info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        until(lambda: kept.trouble is not None, "its keeper to say what is wrong")
        assert str(kept.trouble).startswith("The embedded broker cannot be started: Is a directory")
        lock.rmdir()
        until(lambda: is_up(served), "the broker to be back")
        until(lambda: kept.trouble is None, "its keeper to say that nothing is wrong")
