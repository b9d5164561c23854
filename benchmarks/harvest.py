"""How much of a subject a crawl finds within its budget, by order of the frontier, on a recorded web.

    python benchmarks/harvest.py --web ../shared/data/web/pages.jsonl.gz [--subjects 28] [--draws 3] [--real]
    python benchmarks/harvest.py --web demo --start starts --pages 500

WEB is what `recorded_web.py` reads. A subject's seeds are the texts of some of its pages. The crawl starts at them
(`seeds`), at five pages about other things (`off`), or where the web itself says that a reader begins (`starts`), and
judges pages by their likeness alone: labels are only looked at in the end. The orders are walked in memory; with
--real, ours also by the real crawler: Scrapy, the ledger and its leases, fetching through a forward proxy.

Prints, averaged over subjects and draws: recall at the cuts, the area under its curve up to the budget, for each other
order the ratio of recall at the budget, and on how many subjects ours found less. A seed's page counts neither as found
nor as to be found where the crawl starts elsewhere. With --out, writes the figures as JSON and the curves as a picture
(SVG).
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
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.crawls import ROOT, begin, served
from benchmarks.curves import picture
from benchmarks.orders import Fixed, Focused, Judge, Order, simulate
from benchmarks.recorded_web import Recorded, Web, read
from crawler.frontier import focus as focus_settings
from pipelines import urls as identity
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Reader
from workers.broker import Broker

# what every process of the pool works with
_given: list[tuple[argparse.Namespace, Web]] = []

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
        proxy = stack.enter_context(served("recorded_web.py", name))
        sites = ", ".join(f'"{url}"' for url in starts)
        config = _CONFIG.format(pages=pages, proxy=proxy, sites=sites)
        (folder / "suchlike.toml").write_text(config, encoding="utf-8")
        me = [sys.executable, "-m", "crawler", "-C", str(folder), "-q"]
        arguments = begin(folder)
        stack.enter_context(Broker(folder))
        subprocess.run([*me, *arguments], cwd=ROOT, check=True, env=dict(os.environ))
        with sqlite3.connect(folder / "suchlike.db") as connection:
            query = "SELECT url FROM urls WHERE kind = 0 AND fetched_at IS NOT NULL ORDER BY fetched_at, id"
            return [url for (url,) in connection.execute(query)]


def remember_reading() -> None:
    """Pages and anchors are read the same way for every subject, so once is enough for all."""
    read, phrases = Reader.read, Reader.phrases
    readings: dict[Any, Any] = {}
    rows: dict[Any, Any] = {}

    def read_once(self: Reader, texts: Sequence[Any]) -> Any:
        missing = [text for text in dict.fromkeys(texts) if text not in readings]
        readings.update(zip(missing, read(self, missing), strict=True))
        return [readings[text] for text in texts]

    def phrases_once(self: Reader, texts: Sequence[Any]) -> Any:
        missing = [text for text in dict.fromkeys(texts) if text not in rows]
        if missing:
            rows.update(zip(missing, phrases(self, missing), strict=True))
        return np.array([rows[text] for text in texts])

    Reader.read, Reader.phrases = read_once, phrases_once  # type: ignore[method-assign]


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
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options.add_argument("--out", type=Path, help="a file name without its ending")
    options.add_argument(
        "--settings", action="append", default=[], help="a constant of crawler.frontier.focus, NAME=JSON"
    )
    return options.parse_args(arguments)


Draw = tuple[str, list[Recorded], random.Random]
Curves = dict[str, dict[str, list[float]]]


def walked(drawn: Draw) -> tuple[str, Curves]:
    """The subject of one draw, and start -> order -> its curve of recall."""
    subject, seeds, chance = drawn
    chosen, web = _given[-1]
    profile = Profile.learn([(page.url, page.title, page.text, "en") for page in seeds])
    judge = judged_by(profile)
    at_seeds = [page.url for page in seeds]
    starts = {
        "seeds": at_seeds,
        "off": chance.sample([page.url for page in web.values() if subject not in page.labels], OFF_PAGES),
        "starts": [page.url for page in web.values() if page.starts],
    }
    found: Curves = {}
    for start in chosen.start or STARTS[:2]:
        known = frozenset() if start == "seeds" else frozenset(at_seeds)
        fetched: dict[str, list[str]] = {}
        for name in chosen.order or ORDERS:
            order: Order = Focused(profile) if name == "focus" else Fixed(profile, name)
            fetched[name] = simulate(web, order, starts[start], judge, chosen.pages)
        if chosen.real:
            fetched["real"] = really(chosen.web, seeds, starts[start], chosen.pages)
        found[start] = {name: curve(web, urls, subject, known, chosen.pages) for name, urls in fetched.items()}
    return subject, found


def _give(chosen: argparse.Namespace, web: Web) -> None:
    """Begins a process of the pool."""
    for setting in chosen.settings:
        name, _, value = setting.partition("=")
        setattr(focus_settings, name, json.loads(value))
    remember_reading()
    _given.append((chosen, web))


def _all_walked(chosen: argparse.Namespace, web: Web, drawn: Iterator[Draw]) -> Iterator[tuple[str, Curves]]:
    if chosen.jobs == 1:
        _give(chosen, web)
        yield from map(walked, drawn)
        return
    with Pool(chosen.jobs, _give, (chosen, web)) as pool:
        yield from pool.imap(walked, drawn)


def measure(chosen: argparse.Namespace) -> tuple[Curves, dict[str, dict[str, dict[str, float]]]]:
    """`(start -> order -> the mean curve of recall, start -> order -> subject -> mean recall at the budget)`."""
    web = read(chosen.web)
    every = sorted({label for page in web.values() for label in page.labels})
    # every second or third of the alphabet, so that neighbours in it do not go together
    spread = [label for step in range(3) for label in every[step::3]]
    subjects = chosen.subject or spread[chosen.skip : chosen.skip + chosen.subjects]
    found: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    ends: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(float)))
    for subject, curves in _all_walked(chosen, web, draws(web, subjects, chosen.seeds, chosen.draws)):
        for start, by in curves.items():
            for name, points in by.items():
                found[start][name].append(points)
                ends[start][name][subject] += points[-1] / chosen.draws
    means = {s: {name: np.mean(rows, axis=0).tolist() for name, rows in by.items()} for s, by in found.items()}
    return means, ends


def main() -> None:
    """Runs and prints."""
    chosen = chosen_by()
    curves, ends = measure(chosen)
    cuts = [*(cut for cut in chosen.cut or (50, 100) if cut < chosen.pages), chosen.pages]
    figures: dict[str, Any] = {"web": Path(chosen.web).name, "seeds": chosen.seeds, "draws": chosen.draws}
    print(f"recall after {cuts} pages, area up to {chosen.pages}, ours by theirs at {chosen.pages}, subjects ours lost")
    for start, by in curves.items():
        for name, points in by.items():
            recalls = [points[cut - 1] for cut in cuts]
            area = float(np.mean(points))
            ratio = by["focus"][-1] / points[-1] if "focus" in by and points[-1] else float("nan")
            said = ends[start][name]
            lost = sum(ends[start]["focus"][subject] < recall for subject, recall in said.items())
            held = {"recall": dict(zip(map(str, cuts), recalls, strict=True)), "area": area, "ours_lost": lost}
            figures[f"{start}/{name}"] = held | {"subjects": dict(said)}
            shown = "  ".join(f"{r:.3f}" for r in recalls)
            print(f"{start:<7}{name:<11}{shown}   {area:.3f}   x{ratio:.2f}   {lost}")
    if chosen.out:
        chosen.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        chosen.out.with_suffix(".svg").write_text(picture(curves), encoding="utf-8")


if __name__ == "__main__":
    main()
