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
from patience import PATIENCE_S
from working import at_work_in, said, started

from crawler.running.runlock import RunLock, is_at_work
from pipelines.config import load
from pipelines.errors import UsageError
from pipelines.stores import Store, open_store, slots
from pipelines.stores import schedules as states
from workers.clock import GRACE_S, NOTED, claim_due
from workers.schedules import Schedule, schedules

NOW = 1_795_000_000.0

CLAIMS = """
import sys, time
from pathlib import Path
from pipelines.config import load
from pipelines.stores import open_store, slots
from workers.clock import claim_due
from workers.schedules import schedules
config = load(Path(sys.argv[1]), {"store": {"database": sys.argv[2]}})
store, planned = open_store(config.database), schedules(config)
print("ready", flush=True)
sys.stdin.readline()
while True:
    claimed = claim_due(store, planned)
    if claimed:
        print(claimed.schedule, claimed.slot_at, flush=True)
    with store.read() as connection:
        if sum(slots.counted(connection, one.name).get(slots.Sort.TIMED, 0) for one in planned) >= 10:
            break
    time.sleep(0.01)
"""


def clocked(folder: Path, *lines: str, database: str = "") -> tuple[Store, list[Schedule]]:
    (folder / "suchlike.toml").write_text("[schedule]\n" + "\n".join(lines))
    config = load(folder, {"store": {"database": database}} if database else None)
    return open_store(config.database), schedules(config)


def claims(store: Store, planned: list[Schedule], now: float) -> list[tuple[str, float]]:
    """Everything that is due, run one after the other."""
    found = []
    while due := claim_due(store, planned, now):
        found.append((due.schedule, due.slot_at))
    return found


def test_a_slot_is_claimed_once(tmp_path: Path, database: str) -> None:
    store, planned = clocked(tmp_path, 'news = "1h"', database=database)
    assert claims(store, planned, NOW + 5) == [("news", NOW - NOW % 3600)]
    assert claims(store, planned, NOW + 6) == []
    assert len(claims(store, planned, NOW + 3606)) == 1
    store.close()


def test_of_several_due_the_oldest_comes_first_and_one_at_a_time(tmp_path: Path) -> None:
    store, planned = clocked(tmp_path, 'often = "1m"', 'hourly = "1h"', 'also = "1h"')
    found = claims(store, planned, NOW - NOW % 3600 + 130)
    assert [name for name, _ in found] == ["also", "hourly", "often"]
    store.close()


def test_an_interval_begins_at_once_and_a_cron_line_at_its_next_moment(tmp_path: Path) -> None:
    store, planned = clocked(tmp_path, 'often = "1h"', 'nightly = "0 3 * * *"')
    day = NOW - NOW % 86400
    assert claims(store, planned, day + 10 * 3600) == [("often", day + 10 * 3600)]
    assert ("nightly", day + 27 * 3600) in claims(store, planned, day + 27 * 3600 + 1)
    store.close()


@pytest.mark.parametrize("missed", ["once", "skip"])
def test_a_machine_that_slept_over_slots_makes_up_for_them_once_or_not_at_all(
    tmp_path: Path, missed: str, database: str
) -> None:
    store, planned = clocked(tmp_path, f'news = {{when = "1h", missed = "{missed}"}}', database=database)
    hour = NOW - NOW % 3600
    assert claims(store, planned, hour) == [("news", hour)]
    awake = hour + 3 * 3600 + GRACE_S + 1  # asleep over three slots
    assert claims(store, planned, awake) == ([("news", hour + 3 * 3600)] if missed == "once" else [])
    with store.read() as connection:
        counts = slots.counted(connection, "news")
    assert counts[slots.Sort.SKIPPED] == (2 if missed == "once" else 3)
    assert counts[slots.Sort.TIMED] == (2 if missed == "once" else 1)
    assert claims(store, planned, awake + 1) == []
    assert claims(store, planned, hour + 4 * 3600) == [("news", hour + 4 * 3600)]
    store.close()


def test_a_clock_that_was_only_restarted_leaves_nothing_out(tmp_path: Path) -> None:
    store, planned = clocked(tmp_path, 'news = {when = "1h", missed = "skip"}')
    hour = NOW - NOW % 3600
    claims(store, planned, hour)
    assert claims(store, planned, hour + 3600 + GRACE_S - 1) == [("news", hour + 3600)]
    store.close()


def test_a_year_of_missed_slots_is_written_down_only_so_far(tmp_path: Path) -> None:
    store, planned = clocked(tmp_path, 'often = "1m"')
    claims(store, planned, NOW)
    assert len(claims(store, planned, NOW + 365 * 86400)) == 1
    with store.read() as connection:
        assert slots.counted(connection, "often")[slots.Sort.SKIPPED] == NOTED - 1
    store.close()


def test_a_clock_set_wrong_for_a_while_runs_no_slot_twice_and_stops_none(tmp_path: Path, database: str) -> None:
    store, planned = clocked(tmp_path, 'news = "1h"', database=database)
    hour = NOW - NOW % 3600
    found = claims(store, planned, hour) + claims(store, planned, hour + 3600)  # an hour too far
    found += claims(store, planned, hour + 60) + claims(store, planned, hour + 3600 + 60)
    found += claims(store, planned, hour + 2 * 3600)
    assert found == [("news", hour), ("news", hour + 3600), ("news", hour + 2 * 3600)]
    store.close()


def test_what_rests_is_not_run_nor_made_up_for(tmp_path: Path, database: str) -> None:
    store, planned = clocked(tmp_path, 'news = "1h"', database=database)
    hour = NOW - NOW % 3600
    with store.write() as connection:
        assert states.pause(connection, "news", now=hour - 1)
        assert not states.pause(connection, "news", now=hour)
    assert claims(store, planned, hour + 5 * 3600) == []
    with store.write() as connection:
        assert states.resume(connection, "news", now=hour + 5 * 3600 + 60)
        assert not states.resume(connection, "news", now=hour)
    assert claims(store, planned, hour + 5 * 3600 + 61) == []
    assert claims(store, planned, hour + 6 * 3600) == [("news", hour + 6 * 3600)]
    store.close()


def test_what_is_asked_for_comes_first_and_once(tmp_path: Path, database: str) -> None:
    store, planned = clocked(tmp_path, 'news = "1h"', 'nightly = "0 3 * * *"', database=database)
    claims(store, planned, NOW)
    with store.write() as connection:
        states.pause(connection, "nightly", now=NOW)
        for _ in range(2):
            states.ask(connection, "nightly", now=NOW + 1)
    assert claims(store, planned, NOW + 2) == [("nightly", NOW + 1)]
    store.close()


@pytest.mark.slow
def test_two_clocks_claim_each_slot_once(tmp_path: Path, database: str) -> None:
    store, _ = clocked(tmp_path, 'often = "1s"', 'half = "0.5s"', database=database)
    command = [sys.executable, "-c", CLAIMS, str(tmp_path), database]
    clocks = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.stdout.readline() for one in clocks if one.stdout] == ["ready\n"] * 2
    for one in clocks:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
    lines = [line for one in clocks for line in one.communicate(timeout=PATIENCE_S)[0].splitlines()]
    assert all(one.returncode == 0 for one in clocks)
    assert len(lines) >= 10
    assert len(set(lines)) == len(lines)
    with store.read() as connection:
        counts = [slots.counted(connection, name)[slots.Sort.TIMED] for name in ("often", "half")]
    assert sum(counts) == len(lines)
    store.close()


def test_schedule_list_shows_last_and_next(
    tmp_path: Path, suchlike: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    store, planned = clocked(tmp_path, 'news = "1h"', 'nightly = "0 3 * * *"')
    unused = [json.loads(line) for line in suchlike("schedule", "list", "--json").stdout.splitlines()]
    assert [(one["schedule"], one["last"], one["last_exit_code"]) for one in unused] == [
        ("news", None, None),
        ("nightly", None, None),
    ]
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert unused[0]["next"] <= now < unused[1]["next"], "an interval that is new begins at once"
    hour = time.time() // 3600 * 3600  # the next moment is told from the machine's own clock
    assert claims(store, planned, hour + 1) == [("news", hour)]
    with store.write() as connection:
        slots.end(connection, "news", hour, now=hour + 9, exit_code=3)
    news, nightly = (json.loads(line) for line in suchlike("schedule", "list", "--json").stdout.splitlines())
    ran_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(hour))
    assert (news["when"], news["last"], news["last_exit_code"]) == ("1h", ran_at, 3)
    assert news["next"] > ran_at
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
    with RunLock(tmp_path):
        assert is_at_work(tmp_path)
        with pytest.raises(UsageError, match="Another run"), RunLock(tmp_path, patience_s=0.1):
            pass
    assert not is_at_work(tmp_path)


def test_schedules_are_added_paused_asked_for_and_removed(
    tmp_path: Path, suchlike: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    file = tmp_path / "suchlike.toml"
    file.write_text("# mine\n[crawl]\npages = 7  # few\n")

    def shown() -> dict[str, object]:
        line: dict[str, object] = json.loads(suchlike("schedule", "list", "--json").stdout)
        return line

    assert suchlike("schedule", "add", "floods", "0 7 * * 1-5 Europe/Berlin", "--missed", "skip").returncode == 0
    said = file.read_text()
    assert "# mine" in said and "pages = 7  # few" in said
    assert (shown()["when"], shown()["missed"], shown()["paused"]) == ("0 7 * * 1-5 Europe/Berlin", "skip", False)
    assert suchlike("schedule", "add", "floods", "every 6h").returncode == 0
    assert (shown()["when"], shown()["missed"]) == ("every 6h", "once")

    wrong = suchlike("schedule", "add", "floods", "every day")
    assert (wrong.returncode, shown()["when"]) == (2, "every 6h")
    assert "schedule.floods" in wrong.stderr

    assert suchlike("schedule", "pause", "floods").returncode == 0
    assert (shown()["paused"], shown()["next"]) == (True, None)
    assert "paused" in suchlike("schedule", "list").stdout
    assert suchlike("schedule", "resume", "floods").returncode == 0
    assert shown()["next"] is not None
    assert suchlike("schedule", "add", "floods", "0 3 * * *").returncode == 0
    assert str(shown()["next"]).endswith("T03:00:00Z")
    assert "clock" in suchlike("schedule", "run-now", "floods").stderr
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    asked = json.loads(suchlike("status", "--json").stdout)["schedules"]
    assert now <= str(shown()["next"]) <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert now <= asked[0]["next"]
    unknown = suchlike("schedule", "run-now", "flods")
    assert unknown.returncode == 2 and "floods" in unknown.stderr

    assert suchlike("schedule", "remove", "floods").returncode == 0
    assert suchlike("schedule", "list", "--json").stdout == ""
    assert "pages = 7  # few" in file.read_text()


DEMO = """\
mode = "demo"
[profile.night-trains]
seeds = "seeds/"
every = "{every}"
[crawl]
pages = 6
rate = "{rate}"
roam = false
[sources]
sites = ["http://railview.test/"]
"""


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    (tmp_path / "seeds").mkdir()
    seed = Path(__file__).parents[2] / "seeds" / "night-trains" / "back-on-the-timetable.txt"
    (tmp_path / "seeds" / "one.txt").write_text(seed.read_text())
    (tmp_path / "suchlike.toml").write_text(DEMO.format(every="1s", rate="200/1s"))
    return tmp_path


def last(folder: Path) -> slots.Slot | None:
    store = open_store(load(folder).database)
    with store.read() as connection:
        return slots.last(connection, "night-trains", until=time.time())


@pytest.mark.slow
def test_the_clock_starts_what_is_due_one_run_after_the_other(demo: Path) -> None:
    store = open_store(load(demo).database)

    def ended() -> int:
        with store.read() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM slots WHERE ended_at IS NOT NULL").scalar() or 0

    with started(demo, "clock") as clock:
        until(lambda: ended() >= 2, "two runs")
        clock.terminate()
        assert clock.wait(PATIENCE_S) == 0
    with store.read() as connection:
        codes = connection.exec_driver_sql("SELECT exit_code FROM slots WHERE sort = 0 ORDER BY id").scalars().all()
    assert set(codes[:2]) <= {0, 1}, said(demo)
    # a third may have begun: stopped in order, or before it could take the signal
    assert set(codes[2:]) <= {0, 1, 3, -signal.SIGTERM}
    until(lambda: not at_work_in(demo), "the end of every process")


@pytest.mark.slow
def test_a_clock_at_work_hears_of_what_is_asked_for_and_of_new_lines(
    demo: Path, suchlike: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    toml = demo / "suchlike.toml"
    toml.write_text(DEMO.format(every="0 0 1 1 *", rate="200/1s"))
    store = open_store(load(demo).database, mode="demo")

    def ended(sort: slots.Sort) -> bool:
        with store.read() as connection:
            query = f"SELECT count(*) FROM slots WHERE ended_at IS NOT NULL AND sort = {int(sort)}"
            return bool(connection.exec_driver_sql(query).scalar())

    with started(demo, "clock") as clock:
        assert suchlike("schedule", "run-now", "night-trains").returncode == 0
        until(lambda: ended(slots.Sort.ASKED), "the run that was asked for")
        toml.write_text(DEMO.format(every="1s", rate="200/1s"))
        until(lambda: ended(slots.Sort.TIMED), "a run by the new line")
        toml.write_text(DEMO.format(every="now and then", rate="200/1s"))
        until(lambda: "stay as they were" in said(demo), "a warning")
        clock.terminate()
        assert clock.wait(PATIENCE_S) == 0
    store.close()


@pytest.mark.slow
def test_a_run_started_by_hand_costs_no_slot(demo: Path) -> None:
    store = open_store(load(demo).database)

    def seen_at() -> float:
        with store.read() as connection:
            return states.clock_seen_at(connection)

    with RunLock(demo), started(demo, "clock") as clock:
        until(lambda: bool(seen_at()), "a first look at what is due")
        first = seen_at()
        until(lambda: seen_at() > first, "another one")
        assert last(demo) is None, said(demo)
        assert clock.poll() is None and "Traceback" not in said(demo)
    store.close()


@pytest.mark.slow
def test_a_killed_clock_takes_its_run_along(demo: Path) -> None:
    # a run that would last for minutes
    (demo / "suchlike.toml").write_text(DEMO.format(every="1h", rate="1/60s"))
    with started(demo, "clock") as clock:
        until(lambda: any(" run" in line for line in at_work_in(demo).values()), "a run's start")
        until(lambda: any("crawl-worker" in line for line in at_work_in(demo).values()), "its crawler's start")
        os.kill(clock.pid, signal.SIGKILL)
        clock.wait()
        until(lambda: not at_work_in(demo), "the end of every process")
    held = last(demo)
    assert held is not None and held.ended_at is None
