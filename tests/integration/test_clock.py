"""The clock: a slot runs once however many clocks there are, and what is due is started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import until
from working import at_work_in, said, started

from crawler.conductor import _only_one, is_at_work
from pipelines.config import Config, load
from pipelines.errors import UsageError
from pipelines.stores import Store, open_store, slots
from workers.clock import LATE_S, claim_due

NOW = 1_795_000_000.0

CLAIMS = """
import sys, time
from pathlib import Path
from pipelines.config import load
from pipelines.stores import open_store
from workers.clock import claim_due
config = load(Path(sys.argv[1]), {"store": {"database": sys.argv[2]}})
store = open_store(config.database)
until = time.monotonic() + 4
print("ready", flush=True)
while time.monotonic() < until:
    claimed = claim_due(store, config)
    if claimed:
        print(claimed[0].name, claimed[1], flush=True)
    time.sleep(0.01)
"""


def clocked(folder: Path, *lines: str, database: str = "") -> tuple[Store, Config]:
    (folder / "suchlike.toml").write_text("[schedule]\n" + "\n".join(lines))
    config = load(folder, {"store": {"database": database}} if database else None)
    return open_store(config.database), config


def test_a_slot_is_claimed_once(tmp_path: Path, database: str) -> None:
    store, config = clocked(tmp_path, 'news = "1h"', database=database)
    claimed = claim_due(store, config, NOW + 5)
    assert claimed is not None and (claimed[0].name, claimed[1]) == ("news", NOW - NOW % 3600)
    assert claim_due(store, config, NOW + 6) is None
    assert claim_due(store, config, NOW + 3606) is not None
    store.close()


def test_of_several_due_the_oldest_comes_first_and_one_at_a_time(tmp_path: Path) -> None:
    store, config = clocked(tmp_path, 'often = "1m"', 'hourly = "1h"', 'also = "1h"')
    now = NOW - NOW % 3600 + 130
    claimed = []
    while one := claim_due(store, config, now):
        claimed.append(one[0].name)
    assert claimed == ["also", "hourly", "often"]
    store.close()


def test_slots_missed_are_made_up_for_once_if_not_long_past(tmp_path: Path) -> None:
    store, config = clocked(tmp_path, 'often = "5m"', 'daily = "1d"')
    day = NOW - NOW % 86400
    names = []
    while one := claim_due(store, config, day + LATE_S / 2):
        names.append(one[0].name)
    assert names == ["daily", "often"]
    # six slots of `often` and a whole day later
    while one := claim_due(store, config, day + 86400 + LATE_S + 1):
        names.append(one[0].name)
    assert names == ["daily", "often", "often"]
    with store.read() as connection:
        assert slots.claimed(connection, "often") == 2
    store.close()


@pytest.mark.slow
def test_two_clocks_claim_each_slot_once(tmp_path: Path, database: str) -> None:
    store, _ = clocked(tmp_path, 'often = "1s"', 'half = "0.5s"', database=database)
    clocks = [
        subprocess.Popen([sys.executable, "-c", CLAIMS, str(tmp_path), database], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    lines = [line for one in clocks for line in one.communicate(timeout=60)[0].splitlines() if line != "ready"]
    assert all(one.returncode == 0 for one in clocks)
    assert len(lines) >= 8
    assert len(set(lines)) == len(lines)
    with store.read() as connection:
        assert slots.claimed(connection, "often") + slots.claimed(connection, "half") == len(lines)
    store.close()


def test_schedule_list_shows_last_and_next(
    tmp_path: Path, suchlike: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    store, config = clocked(tmp_path, 'news = "1h"', 'nightly = "0 3 * * *"')
    unused = [json.loads(line) for line in suchlike("schedule", "list", "--json").stdout.splitlines()]
    assert [(one["schedule"], one["last"], one["last_exit_code"]) for one in unused] == [
        ("news", None, None),
        ("nightly", None, None),
    ]
    claimed = claim_due(store, config, NOW)
    assert claimed is not None
    with store.write() as connection:
        slots.end(connection, "news", claimed[1], now=NOW + 9, exit_code=3)
    news, nightly = (json.loads(line) for line in suchlike("schedule", "list", "--json").stdout.splitlines())
    assert (news["when"], news["last"], news["last_exit_code"]) == ("1h", "2026-11-18T11:00:00Z", 3)
    assert news["next"] > "2026-11-18T11:00:00Z"
    assert nightly["next"].endswith("T03:00:00Z")
    assert "nightly" in suchlike("schedule", "list").stdout
    store.close()


def test_a_wrong_line_is_said_at_once(
    tmp_path: Path, suchlike: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "suchlike.toml").write_text('[schedule]\nnews = "now and then"\n')
    for verb in (["clock"], ["schedule", "list"]):
        done = suchlike(*verb)
        assert done.returncode == 2
        assert "schedule.news" in done.stderr
        assert "Traceback" not in done.stderr


def test_whether_a_run_is_at_work_is_seen_without_disturbing_one_that_begins(tmp_path: Path) -> None:
    assert not is_at_work(tmp_path)
    with _only_one(tmp_path):
        assert is_at_work(tmp_path)
        with pytest.raises(UsageError, match="Another run"), _only_one(tmp_path, wait_s=0.1):
            pass
    assert not is_at_work(tmp_path)


DEMO = """\
mode = "demo"
[profile.night-trains]
seeds = "seeds/"
every = "{every}"
[crawl]
pages = 6
rate = "200/1s"
roam = false
[sources]
sites = ["http://railview.test/"]
"""


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    (tmp_path / "seeds").mkdir()
    seed = Path(__file__).parents[2] / "seeds" / "night-trains" / "back-on-the-timetable.txt"
    (tmp_path / "seeds" / "one.txt").write_text(seed.read_text())
    (tmp_path / "suchlike.toml").write_text(DEMO.format(every="1s"))
    return tmp_path


def last(folder: Path) -> tuple[float, float | None, int | None] | None:
    store = open_store(load(folder).database)
    with store.read() as connection:
        return slots.last(connection, "night-trains")


@pytest.mark.slow
def test_the_clock_starts_what_is_due_one_run_after_the_other(demo: Path) -> None:
    store = open_store(load(demo).database)

    def ended() -> int:
        with store.read() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM slots WHERE ended_at IS NOT NULL").scalar() or 0

    with started(demo, "clock") as clock:
        until(lambda: ended() >= 2, 120, "two runs")
        clock.terminate()
        assert clock.wait(40) == 0
    with store.read() as connection:
        codes = connection.exec_driver_sql("SELECT exit_code FROM slots ORDER BY id").scalars().all()
    assert set(codes[:2]) <= {0, 1}, said(demo)
    # a third may have begun: stopped in order, or before it could take the signal
    assert set(codes[2:]) <= {0, 1, 3, -signal.SIGTERM}
    until(lambda: not at_work_in(demo), 10, "the end of every process")


@pytest.mark.slow
def test_a_run_started_by_hand_costs_no_slot(demo: Path) -> None:
    with _only_one(demo), started(demo, "clock") as clock:
        until(lambda: "Traceback" in said(demo) or clock.poll() is not None or _ticks(clock.pid) > 3, 30, "a few ticks")
        assert last(demo) is None, said(demo)


def _ticks(pid: int) -> float:
    """Seconds since a process began."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
def test_a_killed_clock_takes_its_run_along(demo: Path) -> None:
    with started(demo, "clock") as clock:
        until(lambda: any(" run" in line for line in at_work_in(demo).values()), 30, "a run's start")
        until(lambda: any("crawl-worker" in line for line in at_work_in(demo).values()), 30, "its crawler's start")
        os.kill(clock.pid, signal.SIGKILL)
        clock.wait()
        until(lambda: not at_work_in(demo), 40, "the end of every process")
    held = last(demo)
    assert held is not None and held[1] is None
