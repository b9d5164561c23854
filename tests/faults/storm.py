"""Kills, stops, empties and fills what a real crawl runs on, over and over, and counts what was lost.

`make faults KILLS=1000 SEED=7` runs it on SQLite and on PostgreSQL. The clock starts every run by a schedule, so nobody
but the clock itself has to be started again by hand (which a machine's init does). After each round of the web the
crawl must come to its end by itself, and `suchlike doctor --deep` must find every promise kept.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from statistics import median
from typing import Any

import redis
from ailing import Ailing
from faultweb import Expected, FaultWeb
from mute import Mute
from postgresql import PostgreSQL
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from working import at_work_in, children

from crawler.running.processes import NURSERY
from workers.broker import Broker

SEEDS = Path(__file__).parents[2] / "seeds" / "night-trains"
PROJECT = """\
[profile.storm]
seeds = "seeds/"
every = "4s"
[crawl]
pages = 0
rate = "4/1s"
concurrency = 12
crawlers = {crawlers}
proxy = "{proxy}"
revisions = ""
[sources]
sites = {sites}
[store]
keep = "all"
database = "{database}"
reserve_mb = {reserve}
[queue]
workers = 1
"""
STAGE_OF = {"horse": 2, "parse": 2, "dedupe": 3, "store": 4}
# the more a process's end costs the others, the rarer it is
VICTIMS = {
    "horse": 8.0, "parse": 3.0, "dedupe": 3.0, "store": 3.0, "crawler": 3.0, "broker": 1.5, "conductor": 0.7,
    "nursery": 0.4, "clock": 0.4,
}  # fmt: skip
# whose end takes everybody else along, or with nobody left but him, is left alone for a while
RESPITE_S = {"conductor": 120.0, "nursery": 60.0, "clock": 240.0, "broker": 30.0, "crawler": 3.0}
# of a hundred blows, so many are no kill but one of these
OTHERS = {"flush": 2, "stop": 1, "hang": 1, "mute": 1, "lock": 2, "crash": 2, "standby": 1, "full": 1, "jump": 1,
          "readonly": 1, "broken": 1, "memory": 1}  # fmt: skip
# by which the clock jumps, there and back again; never by less than is noticed
JUMPS_S = (3600, -3600, 90, -90)
# a blow falls all the same when nothing has moved since the last one for so long
STILL_S = 10.0
# what a storm is most of comes so many times as often
MOST = 30
# how long a kill waits for its victim to have begun something
BUSY_S = 0.5
# the same where nothing but a few kinds of blow fall: then each shall tell how long its recovery takes
ONLY_BUSY_S = 10.0
DRAIN_S = 900.0
POLL_S = 0.2
# a return that takes longer is told with who holds the database meanwhile
SLOW_S = 10.0
# the byte of SQLite's `-shm` file that a writer locks (https://www.sqlite.org/walformat.html, 2.2.3)
WAL_WRITE_LOCK = 120

# who must be there for rows to move
MOVERS = ("parse", "dedupe", "store", "broker", "conductor")


class Beside(IntEnum):
    """What else the storm did while something recovered from a blow; of several, the most."""

    NOTHING = 0
    KILLS = 1  # others that it needs were killed
    FAULTS = 2  # others that it needs were stopped, locked, full, wrong or away for seconds


@dataclass
class Told:
    """What a storm has brought about. Durations in seconds, by what else went on: `recoveries` until the rows of a
    killed worker are taken up again, `returns` until rows move after the broker answers again; `flows` after FLUSHALL.
    """

    kills: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    recoveries: dict[Beside, list[float]] = field(default_factory=lambda: {one: [] for one in Beside})
    returns: dict[Beside, list[float]] = field(default_factory=lambda: {one: [] for one in Beside})
    flows: list[float] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0

    def row(self, name: str, seed: int) -> str:
        """A line of the table in docs/reliability.md."""
        others = ", ".join(f"{n} x {kind}" for kind, n in sorted(self.others.items())) or "none"
        return (
            f"| {name} | {seed} | {sum(self.kills.values())} | {others} | {self.pages} | {len(self.lost)} | "
            f"{len(self.doubled)} | {len(self.broken)} |"
        )

    def times(self) -> list[str]:
        """How long things took, a line each."""
        lines = [
            f"{name}, {beside.name.lower()} beside: {_worst(took[beside])}"
            for name, took in (("worker's recovery", self.recoveries), ("broker's return", self.returns))
            for beside in Beside
        ]
        return [*lines, f"flow after FLUSHALL: {_worst(self.flows)}", *self.slow]


def _worst(seconds: list[float]) -> str:
    """`p50 / p99 / worst (number)` of durations."""
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    return (
        f"{median(ordered):.1f} / {ordered[int(0.99 * (len(ordered) - 1))]:.1f} / {ordered[-1]:.1f} s ({len(ordered)})"
    )


def _state(pid: int) -> str:
    """The kernel's letter for a process: R, S, D, T for stopped; X for one that is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    return "X"


@dataclass
class _Sample:
    """Rows a killed worker was at; recovered once somebody else has taken every one of them up."""

    at: float
    stage: int
    rows: dict[int, tuple[int, int]]
    beside: Beside


class Storm:
    """One storm over one database. `run()` returns what came of it."""

    def __init__(
        self, folder: Path, database: str, *, seed: int, kills: int, pages: int = 40, pause: tuple[float, float],
        long_s: float = 60.0, minutes: float = 1e6, most: str = "", only: Collection[str] = (),
        postgresql: PostgreSQL | None = None, small_disk: bool = False, say: Callable[[str], None] = print,
    ) -> None:  # fmt: skip
        self.folder, self.database, self.kills, self.pause, self.long_s = folder, database, kills, pause, long_s
        self.postgresql, self.small_disk, self.say = postgresql, small_disk, say
        self._until = time.monotonic() + 60 * minutes
        self._busy_s = ONLY_BUSY_S if only else BUSY_S
        self._weights = {
            name: weight * (MOST if name == most else 1) * (not only or name in only)
            for name, weight in (VICTIMS | OTHERS).items()
        }
        self.dice = random.Random(seed)
        self.web = FaultWeb(pages)
        self.told = Told()
        self._samples: list[_Sample] = []
        self._quiet_until: dict[tuple[Beside, int], float] = {}
        self._last: dict[str, float] = {}
        self._clock: subprocess.Popen[bytes] | None = None
        self._stopped: list[tuple[float, int]] = []
        self._engine = create_engine(database, connect_args={"timeout": 5} if "sqlite" in database else {})
        (folder / "seeds").mkdir(parents=True, exist_ok=True)
        self._ailing = Ailing(folder) if Ailing.is_possible() else None
        for name in ("back-on-the-timetable.txt", "night-lines-letter.eml"):
            shutil.copy(SEEDS / name, folder / "seeds" / name)

    def run(self) -> Told:
        """Round after round, until there were enough kills."""
        began = time.monotonic()
        with self.web:
            try:
                number = 0
                while self._goes_on():
                    number += 1
                    self._round(number)
                    if self.told.lost or self.told.broken:
                        break
            finally:
                self._end()
                self._engine.dispose()
        self.told.seconds = time.monotonic() - began
        return self.told

    def _goes_on(self) -> bool:
        return sum(self.told.kills.values()) < self.kills and time.monotonic() < self._until

    # one round

    def _round(self, number: int) -> None:
        expected = self.web.expected(number)
        self._write_project(number)
        self._keep_clock()
        blow_at, before = 0.0, self._moves()
        # blows fall until most of it is done; then it must come to its end undisturbed
        enough = 0.9 * len(expected)
        while (done := self._ended(number)) < enough and self._goes_on():
            self._keep_clock()
            self._recovered()
            # where processes take longer to begin than the pause is, nothing would ever move again
            moved = self._moves() != before or time.monotonic() >= blow_at + STILL_S
            if done and time.monotonic() >= blow_at and moved:
                self._blow()
                before = self._moves()
                blow_at = time.monotonic() + self.dice.uniform(*self.pause)
            time.sleep(POLL_S)
        self._continue_all(at_once=True)
        calm = said = time.monotonic()
        while not self._complete(expected) and time.monotonic() < calm + DRAIN_S:
            self._keep_clock()
            self._recovered()
            if time.monotonic() - said > 60:
                said = time.monotonic()
                self.say(f"not done yet: {self._waits()}")
            time.sleep(POLL_S)
        self._judge(number, expected)
        self.say(
            f"round {number}: {sum(self.told.kills.values())} kills, {self.told.pages} pages, drained in "
            f"{time.monotonic() - calm:.0f} s, lost {len(self.told.lost)}, doubled {len(self.told.doubled)}, "
            f"broken {len(self.told.broken)}; {'; '.join(self.told.times())}"
        )

    def _write_project(self, number: int) -> None:
        said = PROJECT.format(
            proxy=self.web.url, sites=json.dumps(self.web.starts(number)), database=self.database,
            crawlers=2, reserve=5 if self.small_disk else 50,
        )  # fmt: skip
        fresh = self.folder / "suchlike.toml.new"
        fresh.write_text(said, encoding="utf-8")
        fresh.replace(self.folder / "suchlike.toml")

    def _judge(self, number: int, expected: dict[str, Expected]) -> None:
        held = self._fates(number)
        self.told.pages += len(held)
        self.told.lost += [
            f"{url} is {held.get(url, 'unknown')}, not {' or '.join(right.fates)}"
            for url, right in expected.items() if held.get(url) not in right.fates
        ]  # fmt: skip
        stories: dict[int, list[str]] = {}
        for url, right in expected.items():
            if right.text is not None and held.get(url) == "stored":
                stories.setdefault(right.text, []).append(url)
        self.told.doubled += [" and ".join(urls) for urls in stories.values() if len(urls) > 1]
        log = self.folder / "requests.jsonl"
        self.told.requests = self.web.write_log(log)
        self.told.broken += [*self._doctor(log), *self._left()]

    def _doctor(self, log: Path) -> list[str]:
        command = [sys.executable, "-m", "crawler", "-C", str(self.folder), "doctor", "--deep", "--json"]
        done = subprocess.run(
            [*command, "--requests", str(log)], capture_output=True, text=True, check=False, timeout=300
        )
        told = [json.loads(line) for line in done.stdout.splitlines()]
        if len(told) < 10:
            return [f"doctor ended with {done.returncode}: {done.stderr[-500:]}"]
        return [f"{one['check']}: {one['detail']}" for one in told if not one["ok"]]

    def _left(self) -> list[str]:
        """Whether what leaves is what is stored, and whether the page of each article is in the archive."""
        file = self.folder / "left.jsonl"
        command = [sys.executable, "-m", "crawler", "-C", str(self.folder), "export", "jsonl", "--no-text"]
        subprocess.run([*command, "-o", str(file)], capture_output=True, check=False, timeout=300)
        left = {json.loads(line)["url"] for line in file.read_text().splitlines()} if file.exists() else set()
        stored = dict(self._asked("SELECT url, archive_file FROM urls WHERE state IN (5, 6)"))
        return [
            *(f"exports: {url} is stored or leaves, and not both" for url in left ^ stored.keys()),
            *(f"archive: {url} is in none" for url, place in stored.items() if place is None),
        ]

    # what the store says

    def _asked(self, statement: str, **values: Any) -> list[Any]:
        """An answer, or none while the database is away."""
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(text(statement), values))
        except DBAPIError:
            return []

    def _fates(self, number: int) -> dict[str, str]:
        names = {0: "waiting", 1: "leased", 2: "fetched", 3: "parsed", 4: "judged", 5: "stored", 6: "duplicate",
                 7: "dropped", 8: "dead", 9: "refused", 10: "listed"}  # fmt: skip
        rows = self._asked("SELECT url, state FROM urls WHERE url LIKE :like", like=f"http://r{number}h%")
        return {url: names[state] for url, state in rows}

    def _waits(self) -> str:
        """What has not ended, for how long it will not be looked at, and for how long its host is not asked."""
        rows = self._asked(
            "SELECT urls.state, count(*), max(urls.due_at), max(hosts.next_at) FROM urls JOIN hosts "
            "ON hosts.id = urls.host WHERE urls.state < 5 GROUP BY urls.state"
        )
        now = time.time()
        return "; ".join(
            f"{number} in state {state}, due in {(due or now) - now:.0f} s, host in {(then or now) - now:.0f} s"
            for state, number, due, then in rows
        )

    def _ended(self, number: int) -> int:
        like = f"http://r{number}h%"
        rows = self._asked("SELECT count(*) FROM urls WHERE url LIKE :like AND state > 4", like=like)
        return int(rows[0][0]) if rows else 0

    def _complete(self, expected: dict[str, Expected]) -> bool:
        rows = self._asked("SELECT url FROM urls WHERE state BETWEEN 5 AND 9")
        return expected.keys() <= {url for (url,) in rows}

    def _moves(self) -> tuple[int, ...] | None:
        """Something that changes with every move of a row through the stages."""
        rows = self._asked("SELECT count(*), sum(attempts), sum(state) FROM urls WHERE state BETWEEN 2 AND 6")
        return tuple(int(one or 0) for one in rows[0]) if rows else None

    # processes

    def _keep_clock(self) -> None:
        if self._clock is None or self._clock.poll() is not None:
            with (self.folder / "clock.log").open("ab") as log:
                self._clock = subprocess.Popen(
                    [sys.executable, "-m", "crawler", "-C", str(self.folder), "clock"],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    env=os.environ | (self._ailing.environment if self._ailing else {}),
                )  # fmt: skip

    def _victims(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {name: [] for name in VICTIMS}
        lines = at_work_in(self.folder)
        for pid, line in lines.items():
            if line.endswith("work parse"):
                is_horse = any(pid in children(other) for other, its in lines.items() if its == line and other != pid)
                found["horse" if is_horse else "parse"].append(pid)
            for name, marks in {
                "dedupe": line.endswith("work dedupe"), "store": line.endswith("work store"),
                "crawler": "crawl-worker" in line, "nursery": NURSERY in line,
                "conductor": line.endswith(" run"), "clock": line.endswith(" clock"),
                "broker": "valkey.sock" in line or "--unixsocket" in line,
            }.items():  # fmt: skip
                if marks:
                    found[name].append(pid)
        return found

    def _end(self) -> None:
        self._continue_all(at_once=True)
        if self._clock is not None and self._clock.poll() is None:
            self._clock.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._clock.wait(40)
        for pid in at_work_in(self.folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # blows

    def _blow(self) -> None:
        self._continue_all()
        can = {name: getattr(self, f"_can_{name}", lambda: True)() for name in OTHERS}
        others = {name: self._weights[name] for name in OTHERS if can[name] and self._weights[name]}
        if self.dice.random() * 100 < sum(others.values()):
            name = self.dice.choices(list(others), list(others.values()))[0]
            if getattr(self, f"_{name}")():
                self.told.others[name] += 1
            return
        self._kill()

    def _kill(self) -> None:
        now = time.monotonic()
        rested = {name for name in VICTIMS if now - self._last.get(name, 0.0) > RESPITE_S.get(name, 0.0)}
        there = {
            name: pids for name, pids in self._victims().items() if pids and name in rested and self._weights[name]
        }
        if not there:
            return
        name = self.dice.choices(list(there), [self._weights[one] for one in there])[0]
        stage = STAGE_OF.get(name, 0)
        rows = self._wait_for_work(stage) if stage else {}
        beside = self._beside()
        try:
            os.kill(self.dice.choice(there[name]), signal.SIGKILL)
        except ProcessLookupError:
            return
        self.told.kills[name] += 1
        self._last[name] = now
        if sum(self.told.kills.values()) % 25 == 0:
            self.say(f"{sum(self.told.kills.values())} kills; {'; '.join(self.told.times())}")
        if name == "broker":
            self._disturb(0.0, beside=Beside.KILLS)
            self._measure_return(self.told.returns[beside])
        elif name in ("conductor", "nursery", "clock"):
            self._disturb(15.0, beside=Beside.KILLS)
        elif rows:
            self._samples.append(_Sample(time.monotonic(), stage, rows, self._under_way(stage)))

    def _wait_for_work(self, stage: int) -> dict[int, tuple[int, int]]:
        """What a stage's workers begin, as soon as it is anything: a kill that meets nobody at work tells less."""
        deadline, known = time.monotonic() + self._busy_s, self._begun(stage)
        while True:
            # what was begun before may have been left by somebody killed before
            rows = {row: seen for row, seen in self._begun(stage).items() if known.get(row) != seen}
            if rows or time.monotonic() > deadline:
                return rows
            time.sleep(0.01)

    def _begun(self, state: int) -> dict[int, tuple[int, int]]:
        query = "SELECT id, attempts FROM urls WHERE state = :state AND attempts > 0"
        return {row: (state, attempts) for row, attempts in self._asked(query, state=state)}

    def _recovered(self) -> None:
        if not self._samples:
            return
        held = {row: (state, attempts) for row, state, attempts in self._asked(
            "SELECT id, state, attempts FROM urls WHERE state BETWEEN 2 AND 4")}  # fmt: skip
        if self._moves() is None:
            return
        for sample in list(self._samples):
            if not any(held.get(row) == as_it_was for row, as_it_was in sample.rows.items()):
                self._samples.remove(sample)
                self.told.recoveries[sample.beside].append(time.monotonic() - sample.at)

    def _disturb(self, seconds: float, stage: int = 0, *, beside: Beside = Beside.FAULTS) -> None:
        """What else is under way is not the workers' recovery: broker or database are away, or all of one stage."""
        kind = (beside, stage)
        self._quiet_until[kind] = max(self._quiet_until.get(kind, 0.0), time.monotonic() + seconds)
        for sample in self._samples:
            if stage in (0, sample.stage):
                sample.beside = max(sample.beside, beside)

    def _under_way(self, stage: int = 0) -> Beside:
        """What is still to be expected of blows that have fallen, on one stage or on all."""
        now = time.monotonic()
        held = (kind for (kind, its), until in self._quiet_until.items() if now < until and stage in (0, its or stage))
        return max(held, default=Beside.NOTHING)

    def _beside(self) -> Beside:
        """What else keeps rows from moving, before a blow to the broker."""
        if self._stopped:
            return Beside.FAULTS
        there = self._victims()
        missing = Beside.KILLS if any(not there[name] for name in MOVERS) else Beside.NOTHING
        return max(self._under_way(), missing)

    def _broker(self) -> redis.Redis:
        return redis.Redis.from_url(Broker(self.folder).address, socket_timeout=1, socket_connect_timeout=1)

    def _answers(self) -> bool:
        try:
            with contextlib.closing(self._broker()) as client:
                return bool(client.ping())
        except (redis.RedisError, OSError):
            return False

    def _measure_return(self, into: list[float]) -> None:
        """From the broker's answer to the first move of a row, while rows wait to be moved."""
        deadline = time.monotonic() + 60
        while not self._answers() and time.monotonic() < deadline:
            self._keep_clock()
            time.sleep(0.05)
        began, before = time.monotonic(), self._moves()
        why: set[str] = set()
        while time.monotonic() < began + 60:
            self._keep_clock()
            self._continue_all()  # a stage's only worker may be among those stopped
            flying = self._asked("SELECT count(*) FROM urls WHERE state BETWEEN 2 AND 4")
            if not flying or not flying[0][0]:
                return
            if self._moves() != before:
                break
            if time.monotonic() > began + SLOW_S / 2:
                why |= self._held_up_by()
            time.sleep(0.1)
        took = time.monotonic() - began
        into.append(took)
        if took > SLOW_S:
            self.told.slow.append(f"a return took {took:.1f} s: {', '.join(sorted(why)) or 'nothing seen'}")

    def _held_up_by(self) -> set[str]:
        """Who is frozen and for which rows, and who holds SQLite's lock on writing, right now."""
        names = {pid: name for name, pids in self._victims().items() for pid in pids}
        states = {pid: _state(pid) for pid in names}
        waiting = self._asked("SELECT DISTINCT state FROM urls WHERE state BETWEEN 2 AND 4 ORDER BY state")
        rows = "rows wait in state " + " and ".join(str(state) for (state,) in waiting)
        found = {f"{name} is frozen and {rows}" for pid, name in names.items() if states[pid] == "T"}
        return found | {f"{names.get(pid, pid)} ({states.get(pid, 'gone')}) writes" for pid in self._writers()}

    def _writers(self) -> set[int]:
        """The processes that hold SQLite's lock on writing right now."""
        with contextlib.suppress(OSError):
            lock = (self.folder / "suchlike.db-shm").stat().st_ino
            held = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
            return {
                int(pid) for _, _, _, kind, pid, file, first, last in (one for one in held if len(one) == 8)
                if kind == "WRITE" and file.endswith(f":{lock}") and int(first) <= WAL_WRITE_LOCK
                and (last == "EOF" or int(last) >= WAL_WRITE_LOCK)
            }  # fmt: skip
        return set()

    def _flush(self) -> bool:
        try:
            with contextlib.closing(self._broker()) as client:
                client.flushall()
        except (redis.RedisError, OSError):
            return False
        self._disturb(5.0)
        self._measure_return(self.told.flows)
        return True

    def _stop(self) -> bool:
        """SIGSTOP, and CONT after a time in which its successor has long begun."""
        there = self._victims()
        names = [name for name in ("parse", "dedupe", "store", "crawler", "horse") if there[name]]
        if not names:
            return False
        name = self.dice.choice(names)
        pid = self.dice.choice(there[name])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            if name in STAGE_OF:  # there is one worker of each, which nobody takes for dead
                self._disturb(self.long_s + 30, STAGE_OF[name])
            self._stopped.append((time.monotonic() + self.long_s, pid))
            return True
        return False

    def _continue_all(self, *, at_once: bool = False) -> None:
        for moment, pid in list(self._stopped):
            if at_once or time.monotonic() >= moment:
                self._stopped.remove((moment, pid))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _hang(self) -> bool:
        """The broker takes connections and says nothing."""
        beside = self._beside()
        for pid in self._victims()["broker"][:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self._disturb(10.0)
                time.sleep(min(self.long_s, self.dice.uniform(3, 12)))
                os.kill(pid, signal.SIGCONT)
                self._measure_return(self.told.returns[beside])
                return True
        return False

    def _mute(self) -> bool:
        """For seconds replies of the broker are lost, or its connections cut: nobody knows what it has carried out."""
        at = Path(Broker(self.folder).address.removeprefix("unix://"))
        if not self._answers():
            return False
        beside = self._beside()
        self._disturb(15.0)
        with Mute(at, self.dice) as proxy:
            time.sleep(self.dice.uniform(4, 8))
        self._measure_return(self.told.returns[beside])
        return proxy.dropped > 0

    def _lock(self) -> bool:
        """Somebody holds the database's lock for seconds."""
        self._disturb(15.0)
        statement = "BEGIN IMMEDIATE" if self.postgresql is None else "LOCK TABLE urls IN ACCESS EXCLUSIVE MODE"
        try:
            with self._engine.connect() as connection:
                if self.postgresql is None:
                    connection.connection.driver_connection.isolation_level = None  # type: ignore[union-attr]
                connection.exec_driver_sql(statement)
                time.sleep(self.dice.uniform(3, 8))
                connection.rollback()
        except DBAPIError:
            return False
        return True

    def _can_crash(self) -> bool:
        return self.postgresql is not None

    def _crash(self) -> bool:
        """The database server dies in the middle of whatever it does, and is away for seconds."""
        assert self.postgresql is not None
        self._disturb(20.0)
        self.postgresql.crash()
        time.sleep(self.dice.uniform(1, 6))
        self.postgresql.start()
        return True

    _can_standby = _can_crash

    def _standby(self) -> bool:
        """The database takes no writes for seconds, as one that another server has taken over from."""
        assert self.postgresql is not None
        self._disturb(15.0)
        self.postgresql.read_only(True)
        time.sleep(self.dice.uniform(2, 6))
        self.postgresql.read_only(False)
        return True

    def _can_jump(self) -> bool:
        return self._ailing is not None

    def _jump(self) -> bool:
        """The clock is wrong for seconds, and right again."""
        assert self._ailing is not None
        self._disturb(20.0)
        self._ailing.suffer(ahead_s=self.dice.choice(JUMPS_S))
        time.sleep(self.dice.uniform(3, 8))
        self._ailing.suffer()
        return True

    _can_readonly = _can_jump

    def _readonly(self) -> bool:
        """The disk takes no writes for seconds: SQLite's, the archive's, Valkey's own and the logs."""
        return self._refuses(errno.EROFS)

    _can_broken = _can_jump

    def _broken(self) -> bool:
        """The same, of a disk that just breaks."""
        return self._refuses(errno.EIO)

    def _refuses(self, number: int) -> bool:
        assert self._ailing is not None
        self._disturb(20.0)
        self._ailing.suffer(refuses=number)
        time.sleep(self.dice.uniform(3, 8))
        self._ailing.suffer()
        return True

    def _memory(self) -> bool:
        """A batch of pages is given no more memory than it has."""
        self._wait_for_work(STAGE_OF["horse"])
        for pid in self._victims()["horse"][:1]:
            with contextlib.suppress(ProcessLookupError):
                _, most = resource.prlimit(pid, resource.RLIMIT_AS)
                resource.prlimit(pid, resource.RLIMIT_AS, (1, most))
                self._disturb(5.0, STAGE_OF["horse"])
                return True
        return False

    def _can_full(self) -> bool:
        return self.small_disk

    def _full(self) -> bool:
        """Not a byte is left on the disk for seconds."""
        self._disturb(20.0)
        hog = self.folder / "hog"
        try:
            with contextlib.suppress(OSError), hog.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 20))
            time.sleep(self.dice.uniform(4, 8))
        finally:
            hog.unlink()
        return True


@contextlib.contextmanager
def small_disk(megabytes: int = 400) -> Iterator[Path | None]:
    """A disk of this size, where we may mount one; else None."""
    at = Path(tempfile.mkdtemp(prefix="suchlike-disk-"))
    mounted = os.getuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(at)], check=False, capture_output=True
    ).returncode == 0  # fmt: skip
    try:
        yield at if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(at)], check=False)
        shutil.rmtree(at, ignore_errors=True)


def storm(kind: str, seed: int, kills: int, **named: Any) -> Told:
    """A storm over a database of this kind, in a folder of its own."""
    with contextlib.ExitStack() as held:
        disk = held.enter_context(small_disk())
        folder = (disk or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="suchlike-storm-")))) / "project"
        if kind == "sqlite":
            named |= {"database": f"sqlite:///{folder / 'suchlike.db'}"}
        else:
            server = held.enter_context(PostgreSQL())
            named |= {"database": server.address, "postgresql": server}
        made = Storm(folder, named.pop("database"), seed=seed, kills=kills, small_disk=disk is not None, **named)
        told = made.run()
        if told.lost or told.doubled or told.broken:
            kept = Path(tempfile.gettempdir()) / f"storm-{kind}-{seed}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, kept, ignore=lambda _, names: [one for one in names if one.endswith(".sock")])
            made.say(f"kept: {kept}")
        return told


def main() -> int:
    """Runs storms and prints their table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=60)
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options.add_argument("--minutes", type=float, default=1e6, help="no blows after this, however few kills")
    options.add_argument("--pages", type=int, default=40)
    options.add_argument("--most", default="", choices=["", *VICTIMS, *OTHERS], help="of this, so many times as often")
    options.add_argument("--only", nargs="*", default=[], choices=[*VICTIMS, *OTHERS], help="nothing but these")
    options.add_argument("--pause", type=float, nargs=2, default=(0.2, 1.0))
    chosen = options.parse_args()
    kinds = ["sqlite", "postgresql"] if chosen.database == "both" else [chosen.database]
    print(f"seed {chosen.seed}", flush=True)
    rows, bad = [], False
    for kind in kinds:
        told = storm(
            kind, chosen.seed, chosen.kills, pages=chosen.pages, pause=tuple(chosen.pause), minutes=chosen.minutes,
            most=chosen.most, only=chosen.only, say=lambda line: print(line, flush=True),
        )  # fmt: skip
        for name in ("lost", "doubled", "broken"):
            for one in getattr(told, name)[:20]:
                print(f"{name}: {one}", flush=True)
        print(f"{kind}: kills {dict(told.kills)}, {told.requests} requests, {told.seconds:.0f} s", flush=True)
        print("\n".join(told.times()), flush=True)
        rows.append(told.row(kind, chosen.seed))
        bad = bad or bool(told.lost or told.doubled or told.broken)
    print("| database | seed | kills | other faults | pages | lost | doubled | broken promises |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
