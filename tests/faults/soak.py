"""A crawl that goes on and on: whether memory, open files and Redis stay as they are.

    PYTHONPATH=tests python tests/faults/soak.py [--minutes 20] [--every 5] [--rate 4/1s]

`suchlike run` crawls a web without end. Every few seconds each of its processes is asked for its memory and its open
files, and the broker for what it holds. The first quarter is warming up; from then on the median of the last quarter
may not lie above that of the second one by more than a tenth and ALLOWED.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median

import redis
from faultweb import FaultWeb
from storm import SEEDS
from working import descendants

from workers.broker import Broker

PROJECT = """\
[profile.soak]
seeds = "seeds/"
[crawl]
pages = 0
rate = "{rate}"
concurrency = 24
max_per_site = 0
max_per_template = 0
proxy = "{proxy}"
revisions = ""
[sources]
sites = {sites}
[store]
keep = "all"
[queue]
workers = 1
"""
NAMES = {"crawl-worker": "crawler", "work parse": "parse", "work dedupe": "dedupe", "work store": "store"}
# beyond a tenth: what a measure may lie above what it was. Megabytes, or open files
ALLOWED = {"MB": 8.0, "files": 4.0}


@dataclass
class Soak:
    """What was measured: by name, `(seconds, value)`."""

    seen: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    pages: list[tuple[float, int]] = field(default_factory=list)

    def table(self) -> list[str]:
        """A line each: name, second quarter, last quarter, slope an hour, and whether it is flat."""
        lines = ["| measure | second quarter | last quarter | an hour | flat |", "|---|---|---|---|---|"]
        for name, values in sorted(self.seen.items()):
            before, after, slope = self._quarters(values)
            lines.append(
                f"| {name} | {before:.1f} | {after:.1f} | {slope:+.1f} | {'yes' if self._flat(name) else 'NO'} |"
            )
        return lines

    def rising(self) -> list[str]:
        """The names of what is not flat."""
        return [name for name in sorted(self.seen) if not self._flat(name)]

    def _flat(self, name: str) -> bool:
        before, after, _ = self._quarters(self.seen[name])
        return after <= 1.1 * before + ALLOWED[name.rpartition(", ")[2]]

    def _quarters(self, values: list[tuple[float, float]]) -> tuple[float, float, float]:
        end = values[-1][0]
        warm = [(at, value) for at, value in values if at >= end / 4]
        first = [value for at, value in warm if at < end / 2]
        last = [value for at, value in warm if at >= 3 * end / 4]
        slope = linear_regression([at for at, _ in warm], [value for _, value in warm]).slope
        return median(first or [values[0][1]]), median(last), 3600 * slope


def soak(
    folder: Path, *, minutes: float, every_s: float = 5.0, rate: str = "4/1s", say: Callable[[str], None] = print
) -> Soak:
    """Crawls for so long and measures. The web has 12 hosts, each asked at `rate`."""
    told = Soak()
    shutil.copytree(SEEDS, folder / "seeds")
    with FaultWeb(10_000_000) as web:
        said = PROJECT.format(proxy=web.url, sites=json.dumps(web.starts(1)), rate=rate)
        (folder / "suchlike.toml").write_text(said, encoding="utf-8")
        with (folder / "run.log").open("wb") as log:
            run = subprocess.Popen(
                [sys.executable, "-m", "crawler", "-C", str(folder), "--quiet", "run", "--no-web"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            _measure(told, folder, run, minutes, every_s, say)
        finally:
            if run.poll() is None:
                run.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.wait(60)
            if run.poll() is None:
                run.kill()
    return told


def _measure(
    told: Soak, folder: Path, run: subprocess.Popen[bytes], minutes: float, every_s: float, say: Callable[[str], None]
) -> None:
    began, looks = time.monotonic(), 0
    while (at := time.monotonic() - began) < 60 * minutes:
        assert run.poll() is None, (folder / "run.log").read_text(errors="replace")[-2000:]
        for pid, name in {run.pid: "conductor", **_processes(run.pid)}.items():
            with contextlib.suppress(OSError, StopIteration):  # it ended just now
                told.seen[f"{name}, MB"].append((at, _memory_mb(pid)))
                told.seen[f"{name}, files"].append((at, len(list(Path(f"/proc/{pid}/fd").iterdir()))))
        with contextlib.suppress(redis.RedisError, OSError), _broker(folder) as client:
            told.seen["what Redis holds, MB"].append((at, client.info("memory")["used_memory"] / 1e6))
        told.pages.append((at, _pages(folder)))
        looks += 1
        if looks % 24 == 0:
            say(f"{at:.0f} s, {told.pages[-1][1]} pages; rising: {', '.join(told.rising()) or 'nothing'}")
        time.sleep(every_s)


def _broker(folder: Path) -> contextlib.closing[redis.Redis]:
    return contextlib.closing(redis.Redis.from_url(Broker(folder).address, socket_timeout=2))


def _processes(pid: int) -> dict[int, str]:
    """The conductor's children; a batch's own process is gone before it matters."""
    found, named = {}, set[str]()
    for child, line in sorted(descendants(pid).items()):
        name = next((name for mark, name in NAMES.items() if line.endswith(mark) or f" {mark} " in line), None)
        if name is not None and name not in named:
            named.add(name)
            found[child] = name
    return found


def _memory_mb(pid: int) -> float:
    """What a process has written to, or inherited and may still write to. Counted whole: its share of what it has in
    common with others falls while a batch is under way in a child, and grows when one of them ends."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1000


def _pages(folder: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{folder / 'suchlike.db'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM urls WHERE state > 4").fetchone()[0])
    except sqlite3.Error:
        return 0


def main() -> int:
    """Prints the table; 1 when something rises."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=20.0)
    options.add_argument("--every", type=float, default=5.0)
    options.add_argument("--rate", default="4/1s")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="suchlike-soak-") as folder:
        told = soak(
            Path(folder), minutes=chosen.minutes, every_s=chosen.every, rate=chosen.rate,
            say=lambda line: print(line, flush=True),
        )  # fmt: skip
    print(f"{chosen.minutes:g} minutes, {told.pages[-1][1]} pages")
    print("\n".join(told.table()))
    return int(bool(told.rising()))


if __name__ == "__main__":
    sys.exit(main())
