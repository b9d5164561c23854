"""The supervisor: keeps processes up, with patience, and stops them all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import until
from working import at_work_in, children

from crawler.running.processes import NURSERY
from workers import supervise
from workers.nursery import Nursery
from workers.supervise import BACKOFF_S, KILLED_S, NEEDED_MOST_S, UNREACHABLE, Supervisor

pytestmark = pytest.mark.slow
# two verbs that run until they are stopped and need nothing
IDLE = ["work", "dedupe"]
# ends at once, with 0
SHORT = ["config", "show"]
# cannot even start
WRONG = ["no-such-verb"]


NURSERIES = ["", *([NURSERY] if Nursery.is_possible() else [])]


@pytest.fixture(params=NURSERIES, ids=lambda named: "forked" if named else "begun")
def supervisor(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    held = Supervisor(tmp_path, {"SUCHLIKE_QUEUE__BATCH": "7"}, nursery=request.param)
    yield held
    held.stop(("",), hurry=lambda: True)


@pytest.fixture
def forking(tmp_path: Path) -> Iterator[Supervisor]:
    if not Nursery.is_possible():
        pytest.skip("this system has no handles on processes, on which a nursery rests")
    held = Supervisor(tmp_path, nursery=NURSERY)
    yield held
    held.stop(("",), hurry=lambda: True)


def arguments(folder: Path, *verb: str) -> list[str]:
    return ["-C", str(folder), *verb]


def begin(supervisor: Supervisor, name: str, folder: Path, *verb: str) -> int:
    """Starts a child; its process, once that is there: a nursery may still be importing."""
    supervisor.start(name, arguments(folder, *verb))
    until(lambda: name in supervisor.pids() or bool(supervisor.tick()), f"{name}'s start")
    return supervisor.pids()[name]


def test_threads_of_a_child_share_the_memory_they_give_back(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)  # without a nursery: what is forked has its name where its environment was
    try:
        pid = begin(supervisor, "idle", tmp_path, *IDLE)
        given = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    finally:
        supervisor.stop(("",), hurry=lambda: True)
    assert f"MALLOC_ARENA_MAX={os.environ.get('MALLOC_ARENA_MAX', '2')}".encode() in given


def ticking(supervisor: Supervisor, ended: list[tuple[str, int, int]]) -> bool:
    ended += supervisor.tick()
    return bool(ended)


def running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def freeze(pid: int) -> None:
    """Stops a process that already listens to SIGTERM: one that does not would die of it even so."""

    def listens() -> bool:
        caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "SigCgt" in line)
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    until(listens, "its start")
    os.kill(pid, signal.SIGSTOP)


def test_a_child_that_is_killed_is_started_again(tmp_path: Path, supervisor: Supervisor) -> None:
    first = begin(supervisor, "work-0", tmp_path, *IDLE)
    os.kill(first, signal.SIGKILL)
    ended: list[tuple[str, int, int]] = []
    until(lambda: ticking(supervisor, ended), "the death being noticed")
    assert ended == [("work-0", first, -signal.SIGKILL)]
    until(lambda: supervisor.tick() == [] and "work-0" in supervisor.pids(), "its return")
    assert supervisor.pids()["work-0"] != first
    assert not supervisor.finished("work")


def test_one_that_is_killed_again_and_again_is_never_waited_for_long(tmp_path: Path, supervisor: Supervisor) -> None:
    begin(supervisor, "work-0", tmp_path, *IDLE)
    for _ in range(len(BACKOFF_S) + 1):
        os.kill(supervisor.pids()["work-0"], signal.SIGKILL)
        ended: list[tuple[str, int, int]] = []
        until(lambda seen=ended: ticking(supervisor, seen), "the death being noticed")  # type: ignore[misc]
        assert supervisor._children["work-0"].next_at - time.monotonic() <= KILLED_S
        until(lambda: supervisor.tick() == [] and "work-0" in supervisor.pids(), "its return")
    assert supervisor.failing("", 1) is None


def test_one_in_want_of_what_is_away_is_there_soon_after_it_is_back(tmp_path: Path, supervisor: Supervisor) -> None:
    (tmp_path / "suchlike.toml").write_text('[store]\ndatabase = "postgresql+psycopg://nobody@127.0.0.1:1/none"\n')
    supervisor.start("work-0", arguments(tmp_path, *IDLE))
    for _ in range(len(BACKOFF_S)):
        ended: list[tuple[str, int, int]] = []
        until(lambda seen=ended: ticking(supervisor, seen), "its end")  # type: ignore[misc]
        assert ended[0][2] == UNREACHABLE
        assert supervisor._children["work-0"].next_at - time.monotonic() <= NEEDED_MOST_S
    assert supervisor.failing("", 1) is None


def test_a_child_that_has_done_its_work_is_left_alone(tmp_path: Path, supervisor: Supervisor) -> None:
    supervisor.start("crawl-0", arguments(tmp_path, *SHORT), again=False)
    until(lambda: bool(supervisor.tick()) or supervisor.finished("crawl"), "its end")
    assert supervisor.finished("crawl")
    assert supervisor.pids() == {}
    supervisor.tick()
    assert supervisor.pids() == {}


def test_one_that_keeps_failing_is_tried_ever_more_rarely_and_named(tmp_path: Path, supervisor: Supervisor) -> None:
    supervisor.start("work-bad", arguments(tmp_path, *WRONG), again=False)
    ends: list[tuple[str, int, int]] = []
    moments: list[float] = []

    def failed_thrice() -> bool:
        found = supervisor.tick()
        ends.extend(found)
        moments.extend(time.monotonic() for _ in found)
        return len(ends) == 3

    until(failed_thrice, "three failures")
    assert {code for _, _, code in ends} == {2}
    assert moments[1] - moments[0] > BACKOFF_S[1]
    assert moments[2] - moments[1] > BACKOFF_S[2]
    assert supervisor.failing("", 3) == "work-bad"
    assert supervisor.failing("crawl", 3) is None
    assert supervisor.failing("", 4) is None
    assert "no-such-verb" in supervisor.log_of("work-bad").read_text()


def test_children_are_stopped_group_by_group(tmp_path: Path, supervisor: Supervisor) -> None:
    begin(supervisor, "crawl-0", tmp_path, *IDLE)
    begin(supervisor, "work-0", tmp_path, *IDLE)
    pids = supervisor.pids()
    supervisor.stop(("crawl",))
    assert supervisor.pids() == {"work-0": pids["work-0"]}
    assert not running(pids["crawl-0"])
    supervisor.tick()
    assert set(supervisor.pids()) == {"work-0"}, "what was stopped is not started again"
    supervisor.stop(("crawl", "work"))
    assert not running(pids["work-0"])


def test_one_that_will_not_stop_is_killed_in_the_end_and_named(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervise, "STOP_S", 0.5)
    pid = begin(supervisor, "work-0", tmp_path, *IDLE)
    freeze(pid)
    began = time.monotonic()
    supervisor.stop(("work",))
    assert time.monotonic() - began >= 0.5
    assert not running(pid)
    assert "work-0 did not stop and is killed" in caplog.text


def test_in_a_hurry_nobody_is_waited_for(
    tmp_path: Path, supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    pid = begin(supervisor, "work-0", tmp_path, *IDLE)
    freeze(pid)
    supervisor.stop(("work",), hurry=lambda: True)
    assert "did not stop" not in caplog.text
    assert not running(pid)


def test_children_get_the_environment_and_a_session_of_their_own(tmp_path: Path, supervisor: Supervisor) -> None:
    pid = begin(supervisor, "work-0", tmp_path, *IDLE)
    until(lambda: os.getsid(pid) == pid, "the new session")
    supervisor.start("show", arguments(tmp_path, "config", "show", "--json"), again=False)
    until(lambda: bool(supervisor.tick()) or supervisor.finished("show"), "what it was told")
    told = map(json.loads, supervisor.log_of("show").read_text().splitlines())
    assert {one["key"]: one["value"] for one in told}["queue.batch"] == 7


ORPHANS = """
import sys, time
from pathlib import Path
from workers.supervise import Supervisor
supervisor = Supervisor(Path(sys.argv[1]), nursery=sys.argv[2])
for number in range(2):
    supervisor.start(f"work-{number}", ["-C", sys.argv[1], "work", "dedupe"])
while len(supervisor.pids()) < 2:
    supervisor.tick()
print(*supervisor.pids().values(), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("nursery", NURSERIES, ids=lambda named: "forked" if named else "begun")
@pytest.mark.parametrize("after_s", [0.0, 0.3, 3.0])
def test_no_child_outlives_a_supervisor_that_is_killed(tmp_path: Path, after_s: float, nursery: str) -> None:
    """Also one that was still starting and had not yet asked to be told."""
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHANS, str(tmp_path), nursery], stdout=subprocess.PIPE, text=True
    )
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    time.sleep(after_s)
    parent.kill()
    parent.communicate()
    until(lambda: not any(running(pid) for pid in pids), "the end of the orphans")
    until(lambda: not at_work_in(tmp_path), "the end of everything else")


def nursery_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_what_is_forked_is_known_by_its_command_line(tmp_path: Path, forking: Supervisor) -> None:
    pid = begin(forking, "work-0", tmp_path, *IDLE)
    wanted = f"suchlike -C {tmp_path} work dedupe"
    until(lambda: at_work_in(tmp_path).get(pid) == wanted, "its name")
    assert NURSERY in at_work_in(tmp_path)[nursery_of(pid)]


def test_with_a_nursery_that_is_killed_all_are_begun_anew(tmp_path: Path, forking: Supervisor) -> None:
    for number in range(2):
        begin(forking, f"work-{number}", tmp_path, *IDLE)
    before = forking.pids()
    os.kill(nursery_of(before["work-0"]), signal.SIGKILL)
    ended: list[tuple[str, int, int]] = []

    def begun_anew() -> bool:
        ended.extend(forking.tick())
        return len(forking.pids()) == 2 and not set(forking.pids().values()) & set(before.values())

    until(begun_anew, "two others")
    assert sorted(ended) == sorted((name, pid, -signal.SIGKILL) for name, pid in before.items())
    assert forking.failing("", 1) is None


def test_with_a_nursery_that_is_stuck_others_begin_from_nothing_and_those_there_stay(
    tmp_path: Path, forking: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin(forking, "work-0", tmp_path, *IDLE)
    stuck = nursery_of(first)
    assert stuck != os.getpid()
    os.kill(stuck, signal.SIGSTOP)
    with monkeypatch.context() as hasty:
        hasty.setattr("workers.nursery.ANSWER_S", 0.5)
        assert nursery_of(begin(forking, "work-1", tmp_path, *IDLE)) == os.getpid()
        assert nursery_of(begin(forking, "work-2", tmp_path, *IDLE)) == os.getpid()
    assert running(first)
    os.kill(stuck, signal.SIGCONT)
    # what it forks late is not kept beside what was begun in its place
    names = (f"work-{number}" for number in range(3, 100))
    until(lambda: nursery_of(begin(forking, next(names), tmp_path, *IDLE)) == stuck, "its use")
    ours = set(forking.pids().values())
    until(lambda: set(children(stuck)) <= ours, "the end of the late one")


def test_a_stuck_nursery_keeps_nobody_from_stopping(
    tmp_path: Path, forking: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.nursery.SILENT_S", 0.5)
    pid = begin(forking, "work-0", tmp_path, *IDLE)
    stuck = nursery_of(pid)
    assert stuck != os.getpid()
    os.kill(stuck, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    ended: list[tuple[str, int, int]] = []
    until(lambda: ticking(forking, ended), "the death being noticed")
    assert ended == [("work-0", pid, -signal.SIGKILL)]
    forking.stop(("work",))
    assert not running(stuck)


def test_without_a_nursery_that_works_each_begins_from_nothing(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, nursery="crawler.no_such_module")
    try:
        begin(supervisor, "work-0", tmp_path, *IDLE)
        assert at_work_in(tmp_path)[supervisor.pids()["work-0"]].endswith("work dedupe")
        assert nursery_of(supervisor.pids()["work-0"]) == os.getpid()
    finally:
        supervisor.stop(("",), hurry=lambda: True)
