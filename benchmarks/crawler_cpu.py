"""What a crawler process spends on a page, beside plain Scrapy on the same web: fetch, links, gate, frontier.

    python benchmarks/crawler_cpu.py [--rounds 5] [--pages 600 2600] [--news FILE] [--out FILE.json]

Three crawlers in turn, without delay: ours (`crawl-worker`, which fetches, looks for links, judges by the gate and
keeps the frontier; extraction is the workers' and is not run), Scrapy that is given the addresses and looks at
nothing, and Scrapy with `CrawlSpider` and `LinkExtractor`, which follows all it finds. The web is that of
`endless_web.py` (50 hosts, pages of 8 KB, 40 links of which most are new) or one that `news_web.py` made, in FILE (60
KB, 118 links of which most are known). Each crawls a few pages and many pages; the difference in CPU time (user and
system, of the process and its threads) by the difference in pages is what one page costs, without what starting
costs. Prints JSON: medians and ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import contenders
from benchmarks.contenders import Web
from benchmarks.crawls import CONFIG, ROOT, begin, served, sow
from benchmarks.endless_web import HOSTS, EndlessWeb, host
from workers.broker import Broker

ARTICLES = 100_000
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Ground:
    """What is crawled: where a crawl starts, pages in no order, how the web is served, and seeds (none: the demo's).

    `told` is what makes the same ground in a process of its own.
    """

    starts: list[str]
    addresses: list[str]
    serve: Callable[[], AbstractContextManager[str]]
    seeds: Sequence[str] = ()
    told: tuple[str, ...] = ()


def endless() -> Ground:
    """A web without end."""
    made = EndlessWeb(ARTICLES)
    addresses = [made.url(number) for number in random.Random(1).sample(range(ARTICLES), MOST)]
    starts = [f"http://{host(each)}/" for each in range(HOSTS)]
    return Ground(starts, addresses, lambda: served("endless_web.py", "--articles", str(ARTICLES)))


def news(file: Path) -> Ground:
    """A web of realistic pages."""
    held = Web(file, 0)
    told = json.loads(held.index.read_text())
    addresses = sorted(told["pages"])
    random.Random(1).shuffle(addresses)
    starts = [f"http://{name}/" for name in told["hosts"]]
    return Ground(starts, addresses, lambda: contenders.served(held), told["seeds"], ("--news", str(file)))


def spent(command: list[str], env: dict[str, str]) -> float:
    """The CPU seconds a command takes; CalledProcessError when it fails."""
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


def ours(pages: int, ground: Ground, proxy: str) -> float:
    """Our crawler, with a broker that nobody works for."""
    with tempfile.TemporaryDirectory(prefix="suchlike-cpu-") as held:
        folder = Path(held)
        sow(folder, ground.seeds)
        sites = ", ".join(f'"{start}"' for start in ground.starts)
        (folder / "suchlike.toml").write_text(CONFIG.format(pages=pages, proxy=proxy, sites=sites, keep="matches"))
        arguments = begin(folder)
        with Broker(folder):
            return spent([sys.executable, "-m", "crawler", "-C", held, *arguments], dict(os.environ))


def plain(pages: int, ground: Ground, proxy: str) -> float:
    """Scrapy that looks at nothing."""
    return _apart("plain", pages, ground, proxy)


def extracting(pages: int, ground: Ground, proxy: str) -> float:
    """Scrapy with LinkExtractor."""
    return _apart("extracting", pages, ground, proxy)


def _apart(kind: str, pages: int, ground: Ground, proxy: str) -> float:
    command = [sys.executable, __file__, "--as", kind, "--pages", str(pages), *ground.told]
    return spent(command, os.environ | {"PROXY": proxy})


CRAWLERS: dict[str, Callable[[int, Ground, str], float]] = {"ours": ours, "plain": plain, "extracting": extracting}


def costs(ground: Ground, few: int, many: int, rounds: int) -> Iterator[dict[str, float]]:
    """Round by round, in which they take turns: CPU seconds a page, by the crawler's name."""
    for _ in range(rounds):
        spent_s = {}
        for name, crawl in CRAWLERS.items():
            with ground.serve() as proxy:
                spent_s[name] = (crawl(many, ground, proxy) - crawl(few, ground, proxy)) / (many - few)
        yield spent_s


def scrapy(kind: str, pages: int, ground: Ground) -> None:
    """Runs a peer, in this process."""
    from scrapy import Request, Spider
    from scrapy.crawler import CrawlerProcess
    from scrapy.linkextractors import LinkExtractor
    from scrapy.spiders import CrawlSpider, Rule

    proxy = {"proxy": os.environ["PROXY"]}

    class Plain(Spider):
        name = "plain"

        async def start(self):  # type: ignore[no-untyped-def]  # Scrapy's
            for address in ground.addresses[:pages]:
                yield Request(address, meta=proxy)

        def parse(self, response):  # type: ignore[no-untyped-def]  # Scrapy's
            return None

    class Extracting(CrawlSpider):
        name = "extracting"
        rules = (Rule(LinkExtractor(), callback="look", follow=True, process_request="proxied"),)

        async def start(self):  # type: ignore[no-untyped-def]  # Scrapy's
            for start in ground.starts:
                yield Request(start, meta=proxy)

        def proxied(self, request, _response):  # type: ignore[no-untyped-def]  # Scrapy's
            request.meta.update(proxy)
            return request

        def look(self, response):  # type: ignore[no-untyped-def]  # Scrapy's
            return None

    settings = {
        "LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": False, "DOWNLOAD_DELAY": 0,
        "CONCURRENT_REQUESTS": 32, "CONCURRENT_REQUESTS_PER_DOMAIN": 1, "COOKIES_ENABLED": False,
        "CLOSESPIDER_PAGECOUNT": pages, "REMOTE_CONTROL_ENABLED": False,
    }  # fmt: skip
    process = CrawlerProcess(settings)
    process.crawl({"plain": Plain, "extracting": Extracting}[kind])
    process.start()


def main() -> None:
    """Runs and prints."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--pages", type=int, nargs="+", default=[600, 2600])
    options.add_argument("--news", type=Path)
    options.add_argument("--out", type=Path)
    options.add_argument("--as", dest="kind", choices=("plain", "extracting"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    ground = news(chosen.news) if chosen.news else endless()
    if chosen.kind:
        scrapy(chosen.kind, chosen.pages[0], ground)
        return
    each = []
    for cost in costs(ground, *chosen.pages, chosen.rounds):
        each.append(cost)
        told = ", ".join(f"{name} {1000 * cost[name]:.2f}" for name in CRAWLERS)
        print(f"round {len(each)}: ms a page: {told}", file=sys.stderr)
    of_ours = {
        f"ours/{peer}": round(median(one["ours"] / one[peer] for one in each), 3) for peer in ("plain", "extracting")
    }
    in_ms = {name: [round(1000 * one[name], 2) for one in each] for name in CRAWLERS}
    said = json.dumps({"ms_a_page": in_ms, **of_ours})
    print(said)
    if chosen.out:
        chosen.out.write_text(said + "\n")


if __name__ == "__main__":
    main()
