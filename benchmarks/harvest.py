"""How much of a subject a crawl finds within its budget, by order of the frontier, on a recorded web.

    python benchmarks/harvest.py --web ../shared/data/web/pages.jsonl.gz [--subjects 28] [--pages 200] [--real]
    python benchmarks/harvest.py --web demo --start starts --pages 500

WEB is what `recorded_web.py` reads. A subject's seeds are the texts of some of its pages. The crawl starts at them
(`seeds`), at five pages about other things (`off`), or where the web itself says that a reader begins (`starts`), and
judges pages by their likeness alone: labels are only looked at in the end. The orders are walked in memory; with
--real, ours also by the real crawler: Scrapy, the ledger and its leases, fetching through a forward proxy.

Prints, averaged over subjects and draws: recall at the cuts, the area under its curve up to the budget, and for each
other order the ratio of recall at the budget. A seed's page counts neither as found nor as to be found where the crawl
starts elsewhere. With --out, writes the figures as JSON and the curves as a picture (SVG).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.curves import picture
from benchmarks.growth import ROOT, begin
from benchmarks.orders import Fixed, Focused, Judge, Order, simulate
from benchmarks.recorded_web import Recorded, Web, read
from benchmarks.waiting import until_served
from crawler.frontier import focus as focus_settings
from pipelines import urls as identity
from pipelines.likeness.profile import Profile

ORDERS = ("focus", "shark", "best-first", "breadth", "random")
STARTS = ("seeds", "off", "starts")
OFF_PAGES = 5
_CONFIG = """\
[profile.harvest]
seeds = "seeds/"

[crawl]
pages = {pages}
rate = "1000/1s"
proxy = "{proxy}"
roam = false

[sources]
sites = [{sites}]
"""


def draws(
    web: Web, subjects: list[str], seeds: int, number: int
) -> Iterator[tuple[str, list[Recorded], random.Random]]:
    """Each subject with its seeds, `number` times."""
    for subject in subjects:
        members = [page for page in web.values() if subject in page.labels]
        for draw in range(number):
            chance = random.Random(f"{subject}/{draw}")
            yield subject, chance.sample(members, seeds), chance


def judged_by(profile: Profile) -> Judge:
    """Likeness as the crawler's gate sees it, each page once."""
    known: dict[str, float] = {}

    def judge(page: Recorded) -> float:
        if page.url not in known:
            words = " ".join(identity.words_of(page.url))
            known[page.url] = profile.quick(f"{page.title}\n{page.text}\n{words}", "en")
        return known[page.url]

    return judge


def really(name: str, seeds: Sequence[Recorded], starts: Sequence[str], pages: int) -> list[str]:
    """The URLs fetched, in order, by the real crawler; no stage follows, so the judgement stays the first one."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="suchlike-harvest-")))
        (folder / "seeds").mkdir()
        for number, page in enumerate(seeds):
            record = {"title": page.title, "text": page.text, "language": "en"}
            (folder / "seeds" / f"{number}.json").write_text(json.dumps(record), encoding="utf-8")
        web = [sys.executable, str(ROOT / "benchmarks" / "recorded_web.py"), name]
        proxy = stack.enter_context(subprocess.Popen(web, stdout=subprocess.PIPE, text=True))
        stack.callback(proxy.terminate)
        assert proxy.stdout is not None
        sites = ", ".join(f'"{url}"' for url in starts)
        config = _CONFIG.format(pages=pages, proxy=proxy.stdout.readline().strip(), sites=sites)
        (folder / "suchlike.toml").write_text(config, encoding="utf-8")
        me = [sys.executable, "-m", "crawler", "-C", str(folder), "-q"]
        arguments = begin(folder)
        broker = stack.enter_context(subprocess.Popen([*me, "broker"], cwd=ROOT, stdin=subprocess.DEVNULL))
        stack.callback(broker.terminate)
        until_served(folder)
        subprocess.run([*me, *arguments], cwd=ROOT, check=True, env=dict(os.environ))
        with sqlite3.connect(folder / "suchlike.db") as connection:
            query = "SELECT url FROM urls WHERE kind = 0 AND fetched_at IS NOT NULL ORDER BY fetched_at, id"
            return [url for (url,) in connection.execute(query)]


def curve(web: Web, fetched: list[str], subject: str, known: frozenset[str], pages: int) -> list[float]:
    """The share of the subject's pages found after each fetch."""
    wanted = {page.url for page in web.values() if subject in page.labels} - known
    hits = np.cumsum([url in wanted for url in fetched] + [0] * (pages - len(fetched)))
    return [float(hit) / len(wanted) for hit in hits[:pages]]


def chosen_by(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--web", required=True)
    options.add_argument("--subject", action="append", help="may be repeated; default: the first --subjects of all")
    options.add_argument("--subjects", type=int, default=10)
    options.add_argument("--skip", type=int, default=0, help="subjects to pass over, to check on others")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--draws", type=int, default=1)
    options.add_argument("--pages", type=int, default=200)
    options.add_argument("--cut", type=int, action="append", help="may be repeated; default: 50, 100 and the budget")
    options.add_argument("--order", action="append", choices=ORDERS)
    options.add_argument("--start", action="append", choices=STARTS)
    options.add_argument("--real", action="store_true")
    options.add_argument("--out", type=Path, help="a file name without its ending")
    options.add_argument(
        "--settings", action="append", default=[], help="a constant of crawler.frontier.focus, NAME=JSON"
    )
    return options.parse_args(arguments)


def measure(chosen: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """Start -> order -> the mean curve of recall."""
    for setting in chosen.settings:
        name, _, value = setting.partition("=")
        setattr(focus_settings, name, json.loads(value))
    web = read(chosen.web)
    every = sorted({label for page in web.values() for label in page.labels})
    # every second or third of the alphabet, so that neighbours in it do not go together
    spread = [label for step in range(3) for label in every[step::3]]
    subjects = chosen.subject or spread[chosen.skip : chosen.skip + chosen.subjects]
    found: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for subject, seeds, chance in draws(web, subjects, chosen.seeds, chosen.draws):
        profile = Profile.learn([(page.url, page.title, page.text, "en") for page in seeds])
        judge = judged_by(profile)
        elsewhere = chance.sample([page.url for page in web.values() if subject not in page.labels], OFF_PAGES)
        for start in chosen.start or STARTS[:2]:
            at_seeds = [page.url for page in seeds]
            homes = [page.url for page in web.values() if page.starts]
            starts = {"seeds": at_seeds, "off": elsewhere, "starts": homes}[start]
            known = frozenset() if start == "seeds" else frozenset(at_seeds)
            for name in chosen.order or ORDERS:
                order: Order = Focused(profile) if name == "focus" else Fixed(profile, name)
                fetched = simulate(web, order, starts, judge, chosen.pages)
                found[start][name].append(curve(web, fetched, subject, known, chosen.pages))
            if chosen.real:
                fetched = really(chosen.web, seeds, starts, chosen.pages)
                found[start]["real"].append(curve(web, fetched, subject, known, chosen.pages))
    return {s: {name: np.mean(rows, axis=0).tolist() for name, rows in by.items()} for s, by in found.items()}


def main() -> None:
    """Runs and prints."""
    chosen = chosen_by()
    began = time.process_time()
    curves = measure(chosen)
    cuts = [*(chosen.cut or (50, 100)), chosen.pages]
    figures: dict[str, Any] = {"web": Path(chosen.web).name, "subjects": chosen.subjects, "seeds": chosen.seeds}
    print(f"recall after {cuts} pages, area up to {chosen.pages}, ours by theirs at {chosen.pages}")
    for start, by in curves.items():
        for name, points in by.items():
            recalls = [points[cut - 1] for cut in cuts]
            area = float(np.mean(points))
            ratio = by["focus"][-1] / points[-1] if "focus" in by and points[-1] else float("nan")
            figures[f"{start}/{name}"] = {"recall": dict(zip(map(str, cuts), recalls, strict=True)), "area": area}
            print(f"{start:<7}{name:<11}" + "  ".join(f"{r:.3f}" for r in recalls) + f"   {area:.3f}   x{ratio:.2f}")
    print(f"{time.process_time() - began:.0f} s of CPU", file=sys.stderr)
    if chosen.out:
        chosen.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        chosen.out.with_suffix(".svg").write_text(picture(curves), encoding="utf-8")


if __name__ == "__main__":
    main()
