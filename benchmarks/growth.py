"""Does a long crawl stay as small and as fast as it began? Memory and time per page over a generated web.

    python benchmarks/growth.py [--pages 20000] [--mode inline] [--mode workers] [--out docs]

Crawls `endless_web.py` with every page kept, once with the stages inside the crawler (`inline`), once through the
broker with two extraction processes (`workers`), and samples every process. Prints JSON and, with --out, writes
growth.json (plot data) and growth.md (the figures as ratios) there; ends with 1 when a crawl fetched fewer than asked.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.crawls import CONFIG, ROOT, begin, served, sow
from benchmarks.endless_web import HOSTS, host
from benchmarks.machine import machine
from crawler.running.processes import NURSERY

ARTICLES = 100_000
# a window is a hundredth of the crawl, or this many pages
WINDOW = 1_000
# the ratios compare the last window with the one after this many pages; memory is measured from there
WARM_PAGES, SETTLED_PAGES = 2_000, 5_000
# counting a million rows takes a while: samples lie so far apart that this share of a core does it
LOOKING_SHARE = 0.02
PLOTTED = 600
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MODES = {
    "inline": "*inline* runs every stage inside the crawler", "workers": "*workers* is `suchlike run --workers 2`",
}  # fmt: skip
ROLES = {
    "crawl-worker": "crawler", "dedupe": "dedupe", "store": "store", "parse": "parse", "run": "conductor",
    NURSERY: "nursery", "valkey-server": "broker",
}  # fmt: skip


@dataclass(slots=True)
class Sample:
    """One look: pages so far, and of each process its resident memory and the CPU time it has used."""

    at_s: float
    fetched: int
    stored: int
    rss_mb: dict[str, float]
    cpu_s: dict[str, float]


# looking at processes and the ledger


def tree(root: int) -> Iterator[tuple[int, str]]:
    """The process `root` and what it started, as `(pid, role)`; not the forks in which parse works."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # a forked process has its name in one piece
            line = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            commands[int(folder.name)] = [Path(word).name for word in line.split()]
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
    ours = [root]
    for pid in ours:
        ours += [child for child, parent in parents.items() if parent == pid]
        words = commands.get(pid, [""])
        role = next((role for word, role in ROLES.items() if word in words), None)
        if role and words != commands.get(parents.get(pid, 0)):
            yield pid, role


def usage(pid: int, role: str) -> tuple[float, float]:
    """Resident memory in MB and CPU seconds; a parse worker's finished forks count as its own."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[11:15]
    return resident / 1024, sum(map(int, ticks[: 4 if role.startswith("parse") else 2])) / TICKS_PER_S


def pages(database: Path) -> tuple[int, int]:
    """Pages fetched, and articles that have reached their end; none before there are tables."""
    ends = "SELECT state, count(*) FROM urls WHERE run = 1 AND kind = 0 AND state BETWEEN 2 AND 8 GROUP BY state"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'urls'").fetchone():
            return 0, 0
        counts = dict(connection.execute(ends).fetchall())
    return sum(counts.values()), sum(counts.get(state, 0) for state in (5, 6, 7, 8))


def look(root: int, database: Path, began: float) -> Sample:
    """A sample of now."""
    fetched, stored = pages(database) if database.exists() else (0, 0)
    sample = Sample(round(time.monotonic() - began, 2), fetched, stored, {}, {})
    for pid, role in tree(root):
        name = next(n for n in (role, *(f"{role}-{k}" for k in range(2, 9))) if n not in sample.rss_mb)
        try:
            resident, cpu = usage(pid, role)
        except (OSError, StopIteration):
            continue
        sample.rss_mb[name], sample.cpu_s[name] = round(resident, 1), round(cpu, 2)
    return sample


# one crawl


def crawl(mode: str, number: int, folder: Path) -> list[Sample]:
    """Crawls `number` pages in `folder`, sampling."""
    sow(folder)
    with served("endless_web.py", "--articles", str(max(number, ARTICLES))) as proxy:
        sites = ", ".join(f'"http://{host(each)}/"' for each in range(HOSTS))
        (folder / "suchlike.toml").write_text(CONFIG.format(pages=number, proxy=proxy, sites=sites, keep="all"))
        arguments = [*begin(folder), "--inline"] if mode == "inline" else ["-q", "run", "--workers", "2"]
        command = [sys.executable, "-m", "crawler", "-C", str(folder), *arguments]
        samples: list[Sample] = []
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
        try:
            while process.poll() is None:
                started = time.monotonic()
                samples.append(look(process.pid, folder / "suchlike.db", began))
                took = time.monotonic() - started
                if len(samples) > 1:  # what a process that has ended used stays used
                    samples[-1].cpu_s = {**samples[-2].cpu_s, **samples[-1].cpu_s}
                time.sleep(min(60.0, max(1.0, took / LOOKING_SHARE)))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if not samples or samples[-1].fetched < min(number, 2 * SETTLED_PAGES):
        raise SystemExit(f"{mode}: the crawl ended early, with code {process.returncode}")
    return samples


def stored_bytes(folder: Path) -> dict[str, int]:
    """Bytes that the crawl left on disk, by what holds them."""

    def size(pattern: str) -> int:
        return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())

    return {"database": size("suchlike.db*"), "archive": size("warc/**/*")}


# what the samples say


def at_page(samples: list[Sample], count: str, wanted: int, value: Any) -> float:
    """`value(sample)` when `count` (fetched, stored) was `wanted`, between the two samples next to it."""
    counts = [getattr(sample, count) for sample in samples]
    after = min(max(1, bisect_left(counts, wanted)), len(samples) - 1)
    a, b = samples[after - 1], samples[after]
    share = (wanted - counts[after - 1]) / max(1, counts[after] - counts[after - 1])
    return float(value(a) + (value(b) - value(a)) * min(1.0, max(0.0, share)))


def per_page(samples: list[Sample], role: str, window: int) -> list[float]:
    """CPU milliseconds per page in windows of `window` pages; `wall` for the time on the clock."""
    count = "fetched" if role in ("crawler", "conductor") else "stored"

    # a fork shows up beside its worker, and then again in what the worker waited for: only the highest sum is true
    highest: dict[int, float] = {}
    top = 0.0
    for one in samples:
        top = max(top, sum(v for k, v in one.cpu_s.items() if k.startswith(role)))
        highest[id(one)] = top

    def used(sample: Sample) -> float:
        return sample.at_s if role == "wall" else highest[id(sample)]

    ends = range(0, getattr(samples[-1], count) + 1, window)
    marks = [at_page(samples, count, end, used) for end in ends]
    return [round((b - a) * 1000 / window, 2) for a, b in pairwise(marks)]


def figures(samples: list[Sample]) -> dict[str, Any]:
    """The demands as ratios, and the windows they come from."""
    roles = sorted({name.partition("-")[0] for sample in samples for name in sample.cpu_s})
    total = samples[-1].fetched
    window = max(WINDOW, total // 100)
    windows = {role: per_page(samples, role, window) for role in [*roles, "wall"]}
    settled = SETTLED_PAGES if total > 2 * SETTLED_PAGES else total // 3
    warm = max(1, WARM_PAGES // window) if total > 2 * WARM_PAGES else 1
    later = [sample for sample in samples if sample.fetched >= settled]
    grown = {}
    for name in later[0].rss_mb:
        held = [sample.rss_mb[name] for sample in later if name in sample.rss_mb]
        grown[name] = round(max(held) - held[0], 1)
    return {
        "pages": total, "seconds": samples[-1].at_s, "settled_pages": settled, "rss_mb_growth": grown,
        "window_pages": window, "compared_pages": warm * window,
        "rss_mb_peak": {n: max(s.rss_mb.get(n, 0.0) for s in samples) for n in later[0].rss_mb},
        "time_per_page_ratio": {r: round(w[-1] / w[warm], 2) for r, w in windows.items() if len(w) > warm and w[warm]},
        "cpu_ms_per_page": {r: round(sum(w[warm:]) / len(w[warm:]), 2) for r, w in windows.items() if w[warm:]},
        "windows_ms_per_page": windows,
    }  # fmt: skip


def report(result: dict[str, Any]) -> str:
    """growth.md."""
    lines = [
        "# Does a long crawl stay as it began?", "",
        f"`python benchmarks/growth.py`, {result['date']}: a generated web of {result['articles']:,} articles on "
        f"{HOSTS} hosts, every page kept, served by one loopback proxy. "
        f"{'; '.join(MODES[mode] for mode in result['modes'])}. The plot data are in growth.json.", "",
        "| | " + " | ".join(result["modes"]) + " |", "|---|" + "---|" * len(result["modes"]),
    ]  # fmt: skip
    modes = list(result["modes"].values())

    def row(label: str, cells: list[Any]) -> None:
        lines.append(f"| {label} | " + " | ".join("-" if cell is None else str(cell) for cell in cells) + " |")

    row("pages fetched", [f"{m['pages']:,}" for m in modes])
    row("a window: so many pages; the early one begins after as many",
        [f"{m['window_pages']:,}; {m['compared_pages']:,}" for m in modes])  # fmt: skip
    for what in ("database", "archive"):
        row(f"{what}: bytes per page", [f"{m['bytes_per_page'][what]:,}" for m in modes])
    row("crawler: memory grown after the first pages (MB; demand: below 100)",
        [f"{m['rss_mb_growth'].get('crawler')} after {m['settled_pages']:,}" for m in modes])  # fmt: skip
    roles = sorted({role for m in modes for role in m["time_per_page_ratio"]} - {"wall"})
    for role in [*roles, "wall"]:
        kind = "time on the clock" if role == "wall" else f"{role}: CPU"
        row(f"{kind} per page, last window ÷ early window", [m["time_per_page_ratio"].get(role) for m in modes])
    for role in roles:
        row(f"{role}: CPU ms per page", [m["cpu_ms_per_page"].get(role) for m in modes])
    names = sorted({name for m in modes for name in m["rss_mb_peak"]})
    for name in names:
        row(f"{name}: highest memory (MB)", [m["rss_mb_peak"].get(name) for m in modes])
    facts = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    lines += [
        "",
        f"Machine: {facts}. Other work ran on it at the same time: parse does the "
        "same work for every page, so its ratio is what that other work alone made of one.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Runs, prints, writes."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pages", type=int, default=20_000)
    options.add_argument("--mode", action="append", choices=tuple(MODES))
    options.add_argument("--out", type=Path)
    options.add_argument("--folder", type=Path, help="keep the projects here")
    chosen = options.parse_args()
    # asked to stop, it stops what it started too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    result: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat(), "machine": machine(), "modes": {}}
    result["articles"] = max(chosen.pages, ARTICLES)
    plots, early = {}, False
    with tempfile.TemporaryDirectory(prefix="suchlike-growth-") as scratch:
        for mode in chosen.mode or MODES:
            folder = (chosen.folder or Path(scratch)) / mode
            samples = crawl(mode, chosen.pages, folder)
            fetched = samples[-1].fetched
            early |= fetched < chosen.pages * 0.95
            each = {what: size // fetched for what, size in stored_bytes(folder).items()}
            result["modes"][mode] = {**figures(samples), "bytes_per_page": each}
            plots[mode] = [asdict(sample) for sample in samples[:: 1 + len(samples) // PLOTTED]]
    print(json.dumps(result, indent=1))
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        (chosen.out / "growth.json").write_text(json.dumps({**result, "samples": plots}) + "\n")
        (chosen.out / "growth.md").write_text(report(result))
    if early:
        raise SystemExit("a crawl ended early")


if __name__ == "__main__":
    main()
