"""The parts of a page's way, each beside what it is measured against, small enough to run in minutes.

Every case gives lines for a table: what, times the measure it stands beside (median, lowest, highest), and of what.
CPU seconds of this process and of those it started; the sides of a case take turns, so that the machine's load falls
on both alike. Figures without a peer are given as they are, with their unit.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from benchmarks.contenders import Web
from benchmarks.crawls import ROOT
from benchmarks.spending import Spent, spend
from crawler.project import Project
from pipelines import extract
from pipelines.likeness.profile import Profile
from pipelines.records import Candidate
from pipelines.signature import signature
from pipelines.stages import TAKES
from pipelines.stores import Store, discovery, fetches, open_store, replayed, runs, signatures
from pipelines.stores.discovery import Found
from pipelines.stores.fetches import Fetched
from pipelines.stores.states import State
from workers.broker import Broker
from workers.tuning import BATCH


@dataclass(frozen=True, slots=True)
class Line:
    """A figure: `each` is one value a round, a ratio where `of` names a peer."""

    what: str
    of: str
    each: tuple[float, ...]

    def shown(self) -> str:
        """A row of the table."""
        low, high = min(self.each), max(self.each)
        return f"| {self.what} | {self.of} | {median(self.each):.3g} ({low:.3g} to {high:.3g}) |"


def pages_of(web: Web) -> list[tuple[str, bytes]]:
    """`(address, HTML)` of the articles of a generated web."""
    held, whole = json.loads(web.index.read_text())["pages"], web.file.read_bytes()
    found = [(url, whole[at + packed : at + packed + plain]) for url, (at, packed, plain) in held.items()]
    return [(url, html) for url, html in found if not url.endswith(".test/")]


def cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def took(work: Callable[[], object]) -> float:
    """The CPU seconds a piece of work takes."""
    before = cpu_s()
    work()
    return cpu_s() - before


def by_default(pages: list[tuple[str, bytes]]) -> None:
    """trafilatura's default, with its own metadata."""
    from trafilatura import bare_extraction

    for url, html in pages:
        bare_extraction(html.decode(), url=url, with_metadata=True)


def extraction(web: Web, rounds: int) -> Iterator[Line]:
    """Our extraction, metadata included, beside trafilatura's default with its own."""
    pages = pages_of(web)[:60]
    extract.warm()
    by_default(pages[:1])
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(took(lambda: [extract.extract(html, url) for url, html in pages]))
        theirs.append(took(lambda: by_default(pages)))
    ratios = tuple(b / a for a, b in zip(ours, theirs, strict=True))
    yield Line("extraction: CPU of trafilatura's default", "÷ ours", ratios)


def queue(_: Web, rounds: int) -> Iterator[Line]:
    """What a job of one page costs beside jobs of many, through the forking worker we use."""
    with tempfile.TemporaryDirectory() as held, Broker(Path(held)) as broker:
        client = redis.Redis.from_url(broker.address)
        sent = Queue("bench", connection=client, serializer=JSONSerializer)

        def through(size: int, rows: int) -> tuple[float, float]:
            commands = client.info("stats")["total_commands_processed"]
            for first in range(0, rows, size):
                sent.enqueue("benchmarks.parts.nothing", list(range(first, first + size)), result_ttl=0)
            worker = Worker([sent], connection=client, serializer=JSONSerializer)
            spent = took(lambda: worker.work(burst=True, logging_level="ERROR"))
            return spent / rows, (client.info("stats")["total_commands_processed"] - commands) / rows

        each = [(through(1, 48), through(BATCH, 16 * BATCH)) for _ in range(rounds)]
        yield Line("queue: CPU of a job a page", f"÷ jobs of {BATCH} pages", tuple(a[0] / b[0] for a, b in each))
        yield Line("queue: Redis commands a page and stage", f"jobs of {BATCH} pages", tuple(b[1] for _, b in each))
        yield Line("queue: CPU ms a page and stage", f"jobs of {BATCH} pages", tuple(1000 * b[0] for _, b in each))


def nothing(_: list[int]) -> None:
    """The job of `queue`."""


def likeness(web: Web, rounds: int) -> Iterator[Line]:
    """What the gate saves: the quick score of a page's beginning beside extraction and the full score."""
    told = json.loads(web.index.read_text())
    profile = Profile.learn([(f"seed {n}", *text.split("\n\n", 1), "en") for n, text in enumerate(told["seeds"])])
    pages = pages_of(web)[:40]
    read = [extract.extract(html, url) for url, html in pages]
    for one in read:
        profile.score(one.title, one.text, "en")
    each = []
    for _ in range(rounds):
        quick = took(lambda: [profile.quick(f"{one.title}\n{one.text[:2000]}", "en") for one in read])
        full = took(lambda: [profile.score(one.title, one.text, "en") for one in read])
        extracting = took(lambda: [extract.extract(html, url) for url, html in pages])
        each.append(((full + extracting) / quick, 1000 * quick / len(read)))
    yield Line("likeness: CPU of extraction and full score", "÷ the quick score", tuple(one for one, _ in each))
    yield Line("likeness: CPU ms of a quick score", "a page", tuple(one for _, one in each))


def near_copies(web: Web, rounds: int) -> Iterator[Line]:
    """Signing, looking up and adding texts: ours in SQLite, beside datasketch and rensa in memory where installed."""
    texts = [extract.extract(html, url).text for url, html in pages_of(web)[:120]]
    with tempfile.TemporaryDirectory() as held:
        store = open_store(f"sqlite:///{held}/suchlike.db")
        each = _near_copies(texts, store, rounds)
        store.close()
    ours = tuple(1000 * one["ours"] / len(texts) for one in each)
    yield Line("near-copies: CPU ms to sign, look up and add", "a text", ours)
    for name in each[0]:
        if name != "ours":
            yield Line(f"near-copies: CPU of {name}", "÷ ours", tuple(one[name] / one["ours"] for one in each))


def _near_copies(texts: list[str], store: Store, rounds: int) -> list[dict[str, float]]:
    """CPU seconds of each side, a round each."""

    def with_ours() -> None:
        with store.write() as connection:
            for number, text in enumerate(texts):
                if signed := signature(text):
                    signatures.alike(connection, signed)
                    signatures.put(connection, {number: signed})
            connection.rollback()

    sides: dict[str, Callable[[], object]] = {"ours": with_ours}
    try:
        from datasketch import MinHash, MinHashLSH

        def with_datasketch() -> None:
            near = MinHashLSH(threshold=0.7, num_perm=128)
            for number, text in enumerate(texts):
                words, made = text.split(), MinHash(num_perm=128)
                made.update_batch([" ".join(words[at : at + 3]).encode() for at in range(len(words) - 2)])
                near.query(made)
                near.insert(number, made)

        sides["datasketch"] = with_datasketch
    except ImportError:
        pass
    try:
        from rensa import RMinHash, RMinHashLSH

        def with_rensa() -> None:
            near = RMinHashLSH(threshold=0.7, num_perm=128, num_bands=16)
            for number, text in enumerate(texts):
                words, made = text.split(), RMinHash(num_perm=128, seed=1)
                made.update([" ".join(words[at : at + 3]) for at in range(len(words) - 2)])
                near.query(made)
                near.insert(number, made)

        sides["rensa"] = with_rensa
    except ImportError:
        pass
    for side in sides.values():
        side()
    return [{name: took(side) for name, side in sides.items()} for _ in range(rounds)]


def waiting(folder: Path, pages: list[tuple[str, bytes]]) -> int:
    """A project in `folder` whose store holds these pages, fetched and not yet extracted; how many."""
    config = Project(folder).config({"store": {"keep": "all"}})
    store, now = open_store(config.database, mode=config.mode), time.time()
    with store.write() as connection:
        run = runs.start(connection, config, "", now=now).id
        discovery.discover(connection, [Found(Candidate(url, "start"), 0.9) for url, _ in pages], run=run, now=now)
        rows = replayed.lease(connection, {url: now for url, _ in pages}, run=run, now=now)
        made: list[dict[str, Any]] = [{"final_url": url, "body": html, "fetched_at": now} for url, html in pages]
        ended = [Fetched(rows[one["final_url"]], State.FETCHED, 200, headers=HTML, **one) for one in made]
        fetches.record(connection, ended, run=run, ring_after=0.0)
    store.close()
    return len(rows)


HTML = {"content-type": "text/html"}


def scaling(web: Web, rounds: int) -> Iterator[Line]:
    """Two extraction workers beside one: time on the clock, and CPU, which others bend less.

    Once with nothing beside them; there every page comes COPIES times, so that the last batches weigh little. And once
    with the stages behind them, which want a core for themselves.
    """
    pages = pages_of(web)
    many = [(f"{url}?copy={number}", html) for number in range(COPIES) for url, html in pages]
    alone = [{workers: _drained(many, ["parse"] * workers) for workers in (1, 2)} for _ in range(rounds)]
    yield Line("scaling: time of one worker", "÷ two workers", tuple(one[1][0] / one[2][0] for one in alone))
    yield Line("scaling: CPU of two workers", "÷ one worker", tuple(one[2][1] / one[1][1] for one in alone))
    stages = [{workers: _drained(pages, ["parse"] * workers + ["dedupe", "store"]) for workers in (1, 2)}
              for _ in range(rounds)]  # fmt: skip
    yield Line("scaling: time of one worker, with dedupe and store on the same cores", "÷ two workers",
               tuple(one[1][0] / one[2][0] for one in stages))  # fmt: skip


def _drained(pages: list[tuple[str, bytes]], names: list[str]) -> tuple[float, float]:
    """`(seconds, CPU seconds)` from the first job until every page is through these workers' stages, once started."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="suchlike-scaling-")))
        number = waiting(folder, pages)
        broker = stack.enter_context(Broker(folder))
        me = [sys.executable, "-m", "crawler", "-C", str(folder), "work"]
        begun = [subprocess.Popen([*me, name], cwd=ROOT, stdin=subprocess.DEVNULL) for name in names]
        for one in begun:
            stack.callback(one.wait)
            stack.callback(one.terminate)
        client = redis.Redis.from_url(broker.address)
        while int(client.info("clients")["blocked_clients"]) < len(names):
            time.sleep(0.1)
        before, began = sum(map(_used, begun)), time.monotonic()
        from workers.queues import Queues

        sender = Queues(broker.address, 32)
        sender.send("parse", list(range(1, number + 1)))
        while _open(folder, {TAKES[name] for name in names}):
            time.sleep(0.1)
        found = time.monotonic() - began, sum(map(_used, begun)) - before
        sender.close()
        return found


def _used(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _open(folder: Path, states: set[State]) -> int:
    """How many pages wait for these workers, or are at them."""
    with sqlite3.connect(f"file:{folder / 'suchlike.db'}?mode=ro", uri=True, timeout=60) as held:
        asked = f"SELECT count(*) FROM urls WHERE state IN ({', '.join('?' * len(states))})"
        return int(held.execute(asked, [int(state) for state in states]).fetchone()[0])


def bulk_replay(web: Web, rounds: int) -> Iterator[Line]:
    """`suchlike replay` of a WARC file with every article kept, beside extraction alone of the same pages: ours, and
    trafilatura's as its documentation has it.

    Beyond the start: what a replay of FEW pages takes is subtracted.
    """
    pages = pages_of(web)
    extract.warm()
    by_default(pages[:1])
    alone: dict[str, Callable[[], object]] = {
        "our": lambda: [extract.extract(html, url) for url, html in pages[FEW:]],
        "trafilatura's default": lambda: by_default(pages[FEW:]),
    }
    cpu: dict[str, list[float]] = {name: [] for name in alone}
    wall: dict[str, list[float]] = {name: [] for name in alone}
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="suchlike-replay-") as held:
        few, all_ = (_recorded(Path(held) / f"{len(some)}.warc", some) for some in (pages[:FEW], pages))
        for _ in range(rounds):
            small, large = _replayed(few), _replayed(all_)
            for name, extraction in alone.items():
                spent = took(extraction)
                cpu[name].append(spent / (large.cpu_s - small.cpu_s))
                wall[name].append(spent / cores / (large.wall_s - small.wall_s))
    whole = "÷ the whole replay, beyond its start"
    for name in alone:
        yield Line(f"bulk replay: CPU of {name} extraction alone", whole, tuple(cpu[name]))
        yield Line(f"bulk replay: time of {name} extraction alone on {cores} cores", whole, tuple(wall[name]))


def _recorded(archive: Path, pages: list[tuple[str, bytes]]) -> Path:
    """A WARC file of these pages."""
    with archive.open("wb") as out:
        writer = WARCWriter(out, gzip=False)
        for url, html in pages:
            head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            record = writer.create_warc_record(url, "response", payload=BytesIO(html), http_headers=head)
            writer.write_record(record)
    return archive


def _replayed(archive: Path) -> Spent:
    with tempfile.TemporaryDirectory(prefix="suchlike-replay-") as held:
        log = Path(held) / "log"
        command = [sys.executable, "-m", "crawler", "-C", held, "-q", "replay", "--keep", "all", str(archive)]
        spent = spend(command, cwd=ROOT, env=dict(os.environ), log=log)
        if spent.code:
            raise SystemExit(log.read_text())
        return spent


FEW = 30
COPIES = 5
CASES: tuple[Callable[[Web, int], Iterator[Line]], ...] = (
    extraction, queue, likeness, near_copies, scaling, bulk_replay,
)  # fmt: skip
