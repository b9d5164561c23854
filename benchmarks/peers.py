"""The whole way of a page, fetch to store, beside what others would use: CPU a page on the same generated news web.

    python benchmarks/peers.py [--rounds 5] [--pages 5000] [--hosts 200] [--out docs] [--peers FOLDER] [--only WORD ...]

In every round each contender crawls the whole of `news_web.py` once, in turn, from its home pages by its links
(news-please, which has no such crawl as a library, is given the addresses): fetches, extracts, decides, and stores with
a full-text index. CPU seconds are those of all of a contender's processes, its broker's too, and not the web server's.
What a contender costs before its first page is measured on a web of 50 pages and given apart. What is slow crawls a
smaller web, and stands beside our own crawl of that one. Peers come from PyPI, each into an environment of its own
under --peers; one that cannot be installed is named so. What is known is written after every round.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.contenders import PEERS, Made, Web, environment, ours, theirs
from benchmarks.machine import machine
from benchmarks.news_web import make

SMALL_PAGES, SMALL_HOSTS = 50, 5
SLOWER = 5
MATCHES, ALL = "suchlike, keep matches", "suchlike, keep all"
PLAIN, BUILD = PEERS[0].name, PEERS[-1].name
# how many times less CPU a page is asked for, beyond the start
ASKED = ((MATCHES, PLAIN, 5.0), (MATCHES, "", 3.0), (MATCHES, BUILD, 20.0), (ALL, PLAIN, 1.5), (ALL, BUILD, 8.0))
SLOW = frozenset(peer.name for peer in PEERS if peer.slow)
# figures of each run: `name -> size -> one a round`; sizes are `small`, `large`, and `fewer` for what is slow
Ran = dict[str, dict[str, list[dict[str, Any]]]]


def one_round(ran: Ran, webs: dict[str, Web], made: dict[str, Made], scratch: Path) -> None:
    """Every contender once on each web it crawls; ours on the fewer pages too, where a slow one does."""
    peers = [peer for peer in PEERS if peer.name in made and made[peer.name].python]
    for size in ("small", "fewer", "large"):
        runs: dict[str, Callable[[Path], dict[str, Any]]] = {}
        if size != "fewer" or any(peer.slow for peer in peers):
            runs = {MATCHES: partial(ours, webs[size], "matches"), ALL: partial(ours, webs[size], "all")}
        for peer in peers:
            python = made[peer.name].python
            if python and size in ("small", _most(peer.name)):
                runs[peer.name] = partial(theirs, peer, python, webs[size])
        for name, run in runs.items():
            with tempfile.TemporaryDirectory(dir=scratch, prefix="run-") as folder:
                found = run(Path(folder))
            ran.setdefault(name, {}).setdefault(size, []).append(found)
            print(f"{size}: {name}: {found}", file=sys.stderr, flush=True)


def _most(name: str) -> str:
    """The largest web that a contender crawls."""
    return "fewer" if name in SLOW else "large"


def summary(ran: Ran) -> dict[str, Any]:
    """Of each contender: CPU milliseconds a page, with its start and beyond it, and what that is of ours.

    Both sides of a ratio crawled the same web, so that a start is spread over as many pages.
    """
    told: dict[str, Any] = {}
    for name, sizes in ran.items():
        most = sizes[_most(name)]
        told[name] = {
            "pages": most[0]["pages"], "kept": median(one["kept"] for one in most),
            "words_an_article": round(median(one["words"] / one["kept"] for one in most)),
            "start_cpu_s": median(one["cpu_s"] for one in sizes["small"]),
            "memory_mb": median(one["memory_mb"] for one in most),
            "wall_ms_a_page": round(median(1000 * one["wall_s"] / one["pages"] for one in most), 1),
            **_costs(sizes, _most(name)),
            "times_ours": {
                f"{mine}, {way}": _spread(_costs(sizes, _most(name))[way], _costs(ran[mine], _most(name))[way])
                for mine in (MATCHES, ALL)
                for way in ("beyond", "whole")
            },
        }  # fmt: skip
    return told


def _costs(sizes: dict[str, list[dict[str, Any]]], most: str) -> dict[str, list[float]]:
    """CPU milliseconds a page of each round, on the web called `most`: as a whole, and beyond the small one."""
    pairs = list(zip(sizes["small"], sizes[most], strict=True))
    return {
        "whole": [round(1000 * b["cpu_s"] / b["pages"], 2) for _, b in pairs],
        "beyond": [round(1000 * (b["cpu_s"] - a["cpu_s"]) / (b["pages"] - a["pages"]), 2) for a, b in pairs],
    }


def _spread(theirs_: list[float], ours_: list[float]) -> list[float]:
    """Median, lowest and highest of the ratios, each within a round."""
    each = [a / b for a, b in zip(theirs_, ours_, strict=True)]
    return [round(median(each), 2), round(min(each), 2), round(max(each), 2)]


def processes(ran: Ran) -> dict[str, dict[str, list[float]]]:
    """Of each of ours: process -> CPU ms a page beyond the start, and the most memory of one (MB); medians."""
    told: dict[str, dict[str, list[float]]] = {}
    nothing = [0.0, 0.0]
    for name in (MATCHES, ALL):
        for kind in dict.fromkeys(kind for one in ran[name]["large"] for kind in one["processes"]):
            costs, memory = [], []
            for few, many in zip(ran[name]["small"], ran[name]["large"], strict=True):
                (begun, _), (spent, held) = (one["processes"].get(kind, nothing) for one in (few, many))
                costs.append(1000 * (spent - begun) / (many["pages"] - few["pages"]))
                memory.append(held)
            told.setdefault(name, {})[kind] = [round(median(costs), 2), median(memory)]
    return told


def spent_where(told: dict[str, dict[str, list[float]]]) -> list[str]:
    """The lines that tell in which processes the CPU of a page goes."""
    lines = ["", "Where it goes, beyond the start: the share of each process, and the most memory (RSS) one of them "
             "held. What parts cost is told below.", "",
             f"| process | {MATCHES} | memory (MB) | {ALL} | memory (MB) |", "|---|---|---|---|---|"]  # fmt: skip
    whole = {name: sum(each[0] for each in kinds.values()) for name, kinds in told.items()}
    for kind in told[MATCHES]:
        cells = [
            cell
            for name in (MATCHES, ALL)
            for cell in (f"{100 * told[name][kind][0] / whole[name]:.0f} %", f"{told[name][kind][1]:.0f}")
        ]
        lines.append("| " + " | ".join([kind, *cells]) + " |")
    return lines


def asked(told: dict[str, Any]) -> list[str]:
    """What was asked for and what came of it; no name stands for the fastest peer."""
    peers = [name for name in told if name not in (MATCHES, ALL)]
    lines = ["", "Asked for, beyond the start:", ""]
    for mine, name, least in ASKED:
        ratios = {peer: told[peer]["times_ours"][f"{mine}, beyond"][0] for peer in peers}
        peer = name or min(ratios, key=lambda each: ratios[each], default="")
        if peer in ratios:
            verdict = "reached" if ratios[peer] >= least else "not reached"
            lines.append(f"- {mine}: {least:g} times less than {peer}: {ratios[peer]:g}, {verdict}")
    return lines


def report(result: dict[str, Any]) -> list[str]:
    """The lines of performance.md."""
    told = result["contenders"]
    lines = [
        "## The whole way of a page, beside peers", "",
        f"`python benchmarks/peers.py`, {result['date']}: {result['rounds']} round(s), in each of which every "
        f"contender crawls a generated news web of {result['pages']:,} pages on {result['hosts']} hosts once, in turn; "
        "what is slow, a smaller one. A page has about 60 KB (median) and 118 links; a fifth of the articles is on "
        "topic. The numbers are times the CPU that suchlike spends a page: the median of the rounds, lowest and "
        f"highest. *Beyond the start* leaves out what a crawl of {SMALL_PAGES} pages costs. Peers keep every article.",
        "",
        f"| | pages | kept | words an article | ÷ {MATCHES}: beyond the start | with it | ÷ {ALL}: beyond the start | "
        "with it | memory (MB) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, one in told.items():
        ratios = ["{:g} ({:g} to {:g})".format(*ratio) if ratio else "-" for ratio in one["times_ours"].values()]
        cells = [name, f"{one['pages']:,}", f"{one['kept']:.0f}", one["words_an_article"], *ratios]
        lines.append("| " + " | ".join(map(str, [*cells, f"{one['memory_mb']:.0f}"])) + " |")
    if None in (ratio for one in told.values() for ratio in one["times_ours"].values()):
        beside = "suchlike was not yet measured on as few pages, and a start weighs more on few than on many (-)"
    else:
        beside = "what crawled fewer pages stands beside a crawl of suchlike's of as many"
    lines += ["", f"*With it*: {beside}."]
    lines += asked(told)
    lines += spent_where(result["processes"])
    versions = {name: value for made in result["peers"].values() for name, value in made["versions"].items()}
    lines += ["", "Peers: " + ", ".join(f"{name} {value}" for name, value in versions.items()) + "."]
    lines += ["", "trafilatura's crawler looks for links on home pages only, and news-please is given the addresses; "
              "the others look on every page. None of the peers judges likeness, looks for near-copies across the "
              "store (but the build does) or archives."]  # fmt: skip
    lines += [f"{name} could not be installed: {m['why_not']}." for name, m in result["peers"].items() if m["why_not"]]
    facts = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    return [*lines, "", f"Machine: {facts}. Other work may have run on it at the same time.", ""]


def main() -> None:
    """Runs, prints, writes."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--pages", type=int, default=5000)
    options.add_argument("--hosts", type=int, default=200)
    options.add_argument("--out", type=Path, help="a folder for peers.json")
    options.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir()) / "suchlike-peers")
    options.add_argument("--only", nargs="*", help="peers whose scripts have these words in their names")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen.peers.mkdir(parents=True, exist_ok=True)
    wanted = [p for p in PEERS if chosen.only is None or any(word in p.script for word in chosen.only)]
    made = {peer.name: environment(peer, chosen.peers) for peer in wanted}
    sizes = {"small": (SMALL_PAGES, SMALL_HOSTS), "large": (chosen.pages, chosen.hosts),
             "fewer": (chosen.pages // SLOWER, max(1, chosen.hosts // SLOWER))}  # fmt: skip
    ran: Ran = {}
    with tempfile.TemporaryDirectory(prefix="suchlike-peers-") as held:
        webs = {name: Web(Path(held) / name, pages) for name, (pages, _) in sizes.items()}
        for name, (pages, hosts) in sizes.items():
            make(webs[name].file, pages, hosts)
        for number in range(chosen.rounds):
            one_round(ran, webs, made, Path(held))
            result = {
                "date": datetime.now(UTC).date().isoformat(), "machine": machine(), "rounds": number + 1,
                "pages": chosen.pages, "hosts": chosen.hosts,
                "peers": {name: {"versions": m.versions, "why_not": m.why_not} for name, m in made.items()},
                "contenders": summary(ran), "processes": processes(ran),
            }  # fmt: skip
            if chosen.out:
                chosen.out.mkdir(parents=True, exist_ok=True)
                (chosen.out / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(report(result)))


if __name__ == "__main__":
    main()
