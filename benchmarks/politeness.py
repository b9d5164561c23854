"""Are many crawlers together as polite as one, and exact when they are killed? Told by the server's own log.

    python benchmarks/politeness.py [--hosts 200] [--pages 300] [--crawlers 4] [--rate 5/1s] [--kill-every 10]

One logging server on loopback is the forward proxy for all hosts. Each host has a front page that links to its pages,
to some of other hosts, and to some robots.txt forbids; every fifth host asks for a longer Crawl-delay. The crawlers
share one ledger. With --kill-every, one of them is killed (-9) so often, and another takes its place. Prints a table;
fails when anything was impolite or any page was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crawler.project import Project
from crawler.starting import starting_points
from pipelines.durations import rate_delay_s
from pipelines.holders import holder_name
from pipelines.likeness.profile import Profile
from pipelines.likeness.read import Example
from pipelines.stores import Store, discovery, editions, fates, leases, open_store, runs

# what a crawler asks a host about itself, beside its pages; the last one is how it answers for what it does not have
ABOUT_HOST = ("/robots.txt", "/.well-known/tdmrep.json", "/no-such-page")
SLOW_EVERY, SLOWER = 5, 2.5
# a batch is handed over every second; what was fetched since is asked for again when its process dies
UNTOLD_S = 3.0
BETWEEN_KILLS = 50
CLOCK_S = 0.001
SEED = "The harbour board voted to dredge the northern channel again, because silt fills the fairway every winter. " * 8
SYLLABLES = ["".join(three) for three in itertools.product("bdgkl", "aeiou", ("nor", "mis", "tel", "ver", "ros"))]
TEXT = "<p>Nobody at the allotment had seen such pumpkins, and the judges took their time over tea and cake.</p>" * 2


@dataclass(slots=True)
class Asked:
    """One request as it arrived, and the moment before its answer was written."""

    host: str
    path: str
    at: float
    answered_at: float = 0.0


@dataclass
class Trial:
    """How large, how fast and how rough."""

    hosts: int
    pages: int
    rate: str
    crawlers: int
    kill_every_s: float = 0.0
    most_kills: int = 10_000
    database: str = ""
    kills: list[float] = field(default_factory=list)
    log: list[Asked] = field(default_factory=list)

    def name(self, number: int) -> str:
        """The name of a host."""
        return f"h{number:03}.test"

    def delay_s(self, host: str) -> float:
        """What its robots.txt and our rate ask for."""
        slow = int(host[1:4]) % SLOW_EVERY == 0
        return rate_delay_s(self.rate) * (SLOWER if slow else 1.0)

    def answer(self, host: str, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        number = int(host[1:4])
        if path == "/robots.txt":
            delay = f"Crawl-delay: {self.delay_s(host)}\n" if number % SLOW_EVERY == 0 else ""
            return 200, "text/plain", f"User-agent: *\n{delay}Disallow: /private\n".encode()
        if path.startswith(ABOUT_HOST):
            return 404, "text/plain", b""
        paths = [f"/harbour-silt-{n}" for n in range(self.pages)] + ["/private/dredging-1", "/private/dredging-2"]
        links = paths if path == "/" else [f"/private{path}"]
        if path == "/":
            links += [f"http://{self.name((number + n) % self.hosts)}{paths[n]}" for n in range(1, 6)]
        listed = "".join(f'<a href="{link}">harbour dredging silt channel</a> ' for link in links)
        # no page is like another: hosts of the same pages are mirrors, and pages of the same text a trap
        own = " ".join(random.Random(host + path).choices(SYLLABLES, k=60))
        text = f"<title>{host}{path}</title></head><body><p>{own}</p>{TEXT}{listed}"
        return 200, "text/html", f"<html><head>{text}</body></html>".encode()


@contextlib.asynccontextmanager
async def serving(trial: Trial) -> AsyncIterator[str]:
    """The proxy's address while it serves."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, _, rest = head.split(b" ", 2)[1].decode().partition("://")
                host, slash, path = rest.partition("/")
                asked = Asked(host, slash + path, time.time())
                trial.log.append(asked)
                status, kind, body = trial.answer(host, asked.path)
                first = f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
                asked.answered_at = time.time()  # before anybody can have it
                writer.write(first.encode() + body)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


def begin(folder: Path, trial: Trial, proxy: str) -> tuple[Store, str, int]:
    """A run in the ledger, with the front pages to start from."""
    (folder / "suchlike.toml").write_text("[profile.silt]\n")
    crawl = {"rate": trial.rate, "proxy": proxy, "pages": 0, "concurrency": 64, "crawlers": trial.crawlers}
    sites = [f"http://{trial.name(number)}/" for number in range(trial.hosts)]
    store = {"database": trial.database, "archive": "none"}
    config = Project(folder).config({"crawl": crawl, "sources": {"sites": sites}, "store": store})
    opened = open_store(config.database, mode=config.mode)
    profile = Profile.learn([Example("silt", "Silt in the channel", SEED, "en", None)])
    with opened.write() as connection:
        editions.keep(connection, profile.edition, "silt", "silt", [], profile.to_bytes())
        run = runs.start(connection, config, profile.edition, now=time.time()).id
        discovery.discover(connection, starting_points(config, None), run=run, now=time.time())
    return opened, config.database, run


async def crawl(folder: Path, trial: Trial, store: Store, run: int, *, database: str, limit_s: float) -> None:
    """The crawlers, until there is nothing left to fetch; now and then one is killed and another begins."""
    command = [sys.executable, "-m", "crawler", "-C", str(folder), "crawl-worker", "--run", str(run), "--inline"]
    environment = {**os.environ, "SUCHLIKE_DATABASE": database}

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.DEVNULL)

    began, killed, seen = time.monotonic(), time.monotonic(), 0
    at_work = [await start() for _ in range(trial.crawlers)]
    try:
        while any(process.returncode is None for process in at_work):
            await asyncio.sleep(0.2)
            if time.monotonic() - began > limit_s:
                raise TimeoutError(f"the crawl did not end within {limit_s:g} seconds")
            due = trial.kill_every_s and time.monotonic() - killed > trial.kill_every_s
            # on a machine that is slow to start processes, those that began must come to something
            if due and len(trial.log) - seen > BETWEEN_KILLS and len(trial.kills) < trial.most_kills:
                killed, seen = time.monotonic(), len(trial.log)
                victim, *rest = at_work
                if victim.returncode is not None:
                    continue  # they are finishing
                victim.send_signal(signal.SIGKILL)
                await victim.wait()
                trial.kills.append(time.time())
                at_work = [*rest, await start()]
                await asyncio.to_thread(_bury, store, holder_name(victim.pid))
    finally:
        for process in at_work:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _bury(store: Store, holder: str) -> None:
    """What the conductor does at once when a crawler of its own dies."""
    with store.write() as connection:
        leases.reclaim(connection, now=time.time(), holder=holder)
        leases.free_leases(connection, now=time.time(), holder=holder)


def judged(trial: Trial, store: Store, run: int) -> dict[str, float]:
    """What the log and the ledger tell; everything but the first four and the last two figures should be 0."""
    of_host: dict[str, list[Asked]] = {}
    for asked in sorted(trial.log, key=lambda one: one.at):
        of_host.setdefault(asked.host, []).append(asked)
    close = sum(
        after.at - max(before.at, before.answered_at) < trial.delay_s(host) - CLOCK_S
        for host, asked in of_host.items() for before, after in itertools.pairwise(asked)
    )  # fmt: skip
    times: dict[tuple[str, str], list[float]] = {}
    for asked in trial.log:
        if not asked.path.startswith(ABOUT_HOST):
            times.setdefault((asked.host, asked.path), []).append(asked.at)
    again = [at for at in times.values() if len(at) > 1]
    untold = sum(any(at[0] <= kill <= at[0] + UNTOLD_S for kill in trial.kills) for at in again)
    with store.read() as connection:
        ends = fates.count(connection, run)
    wanted = trial.hosts * (trial.pages + 1)
    return {
        "requests": len(trial.log), "pages": len(times), "kills": len(trial.kills),
        "seconds": round(trial.log[-1].at - trial.log[0].at) if trial.log else 0,
        "gaps shorter than the delay": close,
        "requests robots.txt forbids": sum(path.startswith("/private") for _, path in times),
        "pages not asked for": wanted - len(times), "pages not in the ledger": wanted - ends["fetched"],
        "pages left waiting": ends["frontier"], "pages fetched twice": len(again) - untold,
        "pages whose answer died with its process": untold,
        "most of them a kill": max(Counter(kill for at in again for kill in trial.kills
                                           if at[0] <= kill <= at[0] + UNTOLD_S).values(), default=0),
    }  # fmt: skip


FAULTS = ("gaps shorter than the delay", "requests robots.txt forbids", "pages not asked for",
          "pages not in the ledger", "pages left waiting", "pages fetched twice")  # fmt: skip


def run_trial(folder: Path, trial: Trial, limit_s: float) -> dict[str, float]:
    """One crawl from its start to its end."""

    async def whole() -> dict[str, float]:
        async with serving(trial) as proxy:
            store, database, run = begin(folder, trial, proxy)
            await crawl(folder, trial, store, run, database=database, limit_s=limit_s)
            return judged(trial, store, run)

    return asyncio.run(whole())


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--crawlers", type=int, default=4)
    parser.add_argument("--rate", default="5/1s")
    parser.add_argument("--kill-every", type=float, default=0.0)
    parser.add_argument("--database", default="", help="a PostgreSQL; default: a SQLite file")
    parser.add_argument("--limit", type=float, default=7_200.0)
    asked = parser.parse_args()
    trial = Trial(
        asked.hosts, asked.pages, asked.rate, asked.crawlers, kill_every_s=asked.kill_every, database=asked.database
    )
    with tempfile.TemporaryDirectory(prefix="suchlike-polite-") as folder:
        found = run_trial(Path(folder), trial, asked.limit)
    for what, number in found.items():
        print(f"{what:<42} {number:>8}")
    return int(any(found[fault] for fault in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
