"""Many crawlers on one frontier, in virtual time: how fast they are together, how polite, and what the ledger costs.

    python benchmarks/simulation.py ADDRESS [--hosts 1000] [--urls 1000000] [--pages 100000] [--crawlers 1,10,100]

ADDRESS is `sqlite:////tmp/x.db` or `postgresql+psycopg://…`, empty. The frontier is the real one (`frontier.handoff`
on `pipelines.stores`, `frontier.pace`) with a clock that is told the time; what is made up is the web: `--urls`
of it wait at the start, as many again can be found, a request takes LATENCY_S, a page names FOUND URLs, most of them
known. Each crawler hands over every EXCHANGE_S, as the real one does. Prints JSON: for each number of crawlers pages
a virtual second beside the most that the hosts allow, requests sooner than a host's delay, pages fetched twice, and
the CPU milliseconds of this process and the wall milliseconds of the ledger a page.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crawler.frontier.batch import Batch, HostNote
from crawler.frontier.handoff import Handoff, Wanted
from crawler.frontier.pace import JITTER, Pace
from crawler.project import Project
from pipelines.config import Config
from pipelines.records import Candidate
from pipelines.stores import Store, discovery, leases, open_store, runs
from pipelines.stores.allotment import LEASE_S, HostLease, Waiting
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State

EXCHANGE_S, LATENCY_S, ROWS_EACH = 1.0, 0.3, 8
FOUND, NEW_SHARE = 12, 0.15
AT_ONCE = 2_000
BEGAN = 1_800_000_000.0
# hosts a crawler owns at once, the same on every machine
HOSTS_HELD = 32


class Clock:
    """The virtual time."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now


class Nobody:
    """Where no worker listens."""

    def send(self, stage: str, rows: Sequence[int], *, batch: int | None = None, first: bool = False) -> bool:
        """Rings nobody."""
        return False


@dataclass
class Web:
    """The invented web, and what it saw."""

    hosts: int
    urls: int
    draw: random.Random = field(default_factory=lambda: random.Random(7))
    last: dict[str, float] = field(default_factory=dict)
    fetched: set[int] = field(default_factory=set)
    too_soon: int = 0
    twice: int = 0

    def url(self, number: int) -> str:
        """Number n is always the same; few hosts have much and many have little."""
        host = int(self.hosts * ((number * 0.6180339887) % 1.0) ** 2)
        return f"https://site-{host}.example/world/the-title-{number}.html"

    def candidates(self, numbers: Sequence[int], parent: int | None = None) -> list[Found]:
        """These URLs as a page would name them."""
        return [
            Found(Candidate(self.url(n), "link", anchor=f"Ministers meet again over corridor {n}"),
                  expected=self.draw.random(), depth=2, parent=parent)
            for n in numbers
        ]  # fmt: skip

    def asked(self, host: str, row: int, at: float, delay_s: float) -> None:
        """A request arrives."""
        self.too_soon += at - self.last.get(host, -1e9) < delay_s - 1e-6
        self.last[host] = at
        self.twice += row in self.fetched
        self.fetched.add(row)

    def answer(self, row: int) -> list[Found]:
        """What the page names."""
        known = [self.draw.randrange(self.urls) for _ in range(FOUND)]
        new = [n + self.urls if self.draw.random() < NEW_SHARE else n for n in known]
        return self.candidates(new, row)


@dataclass
class Holding:
    """A host in a crawler's hands."""

    name: str
    pace: Pace
    rows: list[Waiting]
    pages: int = 0


class Crawler:
    """One virtual crawler: the bookkeeping of the real scheduler without Scrapy."""

    def __init__(self, number: int, config: Config, store: Store, run: int, web: Web, clock: Clock) -> None:
        self._web, self._clock, self._config = web, clock, config
        # those of another run with this number died, and are not to be taken for it
        self.holder = f"crawler-{run}-{number}"
        self._handoff = Handoff(store, Nobody(), run=run, holder=self.holder, clock=clock, monotonic=clock)
        self._held: dict[int, Holding] = {}
        self._batch = Batch()
        self._draw = random.Random(number)
        self.events: list[tuple[float, int, Holding]] = []
        self.stopped = False
        self._order = itertools.count()

    def exchange(self) -> None:
        """Hands over, gives back what is empty, leases."""
        now = self._clock.now
        for id_, held in list(self._held.items()):
            empty = not held.rows and not held.pace.busy
            note = HostNote(held.pace.next_at or now, held.pace.failures, held.pages, give_back=empty)
            if held.pages or empty:
                self._batch.notes[id_] = note
            held.pages = 0
            if empty:
                del self._held[id_]
        batch, self._batch = self._batch, Batch()
        rows = sum(len(held.rows) for held in self._held.values())
        wanted = Wanted(max(0, HOSTS_HELD - len(self._held)), ROWS_EACH, rows)
        given = self._handoff.exchange(batch, wanted)
        self.stopped = given.stop is not None
        for lease in given.leases:
            self._take(lease, now)

    def _take(self, lease: HostLease, now: float) -> None:
        pace = Pace(self._config.delay_s, next_at=lease.next_at, _random=self._draw)
        held = self._held[lease.id] = Holding(lease.name, pace, list(lease.rows))
        heapq.heappush(self.events, (max(now, lease.next_at), next(self._order), held))

    def step(self) -> None:
        """The next request of a host, and its answer LATENCY_S later."""
        at, _, held = heapq.heappop(self.events)
        if not held.rows:
            return
        row = held.rows.pop(0)
        self._web.asked(held.name, row.row, at, self._config.delay_s)
        ended = at + LATENCY_S
        held.pace.answered(ended)
        held.pages += 1
        self._batch.fetched.append(Fetched(row.row, State.DROPPED, status=200, reason="unlike", fetched_at=ended))
        self._batch.found += self._web.answer(row.row)
        heapq.heappush(self.events, (held.pace.next_at, next(self._order), held))


def simulate(address: str, config: Config, web: Web, crawlers: int, pages: int, began: float) -> dict[str, float]:
    """So many crawlers until so many pages are fetched."""
    store, clock = open_store(address, forks=False), Clock(began)
    with store.write() as connection:
        run = runs.start(connection, config, "", now=clock.now).id
    of = [Crawler(n, config, store, run, web, clock) for n in range(crawlers)]
    turns = [(began + EXCHANGE_S * n / crawlers, n) for n in range(crawlers)]
    heapq.heapify(turns)
    before, used, spent, exchanges = len(web.fetched), time.process_time(), 0.0, 0
    while len(web.fetched) - before < pages:
        at, number = heapq.heappop(turns)
        crawler = of[number]
        while crawler.events and crawler.events[0][0] <= at:
            crawler.step()
        clock.now = at
        asked = time.perf_counter()
        crawler.exchange()
        spent, exchanges = spent + time.perf_counter() - asked, exchanges + 1
        if crawler.stopped:
            break
        heapq.heappush(turns, (at + EXCHANGE_S, number))
    done = len(web.fetched) - before
    # the next crawlers find the frontier as if these had died
    with store.write() as connection:
        for one in of:
            leases.reclaim(connection, now=clock.now, holder=one.holder)
    store.close()
    return {
        "crawlers": crawlers, "pages": done, "pages_a_second": round(done / (clock.now - began), 1),
        "hosts_allow_a_second": round(web.hosts / (config.delay_s * (1 + JITTER / 2) + LATENCY_S), 1),
        "sooner_than_the_delay": web.too_soon, "fetched_twice": web.twice,
        "cpu_ms_a_page": round(1000 * (time.process_time() - used) / done, 3),
        "ledger_ms_a_page": round(1000 * spent / done, 3), "ledger_ms_an_exchange": round(1000 * spent / exchanges, 2),
    }  # fmt: skip


def fill(store: Store, web: Web, run: int) -> None:
    """So many URLs wait."""
    for first in range(0, web.urls, AT_ONCE):
        with store.write() as connection:
            found = web.candidates(range(first, min(web.urls, first + AT_ONCE)))
            discovery.discover(connection, found, run=run, now=BEGAN)


def main() -> None:
    """Fills, simulates, prints."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("address")
    options.add_argument("--hosts", type=int, default=1_000)
    options.add_argument("--urls", type=int, default=1_000_000)
    options.add_argument("--pages", type=int, default=100_000)
    options.add_argument("--crawlers", default="1,10,100")
    options.add_argument("--rate", default="1/1s")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="suchlike-simulation-") as folder:
        config = Project(Path(folder)).config({"crawl": {"rate": asked.rate, "pages": 0}})
        store, web = open_store(asked.address, mode="online", forks=False), Web(asked.hosts, asked.urls)
        with store.write() as connection:
            run = runs.start(connection, config, "", now=BEGAN).id
        fill(store, web, run)
        store.close()
        # a day lies between them, so that no host rests from the crawlers before
        each = [
            simulate(asked.address, config, web, int(number), asked.pages, BEGAN + 86_400.0 * at)
            for at, number in enumerate(asked.crawlers.split(","), 1)
        ]
    print(json.dumps({"hosts": asked.hosts, "urls": asked.urls, "lease_s": LEASE_S, "runs": each}, indent=1))


if __name__ == "__main__":
    main()
