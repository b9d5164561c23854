"""Every benchmark that compares, at a small size, into docs/performance.md: `make bench`.

    python benchmarks/all.py [--rounds 5] [--pages 5000] [--hosts 200] [--part-pages 200] [--out docs] [--skip peers]

Runs `parts.py`, `wholes.py` and `peers.py` (or takes the peers' figures from the performance.json that is there:
`--skip peers`), and writes performance.json, performance.md and performance.svg as far as it has come. What long crawls
cost is in growth.md (`growth.py`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import parts, wholes
from benchmarks.contenders import Web
from benchmarks.crawls import ROOT
from benchmarks.machine import machine
from benchmarks.news_web import make
from benchmarks.parts import Line
from benchmarks.peers import ALL, MATCHES, report

PAGES_A_HOST = 25
WIDTH, ROW, LEFT = 760, 30, 210


def measured(rounds: int, pages: int) -> Iterator[list[Line]]:
    """The lines of every case, on a web of so many pages, as soon as there are more."""
    with tempfile.TemporaryDirectory(prefix="suchlike-bench-") as held:
        web = Web(Path(held) / "web", pages)
        make(web.file, pages, max(2, pages // PAGES_A_HOST))
        found: list[Line] = []
        for case in (*parts.CASES, *wholes.CASES):
            print(case.__name__, file=sys.stderr, flush=True)
            found += case(web, rounds)
            yield found


def picture(contenders: dict[str, Any]) -> str:
    """Bars of CPU a page, beyond the start, as SVG: how many times that of suchlike."""
    each = {name: one["times_ours"][f"{MATCHES}, beyond"][0] for name, one in contenders.items()}
    most, tall = max(each.values()), ROW * len(each) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" font-family="sans-serif" '
        'font-size="13">',
        f'<rect width="{WIDTH}" height="{tall}" fill="#fff"/>',
        '<text x="10" y="20" font-weight="bold">CPU a page, times that of suchlike with its gate</text>',
    ]
    for at, (name, times) in enumerate(each.items()):
        y, long = 34 + at * ROW, max(2.0, (WIDTH - LEFT - 70) * times / most)
        colour = "#c0392b" if name in (MATCHES, ALL) else "#7f8c8d"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(name)}</text>')
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{long:.0f}" height="{ROW - 8}" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + long + 6:.0f}" y="{y + 16}">{times:g}</text>')
    return "\n".join([*parts, "</svg>\n"])


def page(result: dict[str, Any], lines: list[Line]) -> str:
    """performance.md."""
    facts = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    return "\n".join([
        "# What a page costs", "",
        f"Made by `python benchmarks/all.py --rounds {result['rounds']} --pages {result['peers']['pages']} --hosts "
        f"{result['peers']['hosts']} --part-pages {result['part_pages']}` (`make bench`). "
        "CPU times are ratios taken within a round, never of two runs; other work may have run on the machine at the "
        "same time, which the spread shows. How a crawl fares as it grows is in [growth.md](growth.md).", "",
        "![CPU a page beside peers](performance.svg)", "",
        *report(result["peers"]),
        "## The parts", "",
        f"`python benchmarks/all.py`, {result['date']}: {result['rounds']} rounds on {result['part_pages']} pages of "
        "the same web. Median, lowest and highest. datasketch and rensa stand here only where they are installed.", "",
        "| what | beside | figure |", "|---|---|---|", *(line.shown() for line in lines),
        "", f"Machine: {facts}.", "",
    ])  # fmt: skip


def main() -> None:
    """Runs, writes."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--pages", type=int, default=5000)
    options.add_argument("--hosts", type=int, default=200)
    options.add_argument("--part-pages", type=int, default=200)
    options.add_argument("--out", type=Path, default=ROOT / "docs")
    options.add_argument("--skip", choices=("peers",))
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        told = chosen.out / "performance.json"
        if chosen.skip is None:
            command = [sys.executable, str(ROOT / "benchmarks" / "peers.py"), "--rounds", str(chosen.rounds), "--pages",
                       str(chosen.pages), "--hosts", str(chosen.hosts), "--out", scratch]  # fmt: skip
            subprocess.run(command, check=True)
            peers = json.loads((Path(scratch) / "peers.json").read_text())
        else:
            peers = json.loads(told.read_text())["peers"]
    result = {
        "date": datetime.now(UTC).date().isoformat(), "machine": machine(), "rounds": chosen.rounds, "peers": peers,
        "part_pages": chosen.part_pages,
    }  # fmt: skip
    # after the peers and after each case, so that one that fails costs only itself
    for lines in itertools.chain([[]], measured(chosen.rounds, chosen.part_pages)):
        told.write_text(json.dumps(result | {"parts": [asdict(line) for line in lines]}, indent=1) + "\n")
        (chosen.out / "performance.md").write_text(page(result, lines))
        (chosen.out / "performance.svg").write_text(picture(peers["contenders"]))


if __name__ == "__main__":
    main()
