"""A real run over a web that wants to hurt it: what became of every page, what it cost, and what others noticed.

    PYTHONPATH=tests python tests/faults/hostile.py [--only bomb-gzip,tower] [--timeout 20] [--before 15] [--singly]

`suchlike run` first asks good hosts alone; then all of tests/faults/evilweb.py is put into its ledger, each way on a
host of its own, while the good ones go on being asked at their pace, and for a while after all of it has ended. Prints
what each way ended as, how much memory the crawler's process took more, and how many good pages came a second alone
(before and after, so that a machine that becomes busier or less so tells little) and meanwhile. With `--singly` each
way has a run of its own, and what is printed is by how much the crawler's memory grew at the most.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialling import Processes
from evilweb import LISTS, WAYS, EvilWeb, GoodWeb
from patience import PATIENCE_S, RUN_S
from working import descendants

from pipelines.records import Candidate
from pipelines.stores import Store, discovery, fates, open_store, runs
from pipelines.stores.discovery import Found

SEEDS = Path(__file__).parents[2] / "seeds" / "night-trains"
# at the pace that hosts are asked at unless somebody says otherwise
GOOD = 10
RATE = "1/1s"
# of their rate alone they keep so much beside all the others
KEPT = 0.9
# what unpacks to more than it is, in whatever file; the first does nothing, and shows what a run grows by without any
BOMBS = (
    "empty", "bomb-gzip", "bomb-br", "bomb-zstd", "bomb-deflate", "bomb-twice", "tower", "bomb-sitemap", "robots-bomb",
)  # fmt: skip
# by which the crawler may grow for one of them
BOMB_MB = 50.0
ENDED = ("stored", "duplicate", "listed")
# asks for a day between two requests
PATIENT = ("robots-delays",)
PROJECT = f"""\
[profile.hostile]
seeds = "seeds/"
[crawl]
pages = 0
rate = "{RATE}"
concurrency = 128
depth = 3
order = "breadth"
revisions = ""
[sources]
sites = {json.dumps([f"http://good{number}.test/0" for number in range(GOOD)])}
[store]
keep = "all"
[queue]
workers = 1
"""


@dataclass
class Told:
    """What came of it. `ends`: way to (fate, reason, robots verdict); good pages a second `alone` and `beside` the
    others; `good` counts those that came meanwhile, host by host."""

    ends: dict[str, tuple[str, str | None, str | None]] = field(default_factory=dict)
    alone: float = 0.0
    beside: float = 0.0
    good: Counter[str] = field(default_factory=Counter)
    grown_mb: float = 0.0
    seconds: float = 0.0
    returncode: int = 0
    summary: dict[str, Any] = field(default_factory=dict)
    errors: str = ""

    @property
    def kept(self) -> float:
        """The share of their rate that good hosts kept."""
        return self.beside / self.alone

    def unsettled(self) -> list[str]:
        """Ways that have no fate with a reason. A host that does not say what its robots.txt is waits, and may."""
        return [
            f"{name}: {end}" for name, end in self.ends.items()
            if not (end[0] in ENDED or end[1] or (end[0] == "waiting" and (end[2] == "later" or name in PATIENT)))
        ]  # fmt: skip


def attack(
    folder: Path, *, only: Collection[str] = (), timeout_s: float = 20.0, before_s: float = 15.0,
    limit_s: float = 400.0,
) -> Told:  # fmt: skip
    """One run. `timeout_s` is what the crawl gives an answer; TimeoutError where no end comes within `limit_s`."""
    ways = [name for name in WAYS if not only or name in only]
    shutil.copytree(SEEDS, folder / "seeds")
    (folder / "suchlike.toml").write_text(PROJECT)
    told = Told()
    evil = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "evilweb.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert evil.stdin is not None and evil.stdout is not None
    port = int(evil.stdout.readline())
    with evil, GoodWeb() as web, (folder / "said").open("wb") as said, (folder / "errors").open("wb") as errors:
        witness = Processes(folder, site=web.port, trap=0, timeout_s=timeout_s, other=port)
        process = subprocess.Popen(
            [sys.executable, "-m", "crawler", "-C", str(folder), "run", "--json"], stdin=subprocess.DEVNULL,
            stdout=said, stderr=errors, env={**os.environ, **witness.environment},
        )  # fmt: skip
        try:
            _observe(told, folder, process, web, ways, before_s, limit_s)
        finally:
            if process.poll() is None:
                process.kill()
            told.returncode = process.wait()
            evil.kill()
    lines = (folder / "said").read_text().splitlines()
    told.summary = json.loads(lines[-1]) if lines else {}
    told.errors = (folder / "errors").read_text()
    store = open_store(f"sqlite:///{folder / 'suchlike.db'}")
    with store.read() as connection:
        for name in ways:
            row = fates.find(connection, EvilWeb.address(name))
            end = fates.tell(connection, row) if row is not None else {"fate": "lost", "reason": None, "robots": None}
            told.ends[name] = (end["fate"], end["reason"], end["robots"])
    store.close()
    return told


def _observe(
    told: Told, folder: Path, process: subprocess.Popen[bytes], web: GoodWeb, ways: list[str], before_s: float,
    limit_s: float,
) -> None:  # fmt: skip
    _until(lambda: len(web.log) > 4 * GOOD, PATIENCE_S, process, "the crawl's beginning")
    began = time.monotonic()
    time.sleep(before_s)
    crawler = next(pid for pid, line in descendants(process.pid).items() if "crawl-worker" in line)
    at_rest = _memory_mb(crawler, "VmRSS")
    store = open_store(f"sqlite:///{folder / 'suchlike.db'}")
    with store.write() as connection:
        run = runs.latest(connection)
        assert run is not None
        found = [Found(Candidate(EvilWeb.address(name), "start", LISTS[name]), 0.9) for name in ways]  # type: ignore[arg-type]  # a Kind
        discovery.discover(connection, found, run=run.id, now=time.time())
    attacked = time.monotonic()
    _until(lambda: _all_ended(store, ways), limit_s, process, "an end of every way")
    ended = time.monotonic()
    told.seconds = ended - attacked
    told.grown_mb = _memory_mb(crawler, "VmHWM") - at_rest
    told.good = _good(web, attacked, ended)
    told.beside = told.good.total() / told.seconds
    time.sleep(before_s)
    over = time.monotonic()
    alone = _good(web, began, attacked) + _good(web, ended, over)
    told.alone = alone.total() / (attacked - began + over - ended)
    with store.write() as connection:
        runs.halt(connection, run.id, "time")
    store.close()
    process.wait(RUN_S)


def _good(web: GoodWeb, since: float, until: float) -> Counter[str]:
    came = [(at, host) for at, host, path in list(web.log) if host.startswith("good") and path[1:].isdigit()]
    return Counter(host for at, host in came if since <= at < until)


def _all_ended(store: Store, ways: list[str]) -> bool:
    """Whether nothing of the evil hosts is on its way or could be asked now."""
    query = (
        "SELECT count(*) FROM urls JOIN hosts ON hosts.id = urls.host WHERE hosts.name LIKE '%.evil.test' "
        "AND urls.state IN (0, 1, 2, 3, 4) AND NOT (urls.state = 0 AND (coalesce(hosts.robots_verdict, '') = 'later' "
        f"OR coalesce(hosts.next_at, 0) > {time.time() + 30}))"
    )
    with store.read() as connection:
        return not connection.exec_driver_sql(query).scalar()


def _memory_mb(pid: int, what: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def _until(done: Callable[[], bool], seconds: float, process: subprocess.Popen[bytes], what: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if process.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.25)


def _singly(names: Collection[str], timeout_s: float, before_s: float) -> int:
    """Prints what each costs; 1 when one of them costs more than it may."""
    worst = 0.0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="suchlike-hostile-") as folder:
            told = attack(Path(folder), only=[name], timeout_s=timeout_s, before_s=before_s)
        worst = max(worst, told.grown_mb)
        print(f"{name:<22} {told.grown_mb:6.0f} MB  {' '.join(filter(None, told.ends[name]))}", flush=True)
    return int(worst > BOMB_MB)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--timeout", type=float, default=20.0)
    parser.add_argument("--before", type=float, default=15.0)
    parser.add_argument("--singly", action="store_true")
    asked = parser.parse_args()
    if asked.singly:
        sys.exit(_singly([name for name in asked.only.split(",") if name] or BOMBS, asked.timeout, asked.before))
    with tempfile.TemporaryDirectory(prefix="suchlike-hostile-") as folder:
        told = attack(
            Path(folder), only=[name for name in asked.only.split(",") if name], timeout_s=asked.timeout,
            before_s=asked.before,
        )  # fmt: skip
    for name, (fate, reason, robots) in told.ends.items():
        print(f"{name:<22} {fate:<10} {reason or ''} {'(robots.txt: later)' if robots == 'later' else ''}")
    print(f"{len(told.ends)} ways, {told.seconds:.0f} s; without an end: {', '.join(told.unsettled()) or 'none'}")
    print(f"good pages a second: {told.alone:.2f} alone, {told.beside:.2f} beside them ({told.kept:.0%})")
    print(f"the crawler's memory grew by {told.grown_mb:.0f} MB; exit code {told.returncode}")
    if told.errors.strip():
        print(told.errors[-2000:])
    sys.exit(bool(told.unsettled()))


if __name__ == "__main__":
    main()
